"""The published vectors are what the independent implementation computes, not what we once wrote."""

import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "data" / "buckets.golden.json"


def test_committed_vectors_are_those_of_the_xxhash_package():
    made = subprocess.run([sys.executable, "-B", str(ROOT / "tools" / "make_bucket_golden.py")],
                          capture_output=True, check=True).stdout
    assert made == GOLDEN.read_bytes()


def test_vectors_cover_what_other_languages_get_wrong():
    vectors = json.loads(GOLDEN.read_text(encoding="utf-8"))["vectors"]
    canary = [v for v in vectors if v["layer"] == "canary"]
    assert len(canary) >= 32 and len(vectors) > len(canary)
    units = {v["unit"] for v in canary}
    assert "" in units and any("\x00" in u for u in units)
    assert any(len(u.encode()) != len(u) for u in units), "no unit outside ASCII"
    assert any(int(v["hash"]) >= 2**63 for v in vectors), "a signed hash would pass"
    assert max(len(v["salt"]) for v in vectors) == 64


def test_vectors_of_the_design():
    vectors = json.loads(GOLDEN.read_text(encoding="utf-8"))["vectors"]
    known = {(v["layer"], v["salt"], v["unit"]): v for v in vectors}
    first, empty = known["canary", "r1", "user-1"], known["canary", "r1", ""]
    assert (first["hash"], first["coarse"], first["fine"]) == ("7964573314328209026", 26, 2690)
    assert (empty["hash"], empty["coarse"], empty["fine"]) == ("8797564161049289532", 32, 3295)
