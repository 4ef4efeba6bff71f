#!/usr/bin/env python3
"""Writes the published bucket vectors, computed by an implementation that is not ours.

    build/venv/bin/python tools/make_bucket_golden.py > tests/data/buckets.golden.json

A caller in another language that reproduces every line routes exactly as Podium does.
"""

import json
import sys

import xxhash

SEPARATORS = {"canary": b"\x1f", "arms": b"\x1e"}

# The named lengths are where XXH3-64 changes its way of reading, and where Podium hashes in pieces.
UNITS = [
    "", "a", "user-1", "user-2", "user-10", "0", "00000001", "-1",
    "550e8400-e29b-41d4-a716-446655440000", "018f4e9a-7b1c-7c3e-9f00-000000000001",
    "anna@example.org", "Anna@example.org", " leading and trailing ", "a\tb\nc", "nul\x00inside",
    "unit\x1fseparator", "record\x1eseparator", "grüße", "日本語のセッション", "🦉 owl", "e\u0301", "\u00e9",
    "\u07ff\u0800\uffff\U00010000\U0010ffff",
]
LENGTHS = [3, 4, 8, 9, 13, 14, 125, 126, 127, 237, 238, 239, 240, 253, 254, 255, 256, 257, 317, 318,
           319, 1024, 4096]
SALTS = ["r1", "r2", "r10", "x", "A-very.long_salt-" + "0123456789" * 4 + "abcdefg"]


def vector(layer, salt, unit):
    data = salt.encode() + SEPARATORS[layer] + unit.encode()
    value = xxhash.xxh3_64_intdigest(data, seed=0)
    coarse = value % 100
    # The hash is text: many readers of JSON keep only 53 bits of a number.
    return {"layer": layer, "salt": salt, "unit": unit, "hash": str(value), "coarse": coarse,
            "fine": 100 * coarse + value // 100 % 100}


def vectors():
    for unit in UNITS:
        yield vector("canary", "r1", unit)
    for length in LENGTHS:
        yield vector("canary", "r1", ("0123456789abcdef" * (length // 16 + 1))[:length])
    for salt in SALTS[1:]:
        for unit in ("", "user-1", "日本語のセッション"):
            yield vector("canary", salt, unit)
    for salt in SALTS:
        for unit in ("", "user-1", "grüße", "unit\x1fseparator"):
            yield vector("arms", salt, unit)


def text():
    lines = [json.dumps(each, ensure_ascii=False) for each in vectors()]
    # One vector a line, so that a change shows as the lines it touches.
    return '{"vectors": [\n  ' + ",\n  ".join(lines) + "\n]}\n"


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    sys.stdout.write(text())
