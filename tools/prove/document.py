"""docs/proof.md, written from the mutations so that it cannot drift from them."""

from mutations import INVARIANTS

HEAD = """\
# Proof that the tests hold the invariants

A test that cannot fail proves nothing. For each of the invariants 1 to 8 (ARCHITECTURE.md) this page names mutations of one line, such as a
tired engineer could write, and the tests that go red for them. `tools/prove` applies each to a copy of the tree, builds the named
executables, runs the named tests and demands red; and green without it. `./test --full` does it for all:

    python3 tools/prove                     # all of them
    python3 tools/prove --invariant 6       # one invariant
    python3 tools/prove --write             # this page anew, from tests/proof/mutations.toml

This page is written by the tool; `./test` fails when it differs from the mutations, and when a mutated line is not in its file any more.
"""


def render(mutations):
    parts = [HEAD]
    for number, text in INVARIANTS.items():
        parts.append(f"## {number}. {text}\n")
        for mutation in mutations:
            if mutation.invariant == number:
                parts.append(_entry(mutation))
    return "\n".join(parts)


def _entry(mutation):
    change = [f"    - {mutation.old}"]
    if mutation.new:
        change.append(f"    + {mutation.new}")
    tests = [f"- red: `{test.name}` of `{test.executable}`" for test in mutation.tests]
    return "\n".join([f"**{mutation.slip}** (`{mutation.file}`)\n", *change, "", *tests, ""])
