"""`podium demo` as a stranger meets it: what it prints, what it serves, what it leaves behind.

The demo's temporary directory lies below tmp_path (TMPDIR), so that what is left can be counted.
"""

import collections
import json
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import types

import pytest

from conftest import EXAMPLES, Server, clean_environment, likely, metric, scrape, wait_until
from terminal import Terminal

ROUTES = ("tumour", "digits")
# The demo reports this figure itself: a fraction of a second where commits are quick. It makes some
# twenty of them, and a slow disk takes long for each.
FIRST_ANSWER_LIMIT_S = 15.0


def run(command, env=None):
    """What it prints; it must end well."""
    ended = subprocess.run(command, env=clean_environment(env), stdin=subprocess.DEVNULL,
                           capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended
    return ended.stdout


class Demo(Server):
    """One `podium demo`, read up to the last of its first lines. Also a client of its server."""

    def __init__(self, binary, temporary, env, args, log):
        self.temporary = temporary
        self.banner = []
        self.rest = ""
        super().__init__(binary, None, env, args, log)

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.binary, "demo", *self.args], env=self.env,
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=log, text=True, bufsize=1)
        while not self.banner or "Ctrl-C" not in self.banner[-1]:
            line = self.process.stdout.readline()
            assert line, (self.banner, self.log_text)
            self.banner.append(line.rstrip("\n"))
        self.addr = re.search(r"http://([^\s,]+)", self.banner[0]).group(1)

    def end(self, sig=signal.SIGINT):
        """What it still says, and its exit code."""
        if sig is not None:
            self.process.send_signal(sig)
        said, _ = self.process.communicate(timeout=120)
        return types.SimpleNamespace(code=self.process.returncode, lines=said.splitlines())

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def printed(self, word, which=0, count=1):
        """The command among the first lines that has this word; of `count` the one that is asked."""
        found = [line.strip() for line in self.banner
                 if line.startswith("  ") and word in line.split()]
        assert len(found) == count, self.banner
        return found[which]

    def paste(self, word, env=None, **which):
        """Runs a printed command as a second terminal would."""
        return run(["sh", "-c", self.printed(word, **which)], env)

    def snippet(self):
        """The Python among the first lines, as it stands."""
        first = next(i for i, line in enumerate(self.banner) if "import OpenAI" in line)
        return "\n".join(self.banner[first:self.banner.index("", first) + 1])

    def route(self, name):
        return self.get(f"/api/v1/routes/{name}").json

    def counts(self, route):
        """Requests that each version of a route has served so far."""
        items = self.get("/api/v1/metrics/versions").json["items"]
        counts = collections.Counter()
        counts.update({m["version"]: m["request_count"] for m in items if m["route"] == route})
        return counts

    def left(self):
        return sorted(p.name for p in self.temporary.iterdir())


@pytest.fixture
def make_demo(podium_bin, tmp_path):
    started = []

    def make(*args, env=None):
        number = len(started)
        temporary = tmp_path / f"tmp-{number}"
        temporary.mkdir()
        environment = clean_environment({"TMPDIR": str(temporary), **(env or {})})
        made = Demo(podium_bin, temporary, environment,
                    ["--listen", "127.0.0.1:0", *map(str, args)], tmp_path / f"demo-{number}.log")
        started.append(made)
        return made

    yield make
    for made in started:
        made.kill()
        for sign in ("AddressSanitizer", "runtime error:", "assertion failed"):
            assert sign not in made.log_text, made.log_text[-4000:]


def held_back(route):
    return json.loads((EXAMPLES / f"{route}.rows.json").read_text())


def shown_accuracy(lines, route, version):
    """From the last words: "  digits: v1 (primary) 83.28% of 1190 right, v2 ..."."""
    line = next(line for line in lines if line.startswith(f"  {route}:"))
    found = re.search(rf" {version} \(\w+\) ([\d.]+)% of (\d+) right", line)
    assert found, lines
    return int(found.group(2)), float(found.group(1))


def serves_alone(demo, route, version):
    """Waits until a stretch of 40 requests is answered by one version of a route only."""
    start = demo.counts(route)

    def alone():
        nonlocal start
        now = demo.counts(route)
        grown = {v: now[v] - start[v] for v in now}
        if any(count for v, count in grown.items() if v != version):
            start = now  # Still moving, or one that was under way: look at a later stretch.
            return False
        return now[version] - start[version] >= 40
    wait_until(alone, 60, f"{route} is served by {version} alone")


