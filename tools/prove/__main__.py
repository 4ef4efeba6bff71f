"""Breaks the code by one line at a time and demands that the named tests go red.

    tools/prove [--invariant N]   breaks, builds and runs; the last line is `N passed, N failed`
    tools/prove --check           only whether the mutations fit the tree and docs/proof.md fits them
    tools/prove --write           writes docs/proof.md

To add a mutation: a row of tests/proof/mutations.toml, then --write.
"""

import argparse
import pathlib
import sys

import document
from mutations import Moved, mutated, read
from scratch import Scratch

ROOT = pathlib.Path(__file__).resolve().parents[2]
MUTATIONS = ROOT / "tests" / "proof" / "mutations.toml"
PAGE = ROOT / "docs" / "proof.md"


def parse_arguments():
    parser = argparse.ArgumentParser(prog="tools/prove", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--invariant", type=int, metavar="N", help="only those of this invariant")
    parser.add_argument("--check", action="store_true", help="break and build nothing")
    parser.add_argument("--write", action="store_true", help="write docs/proof.md")
    return parser.parse_args()


def check(mutations):
    """What is wrong with the data or the page, if anything."""
    for mutation in mutations:
        mutated(mutation, ROOT)
    if not PAGE.is_file() or PAGE.read_text() != document.render(mutations):
        raise Moved("docs/proof.md is not what the mutations say: run tools/prove --write")


class Proof:
    """Counts as it goes; each line is one test in one state of the tree."""

    def __init__(self, scratch):
        self.scratch = scratch
        self.passed = 0
        self.failed = 0

    def note(self, ok, what, text=""):
        self.passed += ok
        self.failed += not ok
        print(f"{'ok    ' if ok else 'FAILED'}  {what}{': ' + text if text else ''}", flush=True)

    def demand(self, test, wanted, when):
        outcome = self.scratch.outcome(test)
        text = "" if outcome == wanted else f"expected {wanted}, got {outcome}"
        self.note(outcome == wanted, f"{when}: {test.executable} {test.name}", text)

    def built(self, executables, what):
        code, text = self.scratch.make(executables)
        if code != 0:
            self.note(False, what, f"does not build:\n{text}")
        return code == 0

    def unbroken(self, tests):
        """Green without any mutation; what is not cannot prove anything."""
        if not self.built({test.executable for test in tests}, "the tree as it is"):
            return False
        for test in tests:
            self.demand(test, "green", "as it is")
        return self.failed == 0

    def broken(self, mutation):
        file = self.scratch.tree / mutation.file
        file.write_text(mutated(mutation, self.scratch.tree))
        try:
            if self.built({test.executable for test in mutation.tests}, mutation.title):
                for test in mutation.tests:
                    self.demand(test, "red", mutation.title)
        finally:
            self.scratch.restore(mutation.file)


def prove(mutations):
    scratch = Scratch(ROOT, ROOT / "build" / "proof")
    scratch.tree.mkdir(parents=True, exist_ok=True)
    scratch.refresh()
    proof = Proof(scratch)
    code, text = scratch.configure()
    if code != 0:
        proof.note(False, "configuring the copy", text)
    elif proof.unbroken(sorted({test for m in mutations for test in m.tests},
                               key=lambda test: (test.executable, test.name))):
        for mutation in mutations:
            proof.broken(mutation)
    print(f"{proof.passed} passed, {proof.failed} failed")
    return 0 if proof.passed and not proof.failed else 1


def main():
    arguments = parse_arguments()
    try:
        mutations = read(MUTATIONS)
        if arguments.write:
            PAGE.parent.mkdir(exist_ok=True)
            PAGE.write_text(document.render(mutations))
        check(mutations)
    except Moved as problem:
        print(f"tools/prove: {problem}", file=sys.stderr)
        return 1
    if arguments.check or arguments.write:
        return 0
    chosen = [m for m in mutations if arguments.invariant in (None, m.invariant)]
    if not chosen:
        print(f"tools/prove: there is no invariant {arguments.invariant}", file=sys.stderr)
        return 2
    return prove(chosen)


if __name__ == "__main__":
    sys.exit(main())
