#!/usr/bin/env python3
"""Runs clang-tidy over every source file of ours, and remembers what came out clean.

    tools/run_tidy.py BUILD_DIR [FILE...]

BUILD_DIR holds compile_commands.json. It checks what that compiles: batches of files where CMake
makes such (headers are read once for all of them), or each file alone. With FILEs it checks only
the units that hold one of them.

A unit is checked again only when something changed that its result depends on: its bytes, those of
any file of ours that it includes, its command line, .clang-tidy, the version of clang-tidy, or the
versions of the installed libraries. Only clean results are remembered, so a finding shows until it
is gone.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
CACHE = ROOT / "build" / "tidy-cache"
TIDY = "clang-tidy-19"
# A file is checked where its code is; fuzz targets are ten lines each and run under sanitizers.
FOLDERS = ("src",)
INCLUDE = re.compile(rb'^\s*#\s*include\s*["<]([^">]+)[">]', re.MULTILINE)
INCLUDE_ROOTS = (ROOT / "src", ROOT / "include")
TIMEOUT_S = 600
KEEP_DAYS = 30


def digest(*parts):
    whole = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        whole.update(len(data).to_bytes(8, "little") + data)
    return whole.hexdigest()


class Headers:
    """The headers of ours that a file reaches, through any depth, each read once."""

    def __init__(self):
        self._direct = {}
        self._bytes = {}

    def content(self, path):
        if path not in self._bytes:
            self._bytes[path] = path.read_bytes()
        return self._bytes[path]

    def _included(self, path):
        if path not in self._direct:
            found = set()
            for name in INCLUDE.findall(self.content(path)):
                for root in (path.parent, *INCLUDE_ROOTS):
                    candidate = root / name.decode()
                    if candidate.is_file():
                        found.add(candidate.resolve())
                        break
            self._direct[path] = found
        return self._direct[path]

    def reached(self, path):
        seen, pending = set(), [path]
        while pending:
            current = pending.pop()
            if current not in seen:
                seen.add(current)
                pending += self._included(current)
        return sorted(seen)


def surroundings():
    """What every result depends on."""
    version = subprocess.run([TIDY, "--version"], check=True, capture_output=True).stdout
    packages = subprocess.run([ROOT / "tools" / "install_deps.sh", "--list"], check=True,
                              capture_output=True, text=True).stdout.split()
    # Some may be missing on a machine that built its own; what is there still counts.
    installed = subprocess.run(["dpkg-query", "-W", *packages], capture_output=True).stdout
    return digest(version, installed, (ROOT / ".clang-tidy").read_bytes(),
                  (ROOT / "tools" / "onnxruntime.txt").read_bytes())


def sources_of(entry):
    """The files of ours that one entry compiles: those of a batch, or the one that it names."""
    path = pathlib.Path(entry["file"])
    if "Unity" not in path.parts:
        return [path.resolve()]
    return [pathlib.Path(name.decode()).resolve() for name in INCLUDE.findall(path.read_bytes())]


def key_of(entry, headers, common):
    files = headers.reached(pathlib.Path(entry["file"]).resolve())
    command = entry["command"].replace(str(ROOT), "")
    return digest(common, command,
                  *(part for file in files
                    for part in (file.relative_to(ROOT), headers.content(file))))


def check(build, entry):
    """What clang-tidy finds in one file, or nothing."""
    try:
        ended = subprocess.run([TIDY, "--quiet", "-p", build, entry["file"]], cwd=ROOT,
                               capture_output=True, text=True, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return f"{entry['file']}: clang-tidy did not end within {TIMEOUT_S} s\n"
    if ended.returncode == 0:
        return ""
    return (ended.stdout or ended.stderr).replace(f"{ROOT}/", "")


def forget_old():
    limit = time.time() - KEEP_DAYS * 86400
    for file in CACHE.iterdir():
        if file.stat().st_mtime < limit:
            file.unlink()


def main():
    build = pathlib.Path(sys.argv[1])
    wanted = {pathlib.Path(name).resolve() for name in sys.argv[2:]}
    entries, files = [], 0
    for entry in json.loads((build / "compile_commands.json").read_text()):
        sources = [path for path in sources_of(entry)
                   if path.relative_to(ROOT).parts[0] in FOLDERS]
        if sources and (not wanted or wanted.intersection(sources)):
            entries.append(entry)
            files += len(sources)
    if not entries:
        print("no source files to check", file=sys.stderr)
        return 1

    CACHE.mkdir(parents=True, exist_ok=True)
    forget_old()
    headers, common = Headers(), surroundings()
    pending = []
    for entry in entries:
        remembered = CACHE / key_of(entry, headers, common)
        if remembered.exists():
            remembered.touch()
        else:
            pending.append((entry, remembered))

    findings = 0
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        running = {pool.submit(check, build, entry): remembered for entry, remembered in pending}
        for done in concurrent.futures.as_completed(running):
            text = done.result()
            if text:
                findings += 1
                print(text, flush=True)
            else:
                running[done].touch()
    print(f"clang-tidy: {files} files in {len(entries)} units, {len(pending)} checked, "
          f"{findings} with findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
