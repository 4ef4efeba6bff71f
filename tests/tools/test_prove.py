"""A proof that accepts anything proves nothing: what it must refuse is seeded here."""

import importlib
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROW = """
[[mutation]]
invariant = {invariant}
slip = "{slip}"
file = "src/a.cc"
old = "{old}"
new = "{new}"
tests = ["{test}"]
"""


@pytest.fixture
def prove(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools" / "prove"))
    names = ("mutations", "document", "scratch")
    yield {name: importlib.import_module(name) for name in names}
    for name in names:
        del sys.modules[name]


def rows(**changes):
    """One row for each invariant; the changes are the first one's."""
    text = ""
    for invariant in range(1, 9):
        row = {"invariant": invariant, "slip": f"slip {invariant}", "old": "return a;",
               "new": "return b;", "test": "a_test Suite.Test"}
        text += ROW.format(**(row | changes if invariant == 1 else row))
    return text


def read(prove, tmp_path, text):
    (tmp_path / "m.toml").write_text(text)
    return prove["mutations"].read(tmp_path / "m.toml")


def test_the_page_and_the_tree_are_those_of_the_mutations():
    ended = subprocess.run([sys.executable, "-B", ROOT / "tools" / "prove", "--check"],
                           capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("changes, says", [
    ({"invariant": 9}, "names invariant 9"),
    ({"invariant": 2}, "no mutation for invariant 1"),
    ({"slip": "slip 2"}, "two mutations are called"),
    ({"new": "return a;"}, "changes nothing"),
    ({"old": ""}, "changes nothing"),
    ({"old": "  return a;"}, "without its indentation"),
    ({"new": "a\\nb"}, "without its indentation"),
    ({"test": "Suite.Test"}, "EXECUTABLE Suite.Test"),
    ({"test": "a_test Suite.*"}, "EXECUTABLE Suite.Test"),
])
def test_rows_that_make_no_sense_are_refused(prove, tmp_path, changes, says):
    with pytest.raises(prove["mutations"].Moved, match=says):
        read(prove, tmp_path, rows(**changes))


def test_a_mutation_changes_its_line_and_keeps_the_indentation(prove, tmp_path, tree):
    tree.write("src/a.cc", "int F() {\n  return a;\n}\n")
    first = read(prove, tmp_path, rows())[0]
    assert prove["mutations"].mutated(first, tree.root) == "int F() {\n  return b;\n}\n"
    gone = read(prove, tmp_path, rows(new=""))[0]
    assert prove["mutations"].mutated(gone, tree.root) == "int F() {\n\n}\n"


@pytest.mark.parametrize("text, times", [("  return c;\n", 0), ("return a;\n  return a;\n", 2),
                                         ("return a; // why\n", 0)])
def test_a_line_that_moved_is_told(prove, tmp_path, tree, text, times):
    tree.write("src/a.cc", text)
    with pytest.raises(prove["mutations"].Moved, match=f"{times} times: it has moved"):
        prove["mutations"].mutated(read(prove, tmp_path, rows())[0], tree.root)


def report(*results):
    cases = [{"status": status, "result": "COMPLETED", **({"failures": [1]} if bad else {})}
             for status, bad in results]
    return {"testsuites": [{"testsuite": cases}]}


@pytest.mark.parametrize("code, found, text, says", [
    (0, report(("RUN", False)), "", "green"),
    (1, report(("RUN", True)), "", "red"),
    (1, report(("RUN", False)), "leak", "passed, but its executable ended with 1"),
    (0, report(), "", "0 tests have that name"),
    (0, report(("NOTRUN", False)), "", "0 tests have that name"),
    (1, report(("RUN", True), ("RUN", False)), "", "2 tests have that name"),
    (-6, None, "", "red"),
    (1, None, "broken invariant: a > b", "red"),
    (1, None, "…\n==12==ABORTING", "red"),
    (1, None, "SUMMARY: UndefinedBehaviorSanitizer: undefined-behavior", "red"),
    (127, None, "no such file", "ended with 127 and no report"),
])
def test_only_the_named_test_is_judged(prove, code, found, text, says):
    assert prove["scratch"].judge(code, found, text).startswith(says)


def test_the_page_shows_each_change(prove, tmp_path):
    page = prove["document"].render(read(prove, tmp_path, rows(new="")))
    assert "**slip 1** (`src/a.cc`)" in page
    assert "    - return a;\n\n- red: `Suite.Test` of `a_test`" in page
    assert "    - return a;\n    + return b;\n" in page
