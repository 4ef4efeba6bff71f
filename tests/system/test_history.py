"""What was live when, who did it, and what may be put in front of callers: asked of the real server."""

import time

import pytest

from conftest import MODELS, done, make_two, refused

ONE = MODELS / "constant_one.onnx"
OTHER = MODELS / "multi_input.onnx"
AS_ALICE = {"X-Podium-Actor": "alice"}


@pytest.fixture
def two(server, register):
    return make_two(server, register)


# ---- The signature gate.

@pytest.fixture
def unlike(two, register):
    """`other` takes other inputs than the primary, which only its loaded model says."""
    register(two, "number", OTHER, "3", model_id="other")
    return two


def test_a_model_that_takes_other_inputs_is_refused(unlike):
    """It would fail every call of those who serve themselves by the primary's signature."""
    before = done(unlike.get("/api/v1/routes/number"))["revision"]
    canary = {"model_id": "other", "traffic_pct": 5}
    for answer in (unlike.put("/api/v1/routes/number/canary", canary),
                   unlike.post("/api/v1/versions/other/activate"),
                   unlike.put("/api/v1/routes/number/arms",
                              {"arms": [{"model_id": "other", "weight": 0.1}]})):
        refused(answer, 409, "other does not fit the callers of route number", "primary is n1")
    refused(unlike.put("/api/v1/routes/number/canary", {**canary, "force": True}), 409,
            "needs a named person", "--as")
    refused(unlike.put("/api/v1/routes/number/canary", {**canary, "force": "yes"}), 400, "force")
    refused(unlike.put("/api/v1/routes/number/canary", {**canary, "force": True},
                       headers={"X-Podium-Actor": "a b\tc"}), 400, "X-Podium-Actor")
    assert done(unlike.get("/api/v1/routes/number"))["revision"] == before


def test_a_named_person_forces_it_and_stands_in_the_trail(unlike):
    """Who overrules a guard must be found when it goes wrong."""
    body = {"model_id": "other", "traffic_pct": 5, "force": True, "reason": "new client is out"}
    forced = done(unlike.put("/api/v1/routes/number/canary", body, headers=AS_ALICE))
    check, = forced["signature_checks"]
    assert check["fit"] == "incompatible" and check["forced"] and check["primary"] == "n1"
    assert check["differences"]
    newest = done(unlike.get("/api/v1/audit?limit=1"))["items"][0]
    assert newest["actor"] == "local:alice" and newest["reason"] == "new client is out"
    refused(unlike.post("/api/v1/versions/other/promote"), 409, "does not fit")
    done(unlike.post("/api/v1/versions/other/promote", {"force": True}, headers=AS_ALICE))
    done(unlike.post("/api/v1/routes/number/rollback"))  # Never asked.


def test_what_fits_is_said_to_fit(two):
    answer = done(two.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": 5}))
    assert [check["fit"] for check in answer["signature_checks"]] == ["compatible"]


def test_the_command_line_forces_only_in_somebodys_name(unlike, podium):
    refusal = podium("canary", "number", "other", "5", "--force", server=unlike)
    assert refusal.code != 0 and "--as" in refusal.err, refusal.err
    forced = podium("canary", "number", "other", "5", "--force", "--as", "alice", server=unlike)
    assert forced.code == 0 and "was forced past" in forced.err, forced.err
    assert podium("rollback", "number", server=unlike).code == 0


# ---- What changes from one version to another.

def test_the_diff_of_two_versions(two, register, podium):
    register(two, "number", ONE, "4", model_id="n4", parent_id="n1", metrics={"auc": 0.75},
             tags={"team": "lab"}, source_run="run-7")
    diff = done(two.get("/api/v1/versions/n1/diff?to=n4"))
    assert diff["artifact"]["same"] is True
    assert diff["signature"]["fit"] == "compatible"
    assert {"name": "version", "from": "1", "to": "4"} in diff["fields"]
    assert diff["metrics"] == [{"name": "auc", "from": None, "to": 0.75, "difference": None,
                                "ratio": None}]
    assert diff["tags"] == [{"name": "team", "from": None, "to": "lab"}]
    assert diff["lineage"]["relation"] == "made from it"
    assert done(two.get("/api/v1/versions/n1/diff?to=n2"))["artifact"]["same"] is False
    refused(two.get("/api/v1/versions/n1/diff"), 400, "to is required")
    refused(two.get("/api/v1/versions/n1/diff?to=nobody"), 404, "nobody")
    refused(two.get("/api/v1/versions/n1/diff?from=n2"), 400, "from")
    shown = podium("version", "diff", "number@1", "number@4", server=two)
    assert shown.code == 0 and "artifact: the same bytes" in shown.out, shown
    assert podium("version", "diff", "n1", "n4", "-o", "json", server=two).json == diff
    lineage = podium("version", "show", "number@4", server=two)
    assert "parent_id        n1" in lineage.out and "source_run       run-7" in lineage.out


# ---- How it once stood.

def moment(server):
    """A time between what was changed and what will be: the newest change's own."""
    return done(server.get("/api/v1/audit?limit=1"))["items"][0]["at"]


def test_a_past_moment_comes_back(two, podium):
    """Since 2019 people ask of a registry what was live last Tuesday, and who did that."""
    begun = moment(two)
    done(two.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": 5},
                 headers={**AS_ALICE, "X-Podium-Origin": "notebook"}))
    with_canary = moment(two)
    active = done(two.get("/internal/models/active?type=number"))
    done(two.post("/api/v1/versions/n2/promote", {"reason": "it is better"}))
    done(two.delete("/api/v1/versions/n1"))

    then = done(two.get(f"/api/v1/routes/number/as-of?at={with_canary}"))
    assert then["primary"]["model_id"] == "n1" and then["primary"]["deleted_since"] is True
    assert then["canary"]["model_id"] == "n2" and then["traffic_pct"] == 5
    assert then["canary_salt"] == active["salt"]
    by = then["canary"]["by"]
    assert (by["actor"], by["origin"], by["at"]) == ("local:alice", "notebook", with_canary)
    assert done(two.get(f"/api/v1/routes/number/as-of?at={begun}"))["canary"] is None
    now = done(two.get("/api/v1/routes/number/as-of"))
    assert now["primary"]["model_id"] == "n2" and now["primary"]["by"]["reason"] == "it is better"
    assert now["newest_change"]["kind"] == "delete"

    shown = podium("audit", "list", "--as-of", with_canary, "--route", "number", server=two)
    assert shown.code == 0 and "local:alice (notebook)" in shown.out, shown
    answer = podium("audit", "list", "--as-of", with_canary, "--route", "number", "-o", "json",
                    server=two)
    assert answer.json == then
    refused(two.get("/api/v1/routes/number/as-of?at=yesterday"), 400, "2026-03-09T14:31:07Z")
    refused(two.get("/api/v1/routes/number/as-of?at=2001-01-01T00:00:00Z"), 404, "did not exist")
    refused(two.get("/api/v1/routes/nowhere/as-of"), 404, "nowhere")
    assert podium("audit", "--as-of", "2001-01-01", server=two).code == 2


