"""Every decision can be replayed: what explain says of then is what was answered then."""

import json

import pytest

from conftest import done, make_two, refused, wait_until, write_rows


@pytest.fixture
def two(server, register):
    """Route `number`: n1 is the primary, n2 stands by."""
    return make_two(server, register)


def explain(line, key, **query):
    text = "&".join(f"{name}={value}" for name, value in query.items())
    return line.request("GET", f"/api/v1/routes/number/explain?key={key}&{text}")


def by_id(server, request_id):
    return server.get(f"/api/v1/explain?request_id={request_id}")


def answers(server, sessions):
    """(session, headers of its answer) over one connection."""
    with server.line() as line:
        for session in sessions:
            answer = line.predict("number", [[0]], {"X-Session-Id": session})
            assert answer.status == 200, answer
            yield session, answer.headers


CHANGES = [
    lambda s: s.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": 20}),
    lambda s: s.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": 60}),
    lambda s: s.post("/api/v1/versions/n2/promote"),
    lambda s: s.post("/api/v1/routes/number/rollback"),
    lambda s: s.put("/api/v1/routes/number/arms",
                    {"arms": [{"model_id": "n2", "weight": 0.3}]}),
]


def test_what_was_answered_is_what_is_replayed(two, podium):
    """1,000 requests over promotes, canaries and arms: each at its generation, then after a restart."""
    seen = list(answers(two, [f"s-0-{n}" for n in range(100)]))
    for round_, change in enumerate(CHANGES, 1):
        done(change(two))
        seen += answers(two, [f"s-{round_}-{n}" for n in range(180)])
    assert len(seen) == 1000
    assert {headers["x-podium-reason"] for _, headers in seen} == {"primary", "canary", "arm"}
    assert len({headers["x-podium-generation"] for _, headers in seen}) == 6

    def check(every):
        with two.line() as line:
            for session, headers in seen[::every]:
                said = done(explain(line, session, generation=headers["x-podium-generation"]))
                assert said["generation"] == int(headers["x-podium-generation"])
                assert said["fine_bucket"] == int(headers["x-podium-bucket"]), (session, said)
                assert said["assigned"]["version"] == headers["x-podium-version"], (session, said)
                assert said["assigned"]["model_id"] == headers["x-podium-model"]
                assert said["reason"] == headers["x-podium-reason"]

    check(1)
    for session, headers in seen[::10]:
        said = done(by_id(two, headers["x-request-id"]))
        assert said["agrees"] is True, said
        assert said["request"]["served"]["version"] == headers["x-podium-version"]
        assert said["request"]["unit"] == {"kind": "session", "value": session}

    # The history is in the file; the requests were in memory, and it says so.
    two.restart()
    two.wait_ready("n1")
    check(10)
    detail = refused(by_id(two, seen[-1][1]["x-request-id"]), 404, "10000", "--key")
    assert "0 kept" in detail
    ended = podium("explain", "--request", seen[-1][1]["x-request-id"], server=two)
    assert ended.code == 5 and "is not among the last 10000 requests" in ended.err, ended.err


def test_what_a_failed_call_was_given(two):
    """A call that was decided and then went wrong is found as well, with its status."""
    answer = two.post("/predict/number", {"rows": [[1, 2]]}, headers={"X-Request-Id": "too-wide"})
    assert answer.status == 400, answer
    said = done(by_id(two, "too-wide"))
    assert said["request"]["status"] == 400
    assert said["request"]["served"]["model_id"] == "n1"
    assert said["agrees"] is True
    answer = two.predict("number", [[1]], headers={"X-Request-Id": "named",
                                                   "X-Podium-Model-Version": "2"})
    assert answer.status == 200, answer
    said = done(by_id(two, "named"))
    assert said["request"]["reason"] == "override" and said["replay"] is None
    assert "named the version" in said["why_no_replay"]


def test_long_ids_are_kept_up_to_a_length(two):
    session, request_id = "s" * 100, "r" * 65
    answer = two.predict("number", [[1]],
                         headers={"X-Session-Id": session, "X-Request-Id": request_id})
    assert answer.status == 200, answer
    said = done(by_id(two, request_id))
    assert said["request"]["unit"]["value"] == "s" * 64 and said["replay"] is None
    assert "64 bytes" in said["why_no_replay"]
    refused(by_id(two, "r" * 66), 404)