def test_what_it_prints_first_works_as_it_stands(make_demo):
    demo = make_demo()
    assert len(demo.banner) <= 26, demo.banner

    took = float(re.search(r"first request routed ([\d.]+) s after start", demo.banner[0]).group(1))
    print(f"first routed request {took} s after start")
    assert took <= FIRST_ANSWER_LIMIT_S

    curl = shlex.split(demo.printed("curl", count=2))
    body = pathlib.Path(curl[curl.index("-d") + 1].removeprefix("@")).read_bytes()
    name, _, value = curl[curl.index("-H") + 1].partition(":")
    assert curl[-1].startswith(demo.url)
    answer = demo.request("POST", curl[-1].removeprefix(demo.url), body, {name: value})
    assert answer.status == 200, answer
    known = re.search(r"this digit is an? (\d)", "\n".join(demo.banner)).group(1)
    assert answer.json["predictions"] == [int(known)]

    for name in ROUTES:
        route = demo.route(name)
        assert route["primary"]["version"] == "v1", route
        if name == "tumour":
            assert route["canary"]["version"] == "v2", route
            assert route["traffic_pct"] == 5, route
    assert {row["origin"] for row in demo.get("/api/v1/audit").json["items"]} == {"demo"}
    assert demo.end().code == 0


@pytest.mark.parametrize("token", [None, "a-token-of-the-demo"])
def test_the_chat_that_it_prints_works_as_it_stands(make_demo, token):
    demo = make_demo("--rate", 1, env={"PODIUM_ADMIN_TOKEN": token} if token else {})
    env = {"PODIUM_TOKEN": token} if token else {}
    assert token is None or token not in "\n".join(demo.banner)
    by_sdk = run([sys.executable, "-c", demo.snippet()], env)
    assert "a fake provider inside the demo" in by_sdk and "Who are you?" in by_sdk
    assert by_sdk.endswith("when I cannot.")
    assert "a fake provider inside the demo" in demo.paste("chat", env)
    by_curl = demo.paste("curl", env, which=1, count=2)
    assert by_curl.count("data: {") > 20 and by_curl.endswith("data: [DONE]\n\n")


def test_one_provider_fails_and_the_other_answers(make_demo):
    demo = make_demo("--rate", 5)
    moody, steady = {"provider": "fake-moody"}, {"provider": "fake-steady"}

    def breaker_has_opened():
        return metric(scrape(demo), "podium_llm_breaker_refusals_total", **moody) > 0
    wait_until(breaker_has_opened, 180, "a bad spell of fake-moody opens its breaker")

    def enough():
        seen = scrape(demo)
        return metric(seen, "podium_llm_calls_total", outcome="ok") > 5 and seen
    seen = wait_until(enough, what="calls that went well")
    for name in ("podium_llm_fallbacks_total", "podium_llm_retries_total"):
        assert metric(seen, name, **moody) > 0 and metric(seen, name, **steady) == 0
    assert metric(seen, "podium_llm_attempts_total", result="answered", **steady) > 0
    for outcome in ("failed", "refused", "cut"):
        assert metric(seen, "podium_llm_calls_total", outcome=outcome) == 0
    wait_until(lambda: demo.get("/api/models/costs").json["total_cost_usd"] > 0, what="it costs")

    shown = []
    failed = re.compile(r"on fake-moody: \d+ answered, [1-9]\d* failed")
    while not shown or not failed.search(shown[-1]):  # Each five seconds one; what it says grows.
        line = demo.process.stdout.readline()
        assert line, shown
        shown += [line.rstrip("\n")] if re.match(r"\d\d:\d\d:\d\d assistant: ", line) else []
    said = demo.end()
    assert said.code == 0
    assert re.search(r" [\d.]+ calls/s, \d+ calls, 0 errors, first token \d+ ms, 0\.\d{6} USD "
                     r"\| moody primary on fake-moody: \d+ answered, [1-9]\d* failed, \d+ retries, "
                     r"\d+ fallbacks, breaker (open|closed|half open) \| steady standby on fake-steady",
                     shown[-1]), shown
    last = next(line for line in said.lines if line.startswith("  assistant: "))
    assert re.fullmatch(r"  assistant: \d+ calls, 0 errors, [1-9]\d* retries, [1-9]\d* fallbacks, "
                        r"0\.\d{6} USD", last), last


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_every_held_back_row_is_answered_as_when_it_was_trained(make_demo, route, version):
    demo = make_demo("--rate", 1)
    file = held_back(route)
    wanted = file["predictions"][version.removeprefix("v")]
    force = {"X-Podium-Model-Version": version}
    answer = demo.predict(route, file["rows"], headers=force)
    assert answer.status == 200, answer
    assert answer.json["version"] == version
    assert answer.json["predictions"] == wanted
    alone = []
    for row in file["rows"]:
        answer = demo.predict(route, [row], headers=force)
        assert answer.headers["x-podium-version"] == version
        alone += answer.json["predictions"]
    assert alone == wanted


