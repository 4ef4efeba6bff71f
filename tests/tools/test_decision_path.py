"""The check of the decision path is itself checked: each thing that must not be there is seeded."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "check_decision_path.py"


def check(tmp_path, *texts):
    objects = []
    for number, text in enumerate(texts):
        source = tmp_path / f"part_{number}.cc"
        source.write_text(text)
        objects.append(tmp_path / f"part_{number}.o")
        subprocess.run(["clang++-19", "-std=c++20", "-O2", "-c", source, "-o", objects[-1]],
                       check=True)
    ended = subprocess.run([sys.executable, "-B", TOOL, tmp_path, *objects], capture_output=True,
                           text=True)
    return ended.returncode, ended.stdout


@pytest.mark.parametrize("text, named", [
    ("int* Make() { return new int[8]; }", "operator new"),
    ("#include <cstdlib>\nvoid* Make() { return std::malloc(8); }", "malloc"),
    ("#include <string>\nstd::string Twice(const std::string& s) { return s + s; }", "length_error"),
    ("#include <mutex>\nstd::mutex m; void Hold() { m.lock(); }", "pthread_mutex_lock"),
    ("#include <atomic>\nvoid Wait(std::atomic<int>& a) { a.wait(0); }", "syscall"),
    ("int Seed(); int Get() { static int seed = Seed(); return seed; }", "__cxa_guard_acquire"),
    ("int Elsewhere(); int Get() { return Elsewhere(); }", "Elsewhere"),
])
def test_refused(tmp_path, text, named):
    code, said = check(tmp_path, text)
    assert code == 1 and named in said, said


def test_objects_may_call_each_other_and_compare_bytes(tmp_path):
    code, said = check(tmp_path, "int Other(); int Get() { return Other(); }",
                       "#include <cstring>\nint Other() { return 1; }\n"
                       "int Same(const char* a, const char* b, std::size_t n) {\n"
                       "  return std::memcmp(a, b, n); }")
    assert code == 0, said


def test_an_object_that_is_not_there_is_no_clean_one(tmp_path):
    ended = subprocess.run([sys.executable, "-B", TOOL, tmp_path], capture_output=True, text=True)
    assert ended.returncode == 1 and "choose.cc.o" in ended.stdout