def test_errors_say_what_is_kept(two):
    with two.line() as line:
        refused(line.request("GET", "/api/v1/routes/nothing/explain?key=a"), 404, "nothing")
        refused(explain(line, "a", generation=10**6), 422, "still to come", "the table is at 3")
        refused(explain(line, "a", generation=0), 404, "did not exist", "its first is 1")
        refused(explain(line, "a", generation="x"), 400, "generation")
        refused(explain(line, "a", at="yesterday"), 400, "2026-")
        refused(explain(line, "a", at="2001-01-01T00:00:00Z"), 404, "did not exist")
        refused(explain(line, "a", at="2001-01-01T00:00:00Z", generation=1), 400, "not both")
        refused(explain(line, "a", kind="colour"), 400, "kind")
        refused(explain(line, ""), 400, "key")
        refused(explain(line, "a", verbose="1"), 400, "verbose")
        refused(explain(line, "a" * 257), 400)
        refused(line.request("GET", "/api/v1/explain"), 400, "request_id")
        refused(line.request("GET", "/api/v1/explain?request_id=nobody"), 404, "nobody")


def test_only_those_who_may_read_may_ask(make_server):
    server = make_server(token="a-token-for-the-tests")
    for path in ("/api/v1/routes/number/explain?key=a", "/api/v1/explain?request_id=a"):
        assert server.request("GET", path, headers={"Authorization": "Bearer no"}).status == 401
    server.headers.clear()
    for path in ("/api/v1/routes/number/explain?key=a", "/api/v1/explain?request_id=a"):
        assert server.get(path).status in (401, 403)


def test_a_change_by_sql_is_replayed_and_named(two, podium):
    done(two.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": 1}))
    write_rows(two, "UPDATE model_registry SET traffic_bp = 9000, revision = :revision "
                    "WHERE model_id = 'n2'")
    wait_until(lambda: next(answers(two, ["s"]))[1]["x-podium-generation"] == "5",
               what="the change made elsewhere")
    # At 90 %: one of them is on the canary.
    session, headers = next((s, h) for s, h in answers(two, [f"s{n}" for n in range(20)])
                            if h["x-podium-canary"] == "true")
    assert headers["x-podium-generation"] == "5"
    with two.line() as line:
        now = done(explain(line, session, generation=5))
        assert now["reason"] == "canary" and now["changed_by_sql"] is True
        assert done(explain(line, session, generation=4))["traffic_pct"] == 1
    assert "changed by SQL" in podium("explain", "number", "--key", session, server=two).err


def test_a_version_that_is_gone_keeps_its_name(two):
    done(two.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": 100}))
    then = next(answers(two, ["alice"]))[1]
    done(two.delete("/api/v1/routes/number/canary", {}))
    assert two.delete("/api/v1/versions/n2").status == 200
    with two.line() as line:
        said = done(explain(line, "alice", generation=then["x-podium-generation"]))
    assert said["assigned"] == {"model_id": "n2", "version": "2"}
    assert done(by_id(two, then["x-request-id"]))["agrees"] is True


def test_the_command_answers_in_one_sentence_first(two, podium):
    done(two.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": 5}))
    session, headers = next((s, h) for s, h in answers(two, [f"s{n}" for n in range(500)])
                            if h["x-podium-canary"] == "true")
    ended = podium("explain", "number", "--key", session, server=two)
    assert ended.code == 0, ended.err
    bucket = headers["x-podium-bucket"]
    assert ended.out.startswith(
        f'At generation 4, session "{session}" of number gets version 2 (n2), the canary: '
        f"its bucket {bucket} is below 500 (5 %).\n"), ended.out
    assert "<- this one" in ended.out and "down to a share of" in ended.out
    ended = podium("explain", "--request", headers["x-request-id"], server=two)
    assert ended.code == 0 and "says the same" in ended.out, ended
    as_json = podium("explain", "number", "--key", session, "-o", "json", server=two)
    with two.line() as line:
        assert json.loads(as_json.out) == done(explain(line, session))
    assert as_json.json["reason"] == "canary"

    # At the share that it names, another session is canary too.
    other = next(s for s, h in answers(two, [f"t{n}" for n in range(100)])
                 if h["x-podium-canary"] == "false")
    with two.line() as line:
        share = done(explain(line, other))["canary_from_pct"]
        done(two.put("/api/v1/routes/number/canary",
                     {"model_id": "n2", "traffic_pct": round(share - 0.01, 2)}))
        assert next(answers(two, [other]))[1]["x-podium-canary"] == "false"
        done(two.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": share}))
        assert next(answers(two, [other]))[1]["x-podium-canary"] == "true"

    before = podium("explain", "number", "--key", session, "--generation", "3", server=two)
    assert "no other version takes traffic" in before.out, before
    mistyped = podium("explain", "numbr", "--key", "a", server=two)
    assert mistyped.code == 5 and 'did you mean "number"?' in mistyped.err, mistyped.err
    late = podium("explain", "number", "--key", "a", "--generation", "99", server=two)
    assert late.code == 1 and "still to come" in late.err, late.err
