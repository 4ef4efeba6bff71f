"""Text that means something elsewhere, in every field and path: the documented error or a plain row.

Never a 5xx, and nothing half done: what is refused leaves the registry as it was.
"""

import itertools
import json
import urllib.parse

import pytest

from conftest import MODELS, make_two

ODD = ["", " ", ".", "..", "../../etc/passwd", "a/b", "a\\b", "%2e%2e%2f", "a b", "a\tb", "a\x00b", "a\nb",
       "'; DROP TABLE model_registry; --", "\" OR 1=1 --", "$1", "${HOME}", "`id`", "{}", "[]", "null",
       "<script>", "a;b", "a|b", "é", "日本語", "👍", "‮abc", "\ufeffa", "%", "%00", "?", "#", "-rf", "~root",
       "CON", "a" * 128, "a" * 129, "x" * 5000]
WRONG_TYPES = [0, -1, 1.5, 1e308, True, False, [], {}, [[]], {"a": {}}, ["a"], "x"]
NAMES = ("route", "name", "version", "model_id", "provider_key", "upstream_model", "artifact_uri", "sha256",
         "format", "experiment_id", "source_run", "parent_id", "status", "load", "reason")
FIELDS = (*NAMES, "metrics", "tags", "signature", "unknown_field")
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def two(server, register):
    yield make_two(server, register)
    assert server.process.poll() is None, server.log_text[-4000:]
    assert server.predict("number", [[1]]).status == 200


def state(server):
    return (server.get("/api/v1/versions?limit=500").json, server.get("/api/v1/audit?limit=500").json,
            [item["revision"] for item in server.get("/api/v1/routes?limit=500").json["items"]])


def documented(answer):
    """A refusal that says what is wrong, as RFC 9457 has it."""
    assert 400 <= answer.status < 500, answer
    assert answer.headers["content-type"] == "application/problem+json", answer
    assert answer.json["detail"] and answer.json["code"], answer


