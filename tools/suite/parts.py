"""The parts of ./test. Each takes Options and gives a Tally; none needs another to have run."""

import concurrent.futures
import dataclasses
import re
import shutil
import sys
import typing

from steps import (JOBS, LOGS, ROOT, Tally, build, count_gtest, count_pytest, deselected, listed,
                   run)

# Fixed numbers of executions from a fixed seed: the same run every time.
FUZZ_RUNS = 20_000
FUZZ_RUNS_FULL = 1_000_000
FUZZ_SEED = 1
# Each seed of the simulation is another story; "units" tells the first 200.
SIM_SEEDS_FULL = 5_000

EXECUTABLE_TIMEOUT_S = 600
# Executables that take minutes, and into how many shares each is divided.
LONG_TESTS = {"store_test": 6, "testing_sim_test": 2}
TIDY_TIMEOUT_S = 1800
TIDY_FULL_TIMEOUT_S = 7200
PYTEST_TIMEOUT_S = 1200
PYTEST_FULL_TIMEOUT_S = 7200


@dataclasses.dataclass(frozen=True)
class Options:
    full: bool


@dataclasses.dataclass(frozen=True)
class Part:
    name: str
    what: str
    run: typing.Callable[[Options], Tally]
    full_only: bool = False


def in_parallel(function, items):
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        return list(pool.map(function, items))


def check_format(tally):
    files = sorted(str(p.relative_to(ROOT)) for folder in ("src", "include", "fuzz", "bench", "examples", "tests")
                   for p in (ROOT / folder).rglob("*") if p.suffix in (".h", ".cc"))
    ended = run("format", ["clang-format-19", "--dry-run", "-Werror", "--ferror-limit=1", *files])
    places = re.findall(r"^(\S+:\d+):\d+: error:", ended.text, re.MULTILINE)
    text = "\n".join(places) + "\nclang-format-19 -i puts it right" if places else ended.text
    tally.check("format", bool(files) and ended.ok, text or "no source files")


def checks(options):
    tally = Tally()
    check_format(tally)
    for name in ("layers", "banned"):
        ended = run(name, [sys.executable, "-B", f"tools/check_{name}.py"])
        tally.check(name, ended.ok, ended.text)
    pytest(tally, "tools", "tests/tools", [], PYTEST_TIMEOUT_S)
    # Not the code, only the list of files and their command lines. All of the suite reads headers
    # once for a batch of files; the long run takes each file alone, and so finds missing includes.
    preset = "single" if options.full else "debug"
    if not options.full:
        tally.left_out.append("checks: each file compiled and checked by itself, not in a batch")
    if build(tally, preset, ["build.ninja"]):
        tidy = run("tidy", [sys.executable, "-B", "tools/run_tidy.py", f"build/{preset}"],
                   TIDY_FULL_TIMEOUT_S if options.full else TIDY_TIMEOUT_S)
        if tally.check("tidy", tidy.ok, tidy.text):
            tally.note = tidy.text.strip().splitlines()[-1]
    return tally


def run_gtests(tally, preset):
    targets = listed(preset, "test")
    # The longest first, in shares: one of them alone would leave the other cores waiting at the end.
    shares = [(target, share) for target in LONG_TESTS if target in targets
              for share in range(LONG_TESTS[target])]
    shares += [(target, None) for target in targets if target not in LONG_TESTS]
    folder = LOGS / preset
    shutil.rmtree(folder, ignore_errors=True)

    def one(target_and_share):
        target, share = target_and_share
        name = target if share is None else f"{target}.{share}"
        environment = {} if share is None else {"GTEST_TOTAL_SHARDS": str(LONG_TESTS[target]),
                                                "GTEST_SHARD_INDEX": str(share)}
        report = folder / f"{name}.json"
        ended = run(f"{preset}/{name}",
                    [ROOT / "build" / preset / "tests" / target, f"--gtest_output=json:{report}",
                     "--gtest_brief=1"], EXECUTABLE_TIMEOUT_S, environment)
        return name, ended, report

    for name, ended, report in in_parallel(one, shares):
        count_gtest(tally, name, ended, report)


def units(_options):
    tally = Tally()
    if build(tally, "debug"):
        run_gtests(tally, "debug")
    return tally


def simulation(_options):
    tally = Tally()
    target = "testing_sim_test"
    if not build(tally, "debug", [target]):
        return tally
    report = LOGS / f"{target}.full.json"
    report.unlink(missing_ok=True)
    ended = run("simulation",
                [ROOT / "build" / "debug" / "tests" / target, f"--seeds={SIM_SEEDS_FULL}",
                 f"--gtest_output=json:{report}", "--gtest_brief=1"])
    count_gtest(tally, target, ended, report)
    tally.note = next((line for line in ended.text.splitlines() if " seeds, " in line), "")
    return tally


