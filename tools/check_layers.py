#!/usr/bin/env python3
"""Checks the #include lines and CMake DEPS of the tree against tools/layers.toml.

    tools/check_layers.py [--root DIR] [--rules FILE]

Prints one line per violation, with the reason of the rule, and exits 1 if there is any.
"""

import argparse
import fnmatch
import pathlib
import re
import sys
import tomllib

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')
DEPS = re.compile(r"podium_module\(\s*(\w+)([^)]*)\)", re.DOTALL)
TEST_FILE = re.compile(r"_(test|bench)\.cc$|_(contract|fixture)\.(h|cc)$")
# The C++ standard library has neither a dot nor a slash in its header names.
STANDARD = re.compile(r"^[a-z0-9_]+$")


class Layers:
    def __init__(self, root, rules):
        self.root = root
        self.modules = rules["modules"]
        self.parts = rules.get("parts", [])
        self.outside = rules.get("outside", [])
        self.violations = []

    def report(self, where, text, reason):
        self.violations.append(f"{where}: {text}. {reason}")

    def check_table(self):
        """The table itself: arrows lead to known modules of a lower level, rows have reasons."""
        for name, row in self.modules.items():
            if not row.get("reason"):
                self.report("layers.toml", f"{name} has no reason", "Each row says why it is so")
            for target in row["may_include"]:
                if target not in self.modules:
                    self.report("layers.toml", f"{name} may include {target}, which is no module",
                                row["reason"])
                elif self.modules[target]["level"] >= row["level"]:
                    self.report("layers.toml", f"{name} may include {target} of a level not below",
                                "Arrows lead down")
        for rule in self.outside:
            if not rule.get("reason"):
                self.report("layers.toml", f"{rule['name']} has no reason", "Each row says why")

    def part_of(self, path):
        """The row of the folder that sees less than its module, if `path` is below one."""
        return next((part for part in self.parts if path.startswith(part["folder"] + "/")), None)

    def check_part(self, where, path, name):
        part = self.part_of(path)
        if part and not any(name == allowed or name.startswith(allowed + "/")
                            for allowed in part["may_include"]):
            self.report(where, f"{part['folder']} may not include {name}", part["reason"])

    def forbidden(self, module, target, is_test):
        """Why `module` may not include `target`, or nothing."""
        if target == module:
            return ""
        if target not in self.modules:
            return "There is no such module in tools/layers.toml"
        row = self.modules[module]
        if self.modules[target].get("for_tests_only"):
            return "" if is_test else f"{target}/ is for tests: {self.modules[target]['reason']}"
        return "" if target in row["may_include"] else row["reason"]

    def check_quoted(self, where, path, module, name, is_test):
        target, _, rest = name.partition("/")
        if not rest:
            self.report(where, f'"{name}" does not start at src', 'Write "module/file.h"')
            return
        if not (self.root / "src" / name).is_file():
            self.report(where, f'"{name}" is no file below src', "The include root is src")
            return
        reason = self.forbidden(module, target, is_test)
        if reason:
            self.report(where, f"{module} may not include {name}", reason)
        if TEST_FILE.search(name) and not is_test:
            self.report(where, f"{name} is for tests", "What ships is not built on what tests it")
        if not is_test and not reason:
            self.check_part(where, path, name)
        row = self.modules.get(module, {})
        if target == module and row.get("folders_are_modules"):
            own, other = path.split("/")[1], rest.split("/")[0]
            if own != other:
                self.report(where, f"{module}/{own} may not include {name}", row["reason"])

    def check_angled(self, where, path, module, name):
        """`path` is below src, or starts with include/podium."""
        if STANDARD.match(name) or (name.startswith("podium/") and module in ("public", "embed")):
            return
        if name.startswith("podium/"):
            if not (self.root / "include" / name).is_file():
                self.report(where, f"<{name}> is no public header", "They are in include/podium")
            return
        for rule in self.outside:
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in rule["headers"]):
                # A public header is allowed only by name: "*" means all of src.
                if not any(allowed == module or fnmatch.fnmatchcase(path, allowed)
                           for allowed in rule["allowed"]
                           if module != "public" or allowed.startswith("include/")):
                    self.report(where, f"<{name}> ({rule['name']}) is not allowed here",
                                rule["reason"])
                return
        self.report(where, f"<{name}> is not in tools/layers.toml",
                    "What comes from outside is declared there, with a reason")

    def check_file(self, file):
        relative = file.relative_to(self.root).as_posix()
        public = relative.startswith("include/")
        path = relative if public else relative.removeprefix("src/")
        module = "public" if public else path.split("/")[0]
        if not public and module not in self.modules:
            self.report(relative, f"src/{module} is no module of tools/layers.toml",
                        "Give it a row with a level, its arrows and a reason")
            return
        is_test = bool(TEST_FILE.search(path)) or self.modules.get(module, {}).get("for_tests_only")
        for number, line in enumerate(file.read_text().splitlines(), 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            where = f"{relative}:{number}"
            if found[1] == "<":
                self.check_angled(where, path, module, found[2])
            elif public:
                self.report(where, f'a public header may not include "{found[2]}"',
                            "Users of libpodium have only include/podium")
            else:
                self.check_quoted(where, path, module, found[2], bool(is_test))

    def check_cmake(self, file):
        """A module must not get at link time what it may not include."""
        relative = file.relative_to(self.root).as_posix()
        module = relative.split("/")[1]
        part = self.part_of(relative.removeprefix("src/"))
        parts = {row["name"]: row["folder"].split("/")[0] for row in self.parts}
        for name, rest in DEPS.findall(re.sub(r"#.*", "", file.read_text())):
            words = rest.split()
            deps = words[words.index("DEPS") + 1:] if "DEPS" in words else []
            for dep in deps[:deps.index("LIBS")] if "LIBS" in deps else deps:
                target = "control" if dep.startswith("control_") else dep
                if parts.get(dep) == module:
                    continue  # A module and its part.
                if part and dep not in part["depends"]:
                    self.report(relative, f"{name} may not depend on {dep}", part["reason"])
                if target == module and dep != name:
                    self.report(relative, f"{name} may not depend on {dep}",
                                self.modules[module]["reason"])
                reason = self.forbidden(module, target, is_test=module == "testing")
                if reason:
                    self.report(relative, f"{name} may not depend on {dep}", reason)

    def check(self):
        self.check_table()
        files = sorted(file for folder in ("src", "include")
                       for file in (self.root / folder).rglob("*") if file.suffix in (".h", ".cc"))
        for file in files:
            self.check_file(file)
        for file in sorted((self.root / "src").rglob("CMakeLists.txt")):
            if file.relative_to(self.root).parts[1] in self.modules:
                self.check_cmake(file)
        return len(files)


def main():
    home = pathlib.Path(__file__).resolve().parents[1]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=pathlib.Path, default=home)
    parser.add_argument("--rules", type=pathlib.Path, default=home / "tools" / "layers.toml")
    arguments = parser.parse_args()
    layers = Layers(arguments.root.resolve(), tomllib.loads(arguments.rules.read_text()))
    count = layers.check()
    for violation in layers.violations:
        print(violation)
    if count == 0:
        print("no source files found")
        return 1
    print(f"layers: {count} files, {len(layers.violations)} violations")
    return 1 if layers.violations else 0


if __name__ == "__main__":
    sys.exit(main())
