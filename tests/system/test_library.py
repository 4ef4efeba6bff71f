"""libpodium as programs use it: installed, found by CMake, linked alone."""

import itertools
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

from conftest import MODELS, ROOT

COMPILERS = ["clang++-19", "g++"]
STANDARDS = ["c++17", "c++20"]
HEADERS = sorted(path.name for path in (ROOT / "include" / "podium").glob("*.h"))
SESSIONS = [f"session-{number}" for number in range(1000)]


def run(*argv, stdin=None, env=None):
    ended = subprocess.run([str(a) for a in argv], input=stdin, capture_output=True, text=True,
                           timeout=300, env={**os.environ, **(env or {})})
    assert ended.returncode == 0, f"{argv}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


@pytest.fixture(scope="module")
def build_folder(podium_bin):
    """Where the release build left libpodium.so."""
    folder = pathlib.Path(podium_bin).parent
    assert (folder / "libpodium.so").exists(), f"no libpodium.so in {folder}: ./run --build makes it"
    return folder


@pytest.fixture(scope="module")
def installed(build_folder, tmp_path_factory):
    prefix = tmp_path_factory.mktemp("prefix")
    run("cmake", "--install", build_folder, "--prefix", prefix, "--component", "library")
    return prefix


def built(source, target, prefix, folder, compiler):
    """An executable built out of tree against the installed package."""
    run("cmake", "-S", source, "-B", folder, f"-DCMAKE_PREFIX_PATH={prefix}",
        f"-DCMAKE_CXX_COMPILER={compiler}", "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror")
    run("cmake", "--build", folder)
    return folder / target


@pytest.fixture(scope="module")
def decide(installed, tmp_path_factory):
    # g++ here and clang++ for the example: both must understand the other's library.
    return built(ROOT / "tests" / "library", "decide", installed,
                 tmp_path_factory.mktemp("decide"), "g++")


def test_what_is_installed(installed):
    """Headers, the library under its SONAME, a CMake package, and nothing of ours beside them."""
    files = sorted(str(path.relative_to(installed)) for path in installed.rglob("*")
                   if not path.is_dir())
    kinds = {re.sub(r"^lib/[^/]+/(?=cmake|lib)|^lib/", "LIB/", name) for name in files}
    assert kinds == {*(f"include/podium/{header}" for header in HEADERS),
                     "LIB/libpodium.so", "LIB/libpodium.so.1", "LIB/libpodium.so.1.0.0",
                     *(f"LIB/cmake/podium/podium-{name}.cmake" for name in
                       ("config", "config-version", "targets", "targets-release"))}, files
    library = next(installed.rglob("libpodium.so"))
    assert "soname: [libpodium.so.1]" in run("readelf", "-d", library)
    for file in installed.rglob("*.cmake"):
        assert str(ROOT) not in file.read_text(), file


EXAMPLE_SAYS = r"""registered twice: conflict
active before an activation: not_found
v1 alone: v1 10000
canary of 5 %: v1 9\d\d\d v2 (?P<canary>\d\d\d)
alice: reason (primary, bucket not below|canary, bucket below) the share of 0.05
alice, asking for v2: v2 by override
v1: p50 0.9 ms, p99 0.9 ms, error rate 0.00
v2: p50 0.7 ms, p99 0.7 ms, error rate 0.00
promoted: v2 10000
rolled back to v1
rolled back: v1 10000
audit: rollback, on second thoughts
audit: promote, quicker, and the better auc
audit: ramp, first 5 %
file gone: activate is unavailable
file gone: v1 10000
registry broken: asking backup for ranker-stable
registry broken: answered by route_config
canary climbs: 0.05 0.20 0.35 0.50, at 98 % success; rolled back: 0.00
shadow: 0.92 beside 0.89
shadow: the caller got 0.89
"""


