#!/usr/bin/env python3
"""Checks that the objects on the path of a decision and of a record cannot allocate, lock or wait.

    tools/check_decision_path.py BUILD_DIR [OBJECT...]

BUILD_DIR is an optimised build without sanitizers; OBJECT replaces the list below (for the tests).
What an object needs from outside is listed by nm, and each symbol must be another object's of the
list or one of ALLOWED: an allocator, a mutex, an atomic wait or a guarded static is on neither, and
nor is anything new that nobody has thought about. Prints one line per violation, and exits 1.
"""

import pathlib
import re
import subprocess
import sys

# From the name of a route to the chain of what serves it; from an attempt to its record.
# Each has an object of its own: ALONE in its CMakeLists.txt.
SOURCES = [
    "view/core_view_find",
    "routing/table_find",
    "routing/choose",
    "routing/bucket",
    "routing/serve_chain",
    "journal/attempt_write",
    "journal/frame",
    "journal/writer",
]

ALLOWED = {
    r"mem(cpy|move|set|cmp)|bcmp|strlen": "bytes and nothing else",
    r"XXH3_64bits(_reset|_update|_digest|_withSeed)?": "the published hash; its state is on the stack",
    r"_ZN6podium12AssertFailedEPKcS1_i": "ends the process",
    r"_ZSt9terminatev|__cxa_begin_catch|__clang_call_terminate": "ends the process",
    r"__gxx_personality_v0|_Unwind_Resume|DW\.ref\.__gxx_personality_v0": "unwinding tables",
}


def symbols(path, *options):
    ended = subprocess.run(["llvm-nm-19", "--format=posix", *options, str(path)], check=True,
                           capture_output=True, text=True)
    return {line.split()[0] for line in ended.stdout.splitlines() if line.split()}


def readable(symbol):
    ended = subprocess.run(["llvm-cxxfilt-19", symbol], check=True, capture_output=True, text=True)
    return ended.stdout.strip()


def violations(objects):
    own = set().union(*(symbols(path, "--defined-only") for path in objects))
    allowed = re.compile("|".join(f"(?:{pattern})" for pattern in ALLOWED))
    for path in objects:
        for symbol in sorted(symbols(path, "--undefined-only") - own):
            if not allowed.fullmatch(symbol):
                yield f"{path.name} needs {readable(symbol)}, which is not for the path of a decision"


def objects_of(build):
    for source in SOURCES:
        module, name = source.split("/")
        yield build / "src" / module / "CMakeFiles" / f"podium_{module}.dir" / f"{name}.cc.o"


def main(arguments):
    build = pathlib.Path(arguments[0])
    objects = [pathlib.Path(a) for a in arguments[1:]] or list(objects_of(build))
    missing = [str(path) for path in objects if not path.is_file()]
    if missing:
        print(f"not built: {', '.join(missing)}")
        return 1
    found = list(violations(objects))
    print("\n".join(found) if found else f"{len(objects)} objects, no allocation, lock or wait")
    return 1 if found else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