def threads(_options):
    tally = Tally()
    # Configured first: only then is known which executables there are.
    configured = run("tsan.configure", ["tools/configure.sh", "tsan"])
    if not configured.ok:
        tally.fail("configuring tsan", configured.text)
    elif build(tally, "tsan", ["build.ninja"]) and build(tally, "tsan", listed("tsan", "test")):
        run_gtests(tally, "tsan")
    return tally


def fuzz(options):
    tally = Tally()
    # The long runs take the optimised build, which is several times as fast.
    preset, runs = ("fuzz", FUZZ_RUNS_FULL) if options.full else ("debug", FUZZ_RUNS)
    if not options.full:
        tally.left_out.append(f"fuzz: {FUZZ_RUNS_FULL:,} executions per target ({runs:,} were run)")
    if not build(tally, preset, ["build.ninja"]):
        return tally
    targets = listed(preset, "fuzz")
    if not build(tally, preset, targets):
        return tally

    corpora = ROOT / "fuzz" / "corpus"
    for folder in sorted(corpora.iterdir()) if corpora.is_dir() else []:
        if f"{folder.name}_fuzz" not in targets:
            tally.fail(f"fuzz/corpus/{folder.name}", "a corpus without a target of that name")

    def one(target):
        corpus = corpora / target.removesuffix("_fuzz")
        if not corpus.is_dir() or not any(corpus.iterdir()):
            return f"no corpus in {corpus.relative_to(ROOT)}"
        # New inputs go to a folder of the build, and the committed corpus stays as it is.
        found = LOGS / "fuzz" / target
        shutil.rmtree(found, ignore_errors=True)
        found.mkdir(parents=True)
        ended = run(f"fuzz/{target}",
                    [ROOT / "build" / preset / "fuzz" / target, f"-runs={runs}",
                     f"-seed={FUZZ_SEED}", "-timeout=20", "-rss_limit_mb=2048",
                     "-print_final_stats=0", f"-artifact_prefix={found}/", found, corpus])
        done = re.search(r"^Done (\d+) runs", ended.text, re.MULTILINE)
        if ended.ok and done and int(done.group(1)) >= runs:
            return ""
        return ended.text + f"\nfewer than {runs} executions, exit code {ended.code}"

    for target, text in zip(targets, in_parallel(one, targets)):
        tally.check(target, not text, text)
    return tally


def pytest(tally, name, folder, arguments, timeout, env=None):
    report = LOGS / f"{name}.xml"
    report.unlink(missing_ok=True)
    ended = run(name, [sys.executable, "-B", "-m", "pytest", "-q", "--tb=short",
                       "-c", "tests/pytest.ini", f"--rootdir={ROOT}", f"--junitxml={report}",
                       *arguments, folder], timeout, env)
    count_pytest(tally, name, ended, report)
    return ended


def system(options):
    tally = Tally()
    if not build(tally, "release", ["podium", "libpodium", "misbehaving_server"]):
        return tally
    # Of the build that ships: in the others sanitizers add symbols of their own.
    path = run("decision_path",
               [sys.executable, "-B", "tools/check_decision_path.py", "build/release"])
    tally.check("decision_path", path.ok, path.text)
    choice, timeout = ([], PYTEST_FULL_TIMEOUT_S) if options.full else (
        ["-m", "not full"], PYTEST_TIMEOUT_S)
    ended = pytest(tally, "system", "tests/system", choice, timeout,
                   {"PODIUM_BIN": str(ROOT / "build" / "release" / "podium")})
    # What tests have counted, not only that they passed: `figure` of tests/system/conftest.py.
    tally.note = "".join(f"\n  {text}" for text in re.findall(r"^figure: (.*)$", ended.text,
                                                              re.MULTILINE))
    if deselected(ended.text):
        tally.left_out.append(f"system: {deselected(ended.text)} tests marked full")
    return tally


def proof(_options):
    tally = Tally()
    ended = run("proof", [sys.executable, "-B", "tools/prove"])
    for line in re.findall(r"^(?:ok|FAILED) .*", ended.text, re.MULTILINE):
        tally.check(f"proof: {line.split(maxsplit=1)[1]}", line.startswith("ok"), line)
    if not ended.ok and tally.failed == 0:
        tally.fail(f"tools/prove (exit code {ended.code})", ended.text)
    return tally


def examples(_options):
    tally = Tally()
    ended = run("examples", ["examples/check.sh"])
    tally.check("examples/check.sh", ended.ok, ended.text)
    return tally


PARTS = [
    Part("checks", "format, layers, banned words, the tools' own tests, clang-tidy", checks),
    Part("units", "module tests under ASan and UBSan", units),
    Part("simulation", f"{SIM_SEEDS_FULL:,} seeds of control and gateway among faults", simulation,
         full_only=True),
    Part("fuzz", "each parser of outside bytes, a fixed number of executions", fuzz),
    Part("threads", "the tests that start threads, under TSan", threads),
    Part("system", "the release binary from outside; what its decision path may call", system),
    Part("proof", "a test goes red for each mutation of docs/proof.md", proof, full_only=True),
    Part("examples", "the committed example models, made again and compared", examples,
         full_only=True),
]