def test_the_example_does_what_it_says(installed, tmp_path):
    example = built(ROOT / "examples" / "library", "library_example", installed,
                    tmp_path / "build", "clang++-19")
    said = run(example, tmp_path / "models.db")
    matched = re.fullmatch(EXAMPLE_SAYS, said)
    assert matched, said
    # 10,000 sessions at 5 %: 500, give or take six standard deviations.
    assert 370 <= int(matched["canary"]) <= 630, said
    linked = run("readelf", "-d", example)
    needed = set(re.findall(r"NEEDED.*\[(.+?)\.so", linked))
    assert needed <= {"libpodium", "libstdc++", "libm", "libgcc_s", "libc"}, linked


def compiled(compiler, standard, source, *flags):
    return run(compiler, f"-std={standard}", "-x", "c++", "-Wall", "-Wextra", "-Wpedantic",
               "-Wconversion", "-Wshadow", "-Werror", *flags, "-", stdin=source)


# The oldest standard with one compiler, the newest with the other: each header takes seconds.
@pytest.mark.parametrize("compiler, standard", [("g++", "c++17"), ("clang++-19", "c++20")])
@pytest.mark.parametrize("header", HEADERS)
def test_each_header_stands_alone(installed, header, compiler, standard):
    source = f"#include <podium/{header}>\n" * 2
    compiled(compiler, standard, source, "-I", installed / "include", "-fsyntax-only")


@pytest.mark.parametrize("compiler, standard", itertools.product(COMPILERS, STANDARDS))
def test_all_headers_together_leak_no_macro(installed, compiler, standard):
    everything = "".join(f"#include <podium/{header}>\n" for header in HEADERS)
    compiled(compiler, standard, everything, "-I", installed / "include", "-fsyntax-only")
    macros = compiled(compiler, standard, everything, "-I", installed / "include", "-dM", "-E")
    names = re.findall(r"^#define (\w+)", macros, re.MULTILINE)
    assert len(names) > 100 and not [name for name in names if name.upper().startswith("PODIUM")]


@pytest.mark.parametrize("defines, source, fails", [
    ([], "podium::Clock* c; podium::v1::Clock* d;", False),
    (["-DPODIUM_NO_SHORT_NAMES"], "podium::v1::Clock* d;", False),
    (["-DPODIUM_NO_SHORT_NAMES"], "podium::Clock* c;", True),
])
def test_the_short_names_can_be_kept_free(installed, defines, source, fails):
    argv = ["g++", "-std=c++17", "-x", "c++", "-fsyntax-only", *defines, "-I",
            installed / "include", "-"]
    ended = subprocess.run(argv, input=f"#include <podium/clock.h>\n{source}\n", text=True,
                           capture_output=True, timeout=300)
    assert (ended.returncode != 0) == fails, ended.stderr


def exports(library):
    ended = subprocess.run([sys.executable, "-B", ROOT / "tools" / "check_exports.py", library],
                           capture_output=True, text=True, timeout=300)
    assert ended.stderr == ""
    return ended.returncode, ended.stdout


def test_the_library_shows_its_headers_and_asks_for_no_socket(build_folder):
    assert exports(build_folder / "libpodium.so") == (0, "")


@pytest.mark.parametrize("seed, found", [
    ("namespace podium { __attribute__((visibility(\"default\"))) int Leaked() { return 1; } }",
     "podium::Leaked()"),
    ("namespace podium::v1 { __attribute__((visibility(\"default\"))) int Undeclared()"
     " { return 1; } }", "podium::v1::Undeclared()"),
    ("extern \"C\" int socket(int, int, int); namespace podium::v1 {"
     " __attribute__((visibility(\"default\"))) const char* NameOf(int)"
     " { return socket(1, 1, 0) ? \"a\" : \"b\"; } }", "asks for socket"),
    ("namespace podium::v1 { struct __attribute__((visibility(\"default\"))) Registry {"
     " struct Impl; Registry(Impl*); }; Registry::Registry(Impl*) {} }", "Registry::Impl"),
    ("static int hidden;", "shows nothing"),
])
def test_a_seeded_violation_is_found(tmp_path, seed, found):
    """A check that finds nothing would look exactly like a clean library."""
    source, library = tmp_path / "seed.cc", tmp_path / "libseed.so"
    source.write_text(seed)
    version = tmp_path / "seed.map"
    version.write_text('PODIUM_1 { global: extern "C++" { podium::*; }; local: *; };')
    run("clang++-19", "-std=c++20", "-shared", "-fPIC", "-o", library, source,
        f"-Wl,--version-script={version}")
    code, said = exports(library)
    assert code == 1 and found in said, said


