"""A small tree to seed violations in, and the tools to find them with."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Tree:
    def __init__(self, root):
        self.root = root

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return self

    def run(self, tool):
        """The exit code and the lines of a tool with the committed rules on this tree."""
        ended = subprocess.run([sys.executable, "-B", ROOT / "tools" / tool, "--root", self.root],
                               capture_output=True, text=True, timeout=60)
        assert ended.stderr == ""
        return ended.returncode, ended.stdout.splitlines()


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)