def test_a_second_terminal_moves_the_traffic(make_demo):
    demo = make_demo("--rate", 500)

    demo.paste("canary")
    assert demo.route("tumour")["traffic_pct"] == 25
    before = demo.counts("tumour")
    wait_until(lambda: demo.counts("tumour")["v2"] - before["v2"] >= 20, 60, "v2 gets traffic")

    demo.paste("promote")
    assert demo.route("tumour")["primary"]["version"] == "v2"
    serves_alone(demo, "tumour", "v2")

    demo.paste("rollback")
    assert demo.route("tumour")["primary"]["version"] == "v1"
    serves_alone(demo, "tumour", "v1")

    ended = demo.end()
    assert ended.code == 0
    assert len([line for line in ended.lines if not re.match(r"\d\d:\d\d:\d\d ", line)]) <= 6
    assert " 0 errors" in " ".join(ended.lines), ended.lines


def told(said):
    """What was told of the rollout, each with the second at which it was."""
    found = [re.match(r"(\d\d):(\d\d):(\d\d) digits: rollout of (.*)", line) for line in said]
    return [(int(f[1]) * 3600 + int(f[2]) * 60 + int(f[3]), f[4]) for f in found if f]


def read_until_rollout_ends(demo):
    said = []
    while not any(re.search(r"rollout of v\d (promoted|rolled back|aborted)", line)
                  for line in said):
        line = demo.process.stdout.readline()
        assert line, said
        said.append(line.rstrip("\n"))
    return said


@pytest.mark.parametrize("kind,version,end,primary", [("better", "v2", "promoted", "v2"),
                                                      ("worse", "v3", "rolled back", "v1")])
def test_the_rollout_ends_by_itself_and_says_why(make_demo, kind, version, end, primary):
    demo = make_demo("--canary", kind)
    rollout = told(read_until_rollout_ends(demo))
    second, text = rollout[-1]
    print(f"{kind}: {rollout}")
    assert text.startswith(f"{version} {end}: ") and len(text) > 60, rollout
    assert second <= 240, rollout
    assert demo.route("digits")["primary"]["version"] == primary
    ended = demo.end()
    assert ended.code == 0
    assert any(line.startswith(f"  rollout of {version} {end}: ") for line in ended.lines), ended


def test_verbs_make_the_candidate_good_or_bad_while_it_runs(make_demo):
    demo = make_demo()
    wait_until(lambda: demo.route("digits").get("canary"), what="the rollout begins")
    demo.paste("abort")
    assert demo.route("digits")["canary"] is None
    rollout = told(read_until_rollout_ends(demo))
    assert rollout[-1][1].startswith("v2 aborted"), rollout
    demo.paste("start")
    while not rollout[-1][1].startswith("v3 rolled back: "):
        line = demo.process.stdout.readline()
        assert line, rollout
        rollout += told([line.rstrip("\n")])
    assert demo.route("digits")["primary"]["version"] == "v1"
    assert demo.end().code == 0


def test_without_a_terminal_there_is_a_line_per_route_each_five_seconds(make_demo):
    demo = make_demo("--duration", "14s")  # Two, even if each is a second late.
    said = demo.end(sig=None)
    assert said.code == 0
    lines = [line for line in said.lines if re.match(r"\d\d:\d\d:\d\d ", line)]
    for route in ROUTES:
        mine = [line for line in lines if f" {route}: v" in line]
        assert len(mine) == 2, said.lines
        canary = r" \| v2 canary asked 5% seen [\d.]+%, " if route == "tumour" else ""
        assert re.search(r"v1 primary asked \d+% seen (-|[\d.]+%), \d+ requests?, accuracy [\d.]+%, "
                         r"0 errors, p50/p95/p99 [\d.]+/[\d.]+/[\d.]+ ms" + canary, mine[-1]), mine
    assert not any("\x1b" in line for line in said.lines)


