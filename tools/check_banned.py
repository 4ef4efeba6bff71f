#!/usr/bin/env python3
"""Looks for what tools/banned.toml bans.

    tools/check_banned.py [--root DIR] [--rules FILE]

Prints one line per finding, with the reason of the rule, and exits 1 if there is any.
"""

import argparse
import fnmatch
import os
import pathlib
import re
import sys
import tomllib

# Build output and what tools leave behind; nothing of it is committed.
SKIPPED = {".git", "build", "node_modules", "__pycache__", ".pytest_cache", ".cache"}

# One token of C++ that may hold anything: a comment, a raw string, a string or a character.
# A digit before ' makes it a digit separator.
OPAQUE = re.compile(
    r'//(?:[^\n\\]|\\.|\\\n)*'
    r'|/\*.*?\*/'
    r'|(?:u8|[uUL])?R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"'
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|(?<![0-9a-fA-F])'(?:[^'\\\n]|\\.)+'",
    re.DOTALL)


def blank(match):
    """The same number of lines, with nothing on them."""
    return re.sub(r"[^\n]", " ", match.group(0))


def code_of(text):
    return OPAQUE.sub(blank, text)


def matches(path, patterns):
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


class Rule:
    def __init__(self, row):
        self.name, self.reason, self.kind = row["name"], row["reason"], row["in"]
        self.pattern = re.compile(row["pattern"])
        self.unless = re.compile(row["unless"]) if "unless" in row else None
        self.files, self.allowed = row["files"], row["allowed"]
        if self.kind not in ("code", "text", "path") or not self.reason:
            raise ValueError(f"rule {self.name!r}: `in` or `reason` is wrong")

    def holds_for(self, path):
        return matches(path, self.files) and not matches(path, self.allowed)

    def findings(self, lines, code_lines):
        for number, line in enumerate(code_lines if self.kind == "code" else lines, 1):
            found = self.pattern.search(line)
            if found and not (self.unless and self.unless.search(lines[number - 1])):
                yield number, found.group(0).strip()


def tree(root):
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in SKIPPED)
        for name in sorted(set(files) - SKIPPED):  # .git is a file in a linked work tree.
            yield pathlib.Path(folder, name)


def check(root, rules, exempt):
    count, found = 0, []
    for file in tree(root):
        path = file.relative_to(root).as_posix()
        count += 1
        relevant = [rule for rule in rules if rule.holds_for(path)]
        found += [f"{path}: {rule.name}: {rule.reason}" for rule in relevant
                  if rule.kind == "path" and rule.pattern.search(path)]
        if matches(path, exempt):
            continue
        data = file.read_bytes()
        if b"\0" in data[:8192]:
            continue
        try:
            text = data.decode()
        except UnicodeDecodeError:
            continue  # Binary: a model, a fuzz input.
        lines, code_lines = text.split("\n"), code_of(text).split("\n")
        for rule in relevant:
            if rule.kind != "path":
                found += [f"{path}:{number}: {rule.name} ({what}): {rule.reason}"
                          for number, what in rule.findings(lines, code_lines)]
    return count, found


def main():
    home = pathlib.Path(__file__).resolve().parents[1]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=pathlib.Path, default=home)
    parser.add_argument("--rules", type=pathlib.Path, default=home / "tools" / "banned.toml")
    arguments = parser.parse_args()
    table = tomllib.loads(arguments.rules.read_text())
    rules = [Rule(row) for row in table["rule"]]
    count, found = check(arguments.root.resolve(), rules, table["exempt"])
    print("\n".join(found + [f"banned: {count} files, {len(rules)} rules, {len(found)} findings"]))
    return 1 if found or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
