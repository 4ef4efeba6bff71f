#!/usr/bin/env python3
"""Checks what a libpodium shows to the programs that load it, and what it asks of the system.

    tools/check_exports.py LIBRARY

Shown: names of podium::v1 that public headers declare, under the version PODIUM_1, and nothing
else. Not asked for: sockets, processes. (Threads are asked for by one file, which the library's own
tests hold it to.) Prints one line per violation and exits 1 if there is any.
"""

import pathlib
import re
import subprocess
import sys

HEADERS = pathlib.Path(__file__).resolve().parents[1] / "include" / "podium"

# The tables of the two classes that programs derive from, functions, and members of classes.
TABLES = re.compile(r"^(typeinfo|typeinfo name|vtable) for podium::v1::(Clock|Random)$")
FUNCTION = re.compile(r"^podium::v1::(?:(\w+)::)?(~?\w+=?)(?:\[abi:cxx11\])?\(")
# What headers name without telling: nothing of it is for programs.
PRIVATE = re.compile(r"podium::v1::\w+::(Impl|Table)\b")
FORBIDDEN = re.compile(r"^(socket|socketpair|connect|bind|listen|accept4?|getaddrinfo|send|sendto|sendmsg"
                       r"|recv|recvfrom|recvmsg|epoll_\w+|ppoll|select"
                       r"|fork|vfork|execv\w*|posix_spawnp?|system|popen|dlopen|signal|sigaction"
                       r")(@.*)?$")


def symbols(library, *flags):
    """The names that nm prints, with their versions."""
    text = subprocess.run(["nm", "-D", *flags, library], check=True, capture_output=True,
                          text=True).stdout
    for line in text.splitlines():
        match = re.match(r"^[0-9a-f ]{16} (\w) (.+)$", line)
        if match:
            yield match[1], match[2]


def declared(name, headers):
    """Whether the headers speak of this function, or of this member of that class."""
    if TABLES.match(name):
        return True
    match = FUNCTION.match(name)
    if not match or PRIVATE.search(name):
        return False
    words = [word for word in match.groups() if word]
    return all(re.search(rf"(?<![\w~]){re.escape(word)}(?!\w)", headers) for word in words)


def violations(library):
    headers = "\n".join(file.read_text() for file in sorted(HEADERS.glob("*.h")))
    shown = [(kind, name) for kind, name in symbols(library, "--defined-only", "-C")
             if kind != "A"]  # The name of the version itself.
    if not shown:
        yield "shows nothing at all"
    for _, text in shown:
        name, _, version = text.partition("@@")
        if version != "PODIUM_1":
            yield f"shows {text}, which is not under PODIUM_1"
        if not declared(name, headers):
            yield f"shows {name}, which no public header declares"
    for _, name in symbols(library, "--undefined-only"):
        if FORBIDDEN.match(name):
            yield f"asks for {name}: libpodium has no socket or process"


def main():
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    found = list(violations(sys.argv[1]))
    for line in found:
        print(f"{sys.argv[1]}: {line}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
