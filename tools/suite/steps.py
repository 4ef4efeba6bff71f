"""What the parts of the suite are made of: running a command, and counting what it reports."""

import dataclasses
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOGS = ROOT / "build" / "test"
JOBS = len(os.sched_getaffinity(0))

# A finding of a sanitizer ends the program: one that goes on could still report success.
SANITIZER_ENVIRONMENT = {
    "ASAN_OPTIONS": "halt_on_error=1:detect_leaks=1:strict_string_checks=1"
                    ":detect_stack_use_after_return=1:check_initialization_order=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
    **{f"{name}SAN_SYMBOLIZER_PATH": "/usr/lib/llvm-19/bin/llvm-symbolizer"
       for name in ("A", "UB", "T", "L")},
}


@dataclasses.dataclass
class Tally:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    nothing_to_do: bool = False  # Says that finding no test is in order.
    note: str = ""
    failures: list = dataclasses.field(default_factory=list)  # (name, text whose end is shown)
    left_out: list = dataclasses.field(default_factory=list)

    def fail(self, name, text):
        self.failed += 1
        self.failures.append((name, text))

    def check(self, name, ok, text=""):
        if ok:
            self.passed += 1
        else:
            self.fail(name, text)
        return ok

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures
        self.left_out += other.left_out


@dataclasses.dataclass
class Ended:
    code: int
    text: str

    @property
    def ok(self):
        return self.code == 0


_children = set()
_children_lock = threading.Lock()


def run(name, argv, timeout=3600, env=None):
    """Runs argv in the root of the tree; what it prints goes to build/test/<name>.log."""
    log = LOGS / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, **SANITIZER_ENVIRONMENT, **(env or {})}
    with log.open("wb") as out:
        # A session of its own, so that a timeout ends what the command has started as well.
        child = subprocess.Popen([str(a) for a in argv], cwd=ROOT, env=environment, stdout=out,
                                 stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                 start_new_session=True)
        with _children_lock:
            _children.add(child)
        try:
            code = child.wait(timeout)
            late = ""
        except subprocess.TimeoutExpired:
            _kill(child)
            code = -signal.SIGKILL
            late = f"\nended after {timeout} s without an end"
        finally:
            with _children_lock:
                _children.discard(child)
    return Ended(code, log.read_text(errors="replace") + late)


def _kill(child):
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    child.wait()


def stop_children():
    with _children_lock:
        for child in list(_children):
            _kill(child)


def build(tally, preset, targets=()):
    """Configures and builds; a failure is one failed test, success counts nothing."""
    configured = run(f"{preset}.configure", ["tools/configure.sh", preset])
    if not configured.ok:
        tally.fail(f"configuring {preset}", configured.text)
        return False
    built = run(f"{preset}.build", ["ninja", "-C", f"build/{preset}", "-k", "20", *targets])
    if not built.ok:
        tally.fail(f"building {preset}", _first_errors(built.text))
        return False
    return True


def _first_errors(text):
    lines = text.splitlines()
    first = next((i for i, line in enumerate(lines) if line.startswith("FAILED")), 0)
    # The command line behind FAILED is long and says little.
    return "\n".join(line for line in lines[first:first + 40] if len(line) < 400)


def listed(preset, kind):
    """The executables that this configuration declares (kind: test or fuzz)."""
    return (ROOT / "build" / preset / f"{kind}_targets.txt").read_text().split()


def count_gtest(tally, name, ended, report):
    """Counts the tests of one GoogleTest executable from its JSON report."""
    if not report.exists():
        tally.fail(f"{name} (exit code {ended.code}, no report)", ended.text)
        return
    suites = json.loads(report.read_text())["testsuites"]
    failed_before = tally.failed
    found = 0
    for suite in suites:
        for test in suite["testsuite"]:
            if test["status"] != "RUN":
                continue
            found += 1
            if test["result"] == "SKIPPED":
                tally.skipped += 1
                continue
            text = "\n".join(failure["failure"] for failure in test.get("failures", []))
            tally.check(f"{name}: {suite['name']}.{test['name']}", not text, text)
    if found == 0:
        tally.fail(name, "the executable holds no test")
    elif not ended.ok and tally.failed == failed_before:
        # A leak, a race or a crash outside of any test.
        tally.fail(f"{name} (exit code {ended.code})", ended.text)


def count_pytest(tally, name, ended, report):
    """Counts the tests of one pytest run from its JUnit report."""
    if not report.exists():
        tally.fail(f"{name} (exit code {ended.code}, no report)", ended.text)
        return
    failed_before = tally.failed
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        bad = case.find("failure") if case.find("failure") is not None else case.find("error")
        if case.find("skipped") is not None:
            tally.skipped += 1
        else:
            text = "" if bad is None else (bad.text or bad.get("message") or "failed")
            tally.check(f"{name}: {case.get('classname')}.{case.get('name')}", bad is None, text)
    if not ended.ok and tally.failed == failed_before:
        tally.fail(f"{name} (exit code {ended.code})", ended.text)


def deselected(text):
    found = re.search(r"(\d+) deselected", text)
    return int(found.group(1)) if found else 0