def test_the_accuracy_shown_is_real(make_demo):
    honest = make_demo("--rate", 200, "--duration", 4)
    shuffled = make_demo("--rate", 200, "--duration", 4, "--shuffle-labels")
    honest_lines = honest.end(sig=None).lines
    shuffled_lines = shuffled.end(sig=None).lines
    # The share that v1 has right, and the most that a shuffle may: by chance it is every other
    # tumour and every tenth digit.
    for route, honest_share, shuffled_share in (("tumour", 0.92, 0.72), ("digits", 0.83, 0.17)):
        count, accuracy = shown_accuracy(honest_lines, route, "v1")
        right = round(count * accuracy / 100)
        assert count >= 100 and right >= likely(count, honest_share)[0], honest_lines
        count, accuracy = shown_accuracy(shuffled_lines, route, "v1")
        right = round(count * accuracy / 100)
        assert count >= 100 and right <= likely(count, shuffled_share)[1], shuffled_lines


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_leaves_nothing(make_demo, sig):
    demo = make_demo()
    assert len(demo.left()) == 1
    ended = demo.end(sig)
    assert ended.code == 0
    last = [line for line in ended.lines if not re.match(r"\d\d:\d\d:\d\d ", line)]
    assert 1 <= len(last) <= 6, ended.lines
    assert demo.left() == []


def test_what_is_kept_opens_again(make_demo, make_server):
    demo = make_demo("--keep")
    demo.paste("promote")
    ended = demo.end()
    assert ended.code == 0
    assert len(demo.left()) == 1
    kept = demo.temporary / demo.left()[0]
    command = shlex.split(ended.lines[-1].partition(": ")[2])
    assert command[1:] == ["serve", "--data", str(kept)], ended.lines

    server = make_server(data=kept)
    for route, primary in (("digits", "v1"), ("tumour", "v2")):
        assert server.get(f"/api/v1/routes/{route}").json["primary"]["version"] == primary
    server.wait_ready("tumour-v2")
    file = held_back("tumour")
    answer = server.predict("tumour", file["rows"])
    assert answer.json["predictions"] == file["predictions"]["2"], answer
    server.stop()

    # The demo itself opens it too, and takes nothing back that was decided before.
    again = make_demo("--data", kept)
    assert any("as they were left" in line for line in again.banner), again.banner
    assert again.route("tumour")["primary"]["version"] == "v2"
    assert again.end().code == 0
    assert kept.is_dir()


def test_an_address_that_was_asked_for_is_not_exchanged(make_demo, podium, tmp_path):
    demo = make_demo("--rate", 1)
    second = podium("demo", "--listen", demo.addr, env={"TMPDIR": str(tmp_path)})
    assert second.code == 1
    assert "address in use" in second.err
    assert not list(tmp_path.glob("podium-demo-*"))


@pytest.mark.parametrize("args", [["--rate", "0"], ["--rate", "-1"], ["--rate", "nan"],
                                  ["--rate", "10001"], ["--duration", "0"]])
def test_what_makes_no_sense_is_refused(podium, args):
    ended = podium("demo", "--listen", "127.0.0.1:0", *args)
    assert ended.code == 2
    assert args[0].removeprefix("--") in ended.err


def test_a_reader_that_goes_away_ends_it(make_demo):
    demo = make_demo("--rate", 5)
    demo.process.stdout.close()
    assert demo.process.wait(120) == 0
    assert demo.left() == []


@pytest.mark.parametrize("width,height", [(80, 24), (120, 40)])
def test_on_a_terminal_the_view_is_redrawn_in_place(podium_bin, tmp_path, width, height):
    env = clean_environment({"TMPDIR": str(tmp_path), "TERM": "xterm", "NO_COLOR": "1"})
    terminal = Terminal([podium_bin, "demo", "--listen", "127.0.0.1:0"], env, width, height)
    try:
        terminal.read_until(lambda said: said.count(b"requests/s  ") >= 4)
        terminal.process.send_signal(signal.SIGINT)
        terminal.read_until(lambda said: False)
        assert terminal.process.wait(120) == 0
    finally:
        terminal.close()
    assert b"\x1b[3" not in terminal.bytes and b"\x1b[1m" not in terminal.bytes
    lines = terminal.lines()
    heads = [i for i, line in enumerate(lines) if line.startswith("route ")]
    assert len(heads) == 1, "\n".join(lines)
    view = lines[heads[0] - 1:heads[0] + 9]
    assert all(len(line) <= width for line in view), view
    assert [line.split()[:3] for line in view[2:5:2]] == [["tumour", "v1", "primary"],
                                                         ["digits", "v1", "primary"]]
    assert view[5].startswith("assistant: ") and view[6].split()[-2:] == ["fallbacks", "breaker"]
    assert [line.split()[:3] for line in view[7:9]] == [["fake-moody", "moody", "primary"],
                                                        ["fake-steady", "steady", "standby"]]
    assert list(tmp_path.iterdir()) == []