def objects(build_folder):
    """The objects that libpodium.so is linked from."""
    found = [path for path in build_folder.rglob("*.o") if "libpodium.dir" in str(path)]
    assert found, build_folder
    return found


def test_threads_are_made_in_one_file(build_folder):
    """A program that starts no controller and makes no runner has no thread of the library's."""
    making = {path.name for path in objects(build_folder)
              if re.search(r"\b(pthread_create|thrd_create|_ZNSt6thread\w*)\b",
                           run("nm", "-u", path))}
    assert making == {"worker_pool.cc.o"}


def test_files_are_waited_for_in_one_file(build_folder):
    """What tells of SQLite's writes polls a notice of the kernel's. Nothing else does, and no socket."""
    polling = {path.name for path in objects(build_folder)
               if re.search(r"\bpoll\b", run("nm", "-u", path))}
    assert polling == {"write_bell.cc.o"}


def test_the_object_of_choose_asks_for_no_memory_and_no_lock(build_folder):
    """B8, seen from the compiler's side: what the hook of the unit test counts, the linker knows."""
    for name in ("embed/snapshot_choose.cc.o", "routing/choose.cc.o", "routing/bucket.cc.o"):
        found = [path for path in objects(build_folder) if str(path).endswith(name.split("/")[1])
                 and ("routing" in str(path)) == name.startswith("routing")]
        assert len(found) == 1, found
        undefined = run("nm", "-u", found[0])
        assert not re.search(r"\b(malloc|calloc|_Zn[wa]\w*|_Zd[la]\w*|pthread_\w+|futex|_ZNSt6__atomic"
                             r"\w*|__cxa_guard\w*)\b", undefined), undefined


def test_published_vectors(decide):
    golden = json.loads((ROOT / "tests" / "data" / "buckets.golden.json").read_text())["vectors"]
    vectors = [v for v in golden if "\n" not in v["unit"] and "\t" not in v["unit"]]
    assert len(vectors) >= 40
    said = run(decide, "bucket",
               stdin="".join(f"{v['layer']}\t{v['salt']}\t{v['unit']}\n" for v in vectors))
    assert said.splitlines() == [f"{v['hash']} {v['coarse']} {v['fine']}" for v in vectors]


def test_the_library_decides_as_the_server_does(server, register, decide):
    """INV-5: one registry, two programs: the same version for the same reason, for every session."""
    register(server, "number", MODELS / "constant_one.onnx", "1", model_id="n1", activate=True)
    register(server, "number", MODELS / "constant_two.onnx", "2", model_id="n2")
    answer = server.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": 20.25})
    assert answer.status == 200, answer
    by_library = run(decide, "choose", pathlib.Path(server.data) / "podium.db", "number",
                     stdin="\n".join(SESSIONS) + "\n").splitlines()
    by_server = []
    with server.line() as line:
        for session in SESSIONS:
            answer = line.predict("number", [[0]], {"X-Session-Id": session})
            assert answer.status == 200, answer
            said = answer.headers
            reason = said["x-podium-reason"]
            propensity = {"canary": 0.2025, "primary": 0.7975}[reason]
            by_server.append(f"{session} {said['x-podium-version']} {reason} "
                             f"{said['x-podium-bucket']} {propensity:.4f} "
                             f"{said['x-podium-generation']}")
    assert by_library == by_server
    assert {line.split()[2] for line in by_library} == {"canary", "primary"}