def send(line, method, path, body):
    return line.request(method, path, json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass"), JSON)


def test_registrations_with_odd_text(two):
    """A row is made whole, with the very text that was sent, or not at all."""
    count, refusals = itertools.count(), 0
    with two.line() as line:
        for field, text in itertools.product(NAMES, ODD):
            body = {"route": "odd", "version": f"v{next(count)}", "provider_key": "openai",
                    "upstream_model": "m"}
            body[field] = text
            before = two.get("/api/v1/versions?limit=1&route=odd").json if field != "route" else None
            answer = send(line, "POST", "/api/v1/versions", body)
            if answer.status == 201:
                if text and field != "reason":
                    assert answer.json[{"sha256": "artifact_sha256"}.get(field, field)] == text, answer
                shown = line.request("GET", answer.headers["location"])
                assert shown.status == 200 and shown.json["model_id"] == answer.json["model_id"]
            else:
                refusals += 1
                documented(answer)
                if before is not None and not before["items"]:
                    assert two.get("/api/v1/versions?limit=1&route=odd").json == before
    assert refusals > 100
    # All that was written is whole: the trail says as much as the table.
    rows = two.get("/api/v1/versions?limit=500").json["items"]
    registered = [row for row in two.get("/api/v1/audit?limit=500").json["items"]
                  if row["kind"] == "register"]
    assert len(rows) == len(registered)


def test_registrations_with_wrong_types(two):
    """A number where a name belongs is a caller's mistake, not ours to guess at."""
    before = state(two)
    with two.line() as line:
        for field, value in itertools.product(FIELDS, WRONG_TYPES):
            if isinstance(value, str) and field in (*NAMES, "unknown_field") and field not in ("status", "load"):
                continue
            if value == {} and field in ("metrics", "tags", "signature"):
                continue
            body = {"route": "odd", "version": "1", "provider_key": "openai", "upstream_model": "m"}
            body[field] = value
            answer = send(line, "POST", "/api/v1/versions", body)
            if field == "signature" and answer.status == 201:  # An object of another shape: see below.
                assert isinstance(value, dict)
                two.delete(f"/api/v1/versions/{answer.json['model_id']}")
                continue
            documented(answer)
    assert state(two)[2][:1] == before[2][:1]
    assert two.get("/api/v1/routes/number").json["revision"] == before[2][0]


BODIES = {
    ("PUT", "/api/v1/routes/number/canary"): {"model_id": "n2", "traffic_pct": 5, "force": False,
                                              "reason": ""},
    ("PUT", "/api/v1/routes/number/arms"): {"arms": [{"model_id": "n2", "weight": 0.1}],
                                            "force": False, "reason": ""},
    ("POST", "/api/v1/versions/n2/activate"): {"force": False, "reason": ""},
    ("POST", "/api/v1/versions/n2/promote"): {"force": False, "reason": ""},
    ("POST", "/api/v1/versions/n2/retire"): {"reason": ""},
    ("POST", "/api/v1/routes/number/rollback"): {"reason": ""},
    ("DELETE", "/api/v1/versions/n2"): {"reason": ""},
    ("PUT", "/api/v1/routes/number/follow"): {"model": "m", "champion": "", "challenger": "",
                                              "challenger_share": 5, "on_champion": "promote",
                                              "reason": ""},
    ("DELETE", "/api/v1/routes/number/follow"): {"reason": ""},
    ("POST", "/api/v1/routes/number/follow/resume"): {"reason": ""},
    ("POST", "/api/v1/routes/number/reload"): {"force": False, "reason": ""},
    ("PUT", "/api/v1/routes/number/shadow"): {"rate": 0.1, "daily_cost_cap_usd": 1.0,
                                              "tolerance": 0.1, "versions": ["n2"], "reason": ""},
    ("DELETE", "/api/v1/routes/number/shadow"): {"reason": ""},
    ("PUT", "/api/v1/routes/number/challenger"): {"challenger": "n2", "testing": True,
                                                  "weight": 0.1, "sticky": False,
                                                  "deadline": "1s", "force": False, "reason": ""},
    ("DELETE", "/api/v1/routes/number/challenger"): {"reason": ""},
    ("POST", "/api/v1/routes/number/rollouts"): {
        "candidate": "n2", "rule": "sequential", "unit": "request", "steps": [{"share_pct": 5}],
        "guards": [{"metric": "error_rate"}], "windows": [], "on_deadline": "hold",
        "promote_at_end": False, "force": False, "reason": ""},
}


@pytest.mark.parametrize("method, path", sorted(BODIES))
def test_changes_with_wrong_types(two, method, path):
    """What cannot be read is not half carried out."""
    whole, before = BODIES[method, path], state(two)
    with two.line() as line:
        for field in (*whole, "unknown_field"):
            right = whole.get(field)
            for value in WRONG_TYPES:
                if type(value) is type(right) or (isinstance(right, (int, float))
                                                  and not isinstance(right, bool)
                                                  and isinstance(value, (int, float))
                                                  and not isinstance(value, bool)
                                                  and 0 <= value <= 100):
                    continue
                documented(send(line, method, path, {**whole, field: value}))
    assert state(two) == before


def test_odd_names_in_paths(two):
    """A name in a path is a name: it reaches no file, and no other path."""
    before = state(two)
    paths = ["/api/v1/versions/{}", "/api/v1/versions/{}/diff?to={}", "/api/v1/routes/{}",
             "/api/v1/routes/{}/as-of", "/api/v1/routes/{}/explain?key={}",
             "/api/v1/metrics/versions/{}", "/api/v1/audit?route={}&cursor={}",
             "/api/v1/versions?route={}&name={}&cursor={}", "/internal/models/active?type={}"]
    with two.line() as line:
        for path, text in itertools.product(paths, ODD):
            if len(text) > 1000:
                text = text[:1000]
            answer = line.request("GET", path.replace("{}", urllib.parse.quote(text, safe="")))
            assert answer.status < 500, (path, text, answer)
            if answer.status >= 400:
                documented(answer)
            else:  # A filter that finds nothing, or the list itself where the name was empty.
                assert "items" in answer.json or text in ("", ".", "..", "?", "#"), (path, text, answer)
        for text in ODD:
            for verb in ("activate", "promote", "retire", "retry"):
                name = urllib.parse.quote(text[:1000], safe="")
                documented(send(line, "POST", f"/api/v1/versions/{name}/{verb}", {}))
    assert state(two) == before


@pytest.mark.parametrize("uri", [
    "file:../../../../etc/passwd", "file:%2e%2e/%2e%2e/etc/passwd", "file:..%2f..%2fetc%2fpasswd",
    "file:///etc/passwd", "file:/etc/passwd", "file://host/etc/passwd", "file:a/../../../../etc/passwd",
    "file:\\..\\..\\etc\\passwd", "file:a%00.onnx", "file:", "http://127.0.0.1:9/x", "FILE:/etc/passwd",
    "file:./.././../podium.db", "file:%2E%2E%2Fpodium.db", "data:,x", "file:..;/..;/etc/passwd",
])
def test_artifacts_come_from_where_they_may(two, uri):
    """A path that leaves the folder, however it is spelt, would load, or tell of, any file there is."""
    answer = two.post("/api/v1/versions", {"route": "number", "version": "9", "model_id": "odd",
                                           "artifact_uri": uri})
    if answer.status == 201:
        # A plain name that is not there: it must never become ready, and never have been read.
        assert answer.json["artifact_sha256"] is None, answer
        row = two.get("/api/v1/versions/odd").json
        assert row["load_state"] != "ready", row
        refusal = two.post("/api/v1/versions/odd/activate")
        assert refusal.status == 422, refusal
        assert "root:" not in refusal.text
    else:
        documented(answer)


def test_long_texts_have_a_limit(two):
    """INV-16: at the limit it is kept to the last character, one past it refused whole."""
    def tagged(length):
        body = {"route": "long", "version": str(length), "provider_key": "openai",
                "upstream_model": "m", "tags": {"description": "d" * length}}
        return two.post("/api/v1/versions", body)
    assert tagged(1024).json["tags"]["description"] == "d" * 1024
    documented(tagged(1025))
    documented(tagged(5000))
    assert [row["version"] for row in two.get("/api/v1/versions?route=long").json["items"]] == ["1024"]
    assert two.post("/api/v1/versions/n2/activate", {"reason": "r" * 1024}).status == 200
    documented(two.post("/api/v1/versions/n1/activate", {"reason": "r" * 1025}))


def test_signatures_of_another_shape(two):
    """What is no signature is nothing that could be compared: it is said, and holds up nobody else."""
    for number, signature in enumerate(({"inputs": "x"}, {"a": {}}, {"inputs": [{"name": 7}]},
                                        {"inputs": [{"name": "x", "shape": ["'"]}]})):
        body = {"route": "number", "version": f"s{number}", "provider_key": "openai",
                "upstream_model": "m", "model_id": f"s{number}", "signature": signature}
        answer = two.post("/api/v1/versions", body)
        assert answer.status in (201, 400), answer
        if answer.status == 201:
            diff = two.get(f"/api/v1/versions/n1/diff?to=s{number}")
            assert diff.status == 200 and diff.json["signature"]["fit"] == "unknown", diff
