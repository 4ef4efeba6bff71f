"""Each ban is seeded once, next to the nearest thing that is allowed."""

import pytest


def finding(tree, path, text):
    """The name of the first rule that fires, or None."""
    tree.write(path, text + "\n")
    code, lines = tree.run("check_banned.py")
    assert (code == 1) == (len(lines) > 1)
    if code == 0:
        return None
    return lines[0].removeprefix(path).split(": ")[1].split(" (")[0]


@pytest.mark.parametrize("rule, path, text", [
    ("real clock", "src/routing/choose.cc", "auto t = std::chrono::system_clock::now();"),
    ("real clock", "src/routing/choose_test.cc", "auto t = std::chrono::steady_clock::now();"),
    ("real clock", "src/gateway/a.cc", "auto t = time(nullptr);"),
    ("real clock", "src/gateway/a.cc", "gettimeofday(&tv, nullptr);"),
    ("sleep", "src/net/a_test.cc", "std::this_thread::sleep_for(1ms);"),
    ("sleep", "src/net/a.cc", "usleep(10);"),
    ("sleep in a Python test", "tests/system/test_a.py", "time.sleep(1)"),
    ("random device", "src/routing/a.cc", "std::random_device seed;"),
    ("random device", "src/routing/a.cc", "int x = rand();"),
    ("random device", "src/routing/a_test.cc", "std::random_device seed;"),
    ("random engine", "src/routing/a.cc", "std::mt19937_64 engine(1);"),
    ("standard distribution", "src/app/a.cc", "std::uniform_int_distribution<int> d(1, 6);"),
    ("detached coroutine", "src/net/a.cc", "co_spawn(executor, Serve(), asio::detached);"),
    ("thread", "src/gateway/a.cc", "std::thread worker(Run);"),
    ("thread", "src/gateway/a_test.cc", "std::jthread worker(Run);"),
    ("std::regex", "src/net/a.cc", "std::regex pattern(text);"),
    ("std::hash", "src/routing/a.cc", "auto bucket = std::hash<std::string>{}(key) % 100;"),
    ("using namespace", "src/app/a.cc", "using namespace std;"),
    ("catch everything", "src/control/admin/a.cc", "} catch (...) {"),
    ("fixed port", "src/net/a_test.cc", 'Connect("127.0.0.1:8080");'),
    ("fixed port", "tests/system/test_a.py", 'server = start(port=8123)'),
    ("fixed port", "tests/system/test_a.py", '["--listen", "127.0.0.1:8080"]'),
    ("vague file name", "src/net/string_utils.cc", "int x;"),
    ("vague file name", "src/common/a.cc", "int x;"),
    ("vague file name", "tests/helpers/a.py", "x = 1"),
    ("machine path", "docs/a.md", "see /home/anna/podium"),
    ("temporary path", "src/store/a_test.cc", 'Open("/tmp/x.db");'),
    ("unfinished", "src/net/a.cc", "// TODO: later"),
    ("unfinished", "run", "# FIXME"),
    ("switched-off test", "src/net/a_test.cc", "TEST(A, DISABLED_B) {}"),
    ("switched-off test", "tests/system/test_a.py", "@pytest.mark.skip"),
    ("switched-off check", "src/net/a.cc", "int x;  // NOLINT"),
    ("switched-off check", "src/net/a.cc", "int x;  // NOLINT(google-x)"),
    ("switched-off check", "src/net/a.cc", "// NOLINTNEXTLINE"),
    ("environment", "src/runtime/a.cc", '::setenv("A", "1", 1);'),
    ("output", "src/store/a.cc", 'std::cout << "hello";'),
    ("environment", "src/store/a.cc", 'std::getenv("HOME");'),
])
def test_what_is_banned_is_found(tree, rule, path, text):
    assert finding(tree, path, text) == rule


@pytest.mark.parametrize("path, text", [
    ("src/base/clock.cc", "return std::chrono::system_clock::now();"),
    ("src/routing/choose.cc", "auto t = clock.now(); auto s = row.time(); Sleep(clock);"),
    ("src/routing/choose.cc", "// Never system_clock::now() here, nor std::thread or rand()."),
    ("src/routing/choose.cc", 'Fail("sleep_for( and std::regex are only words here");'),
    ("src/routing/choose.cc", 'auto x = R"(std::random_device \' " )"; int operand(int);'),
    ("src/routing/choose.cc", "const int million = 1'000'000; /* rand() */ int y = 1'0;"),
    ("src/base/task.cc", "boost::asio::co_spawn(e, std::move(t), boost::asio::detached);"),
    ("src/base/worker_pool_thread_test.cc", "std::thread worker(Run);"),
    ("src/gateway/a.cc", "std::thread::id owner = std::this_thread::get_id();"),
    ("src/routing/a.cc", "using namespace std::chrono_literals;"),
    ("src/store/a.cc", "} catch (const std::exception& error) {"),
    ("src/net/a_test.cc", 'Listen("127.0.0.1:0");'),
    ("src/auth/a_test.cc", 'EXPECT_TRUE(IsLoopback("127.0.0.1:8080"));'),
    ("src/app/a_test.cc", 'Case{"listen: 0.0.0.0:8080", 2, 3}'),
    ("src/app/a_test.cc", 'ParseListen("[::1]:80");  // banned: fixed port (only parsed)'),
    ("src/net/uncommon_case.cc", "int x;"),
    ("src/net/a.cc", "int x;  // NOLINT(bugprone-x): the library's name for it."),
    ("src/app/print.cc", 'std::cout << "hello";'),
    ("src/store/a.cc", 'std::snprintf(buffer, size, "%d", 1);'),
    ("fuzz/corpus/http/a", "TODO /home/x"),
])
def test_what_only_looks_like_it_passes(tree, path, text):
    assert finding(tree, path, text) is None


def test_the_line_number_survives_comments_and_raw_strings(tree):
    tree.write("src/net/a.cc", 'auto x = R"(\n\n)";\n/*\n\n*/\nint y = rand();\n')
    assert tree.run("check_banned.py")[1][0].startswith("src/net/a.cc:7: random device (rand()")