def test_a_decision_is_replayed_from_beyond_what_is_kept(two):
    """Of 1,000 generations the rows are kept; of those before, the trail says what they were."""
    done(two.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": 50}))
    at = moment(two)
    first = done(two.get("/api/v1/routes/number/explain?key=alice"))
    generation = first["generation"]
    with two.line() as line:
        for step in range(1002):
            body = {"model_id": "n2", "traffic_pct": 10 + step % 7}
            done(line.request("PUT", "/api/v1/routes/number/canary", body))
    for query in (f"generation={generation}", f"at={at}"):
        again = done(two.get(f"/api/v1/routes/number/explain?key=alice&{query}"))
        for field in ("assigned", "salt", "fine_bucket", "traffic_pct", "generation", "reason"):
            assert again[field] == first[field], (field, again)


# ---- Lost updates, and requests sent twice.

def test_a_lost_update_says_what_is_there_now_and_whose_it_is(two):
    """Whoever loses must decide again: they need what they decide on."""
    stale = {"If-Match": two.get("/api/v1/versions/n2").headers["etag"]}
    route_stale = {"If-Match": two.get("/api/v1/routes/number").headers["etag"]}
    body = {"model_id": "n2", "traffic_pct": 5, "reason": "first"}
    won = done(two.put("/api/v1/routes/number/canary", body, headers=AS_ALICE))
    lost = two.post("/api/v1/versions/n2/retire", headers=stale)
    refused(lost, 412, "n2")
    assert lost.json["current"]["status"] == "canary"
    assert lost.json["changed_by"]["actor"] == "local:alice"
    assert lost.json["changed_by"]["reason"] == "first"
    assert lost.headers["etag"] == f"\"{won['revision']}\""
    refused(two.post("/api/v1/versions/n2/retry", headers=stale), 412, "n2")
    lost = two.delete("/api/v1/routes/number/canary", headers=route_stale)
    refused(lost, 412, "number")
    assert lost.json["current"]["canary"]["model_id"] == "n2"
    assert lost.json["changed_by"]["actor"] == "local:alice"
    # With the tag that the refusal brought, it goes through.
    done(two.delete("/api/v1/routes/number/canary", headers={"If-Match": lost.headers["etag"]}))
    lost = two.post("/admin/ai-quality/models/number/rollback", headers=route_stale)
    refused(lost, 412, "number")
    assert lost.json["current"]["route"] == "number"


def test_a_registration_that_is_sent_twice_happens_once(server, register):
    """A caller whose connection broke cannot know; it must be able to ask again."""
    body = {"route": "r", "version": "1", "provider_key": "openai", "upstream_model": "gpt"}
    key = {"Idempotency-Key": "7d5e"}
    first = server.post("/api/v1/versions", body, headers=key)
    again = server.post("/api/v1/versions", body, headers=key)
    assert first.status == again.status == 201, again
    assert again.json["model_id"] == first.json["model_id"]
    assert again.json["change"] == first.json["change"]
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert len(done(server.get("/api/v1/versions"))["items"]) == 1
    refused(server.post("/api/v1/versions", {**body, "version": "2"}, headers=key), 422,
            "Idempotency-Key", "another request")
    refused(server.post("/api/v1/versions", body), 409)
    # Keys are a caller's own; and the table outlives the process.
    done_as = server.post("/api/v1/versions", {**body, "version": "2"}, headers={**key, **AS_ALICE})
    assert done_as.status == 201, done_as
    server.stop()
    server.start()
    assert server.post("/api/v1/versions", body, headers=key).json["model_id"] == \
        first.json["model_id"]
    for bad in ("", "k" * 257):
        refused(server.post("/api/v1/versions", body, headers={"Idempotency-Key": bad}), 400,
                "Idempotency-Key")
