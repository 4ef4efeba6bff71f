"""The mutations of tests/proof/mutations.toml: reading them, and whether they still fit the tree."""

import dataclasses
import pathlib
import re
import tomllib

INVARIANTS = {
    1: "One primary and one canary per route",
    2: "A mutation, its audit row and its event are one transaction; audit rows stay as they are",
    3: "Generations on a core never decrease; a request pins one view and never looks again",
    4: "One bad row harms only itself; a table that cannot be read keeps the view",
    5: "Same route, unit and generation: same assigned version, everywhere",
    6: "Raising a share only moves units to the canary; 0 % is nobody, 100 % everybody",
    7: "Only READY versions serve; nothing goes live before it is",
    8: "Registry trouble fails no live call that a fallback could answer",
}
KEYS = {"invariant", "slip", "file", "old", "new", "tests"}
TEST = re.compile(r"^(\w+) ([\w/]+\.[\w/]+)$")


class Moved(Exception):
    """A mutation does not fit the tree any more, or its row makes no sense."""


@dataclasses.dataclass(frozen=True)
class Test:
    executable: str
    name: str


@dataclasses.dataclass(frozen=True)
class Mutation:
    invariant: int
    slip: str
    file: str
    old: str
    new: str
    tests: tuple

    @property
    def title(self):
        return f"invariant {self.invariant}: {self.slip}"


def read(path):
    """All mutations of a file, checked for what can be checked without the tree."""
    rows = tomllib.loads(pathlib.Path(path).read_text())["mutation"]
    mutations = [_mutation(row) for row in rows]
    missing = sorted(set(INVARIANTS) - {m.invariant for m in mutations})
    if missing:
        raise Moved(f"no mutation for invariant {', '.join(map(str, missing))}")
    slips = [m.slip for m in mutations]
    for slip in slips:
        if slips.count(slip) > 1:
            raise Moved(f"two mutations are called \"{slip}\"")
    return mutations


def _mutation(row):
    what = f"mutation \"{row.get('slip', '?')}\""
    if set(row) != KEYS:
        raise Moved(f"{what} has the keys {sorted(row)}, not {sorted(KEYS)}")
    if row["invariant"] not in INVARIANTS:
        raise Moved(f"{what} names invariant {row['invariant']}")
    for key in ("old", "new"):
        if "\n" in row[key] or row[key] != row[key].strip():
            raise Moved(f"{what}: `{key}` is one line without its indentation")
    if not row["old"] or row["old"] == row["new"]:
        raise Moved(f"{what} changes nothing")
    if not row["tests"]:
        raise Moved(f"{what} names no test")
    matches = [TEST.match(test) for test in row["tests"]]
    if not all(matches):
        raise Moved(f"{what}: a test is written as EXECUTABLE Suite.Test, not as {row['tests']}")
    return Mutation(row["invariant"], row["slip"], row["file"], row["old"], row["new"],
                    tuple(Test(*match.groups()) for match in matches))


def mutated(mutation, root):
    """The text of the mutation's file with it applied. Moved when the line is not there once."""
    path = pathlib.Path(root) / mutation.file
    if not path.is_file():
        raise Moved(f"{mutation.title}: there is no {mutation.file}")
    lines = path.read_text().split("\n")
    places = [i for i, line in enumerate(lines) if line.strip() == mutation.old]
    if len(places) != 1:
        raise Moved(f"{mutation.title}: {mutation.file} holds the line `{mutation.old}` "
                    f"{len(places)} times: it has moved or changed, so look at the mutation again")
    line = lines[places[0]]
    indentation = line[:len(line) - len(line.lstrip())]
    lines[places[0]] = indentation + mutation.new if mutation.new else ""
    return "\n".join(lines)
