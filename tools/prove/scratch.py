"""A copy of the tree to break: the working tree is never touched."""

import json
import pathlib
import shutil
import subprocess

BUILD_TIMEOUT_S = 3600
TEST_TIMEOUT_S = 300
TAIL_LINES = 25


class Scratch:
    def __init__(self, root, folder):
        self.root = pathlib.Path(root)
        self.tree = pathlib.Path(folder)
        self.build = self.tree / "build" / "debug"

    def refresh(self):
        """Makes the copy equal to the tree; what is equal keeps its time, so that ninja does too."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=self.root,
            check=True, capture_output=True).stdout.decode().split("\0")
        wanted = {name for name in listed if name and (self.root / name).is_file()}
        for name in wanted:
            self._copy(name)
        for path in list(self.tree.rglob("*")):
            name = path.relative_to(self.tree)
            if name.parts[0] != "build" and path.is_file() and str(name) not in wanted:
                path.unlink()
        (self.tree / "build").mkdir(exist_ok=True)
        library = self.tree / "build" / "ort"
        if not library.exists():
            library.symlink_to((self.root / "build" / "ort").resolve())

    def _copy(self, name):
        source, target = self.root / name, self.tree / name
        if target.is_file() and source.read_bytes() == target.read_bytes():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)  # With a new time: what changed here is to be built again.
        shutil.copymode(source, target)

    def restore(self, name):
        self._copy(name)

    def configure(self):
        return self._run(["cmake", "--preset", "debug"], BUILD_TIMEOUT_S)

    def make(self, executables):
        return self._run(["ninja", "-C", str(self.build), *sorted(executables)], BUILD_TIMEOUT_S)

    def _run(self, argv, timeout):
        """(exit code, the end of what it printed)"""
        done = subprocess.run(argv, cwd=self.tree, timeout=timeout, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
                              errors="replace")
        return done.returncode, "\n".join(done.stdout.splitlines()[-TAIL_LINES:])

    def outcome(self, test):
        """"green", "red", or a sentence that says why it is neither."""
        report = self.tree / "build" / "report.json"
        report.unlink(missing_ok=True)
        try:
            code, text = self._run(
                [str(self.build / "tests" / test.executable), f"--gtest_filter={test.name}",
                 f"--gtest_output=json:{report}", "--gtest_brief=1"], TEST_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return f"did not end within {TEST_TIMEOUT_S} s"
        found = json.loads(report.read_text()) if report.exists() else None
        return judge(code, found, text)


def judge(code, report, text):
    """What one run of one test says. A test that does not exist is neither green nor red."""
    if report is None:
        # An assertion of our own (or a sanitizer) ended the process: the test did not pass.
        died = ("broken invariant", "==ABORTING", "SUMMARY: UndefinedBehaviorSanitizer")
        return "red" if code < 0 or any(word in text for word in died) \
            else f"ended with {code} and no report:\n{text}"
    ran = [case for suite in report["testsuites"] for case in suite["testsuite"]
           if case["status"] == "RUN" and case["result"] != "SKIPPED"]
    if len(ran) != 1:
        return f"{len(ran)} tests have that name"
    if ran[0].get("failures"):
        return "red"
    return "green" if code == 0 else f"passed, but its executable ended with {code}:\n{text}"
