"""The registry over HTTP: what its rows are, which changes it takes, and what it refuses."""

import re
import sqlite3
import threading

import pytest

from conftest import (MODELS, done, make_two, refused, registry_file, upload, wait_until,
                      write_rows)

ONE = MODELS / "constant_one.onnx"
TWO = MODELS / "constant_two.onnx"


@pytest.fixture
def two(server, register):
    """Route `number`: n1 is the primary and answers 1, n2 stands by and answers 2."""
    return make_two(server, register)


def row(server, model_id):
    answer = server.get(f"/api/v1/versions/{model_id}")
    assert answer.status == 200, answer
    return answer.json


def answered(server, route="number"):
    answer = server.predict(route, [[1]])
    assert answer.status == 200, answer
    return answer.json["predictions"][0]


# ---- Register, get, list.

def test_a_registered_version_is_the_row_that_was_sent(server):
    """A field lost on the way would be noticed only when somebody needs it."""
    stored = upload(server, ONE)
    sent = {"model_id": "digits-7", "route": "digits", "name": "nightly", "version": "7",
            "artifact_uri": stored["artifact_uri"], "sha256": stored["sha256"], "format": "onnx",
            "metrics": {"auc": 0.75, "rows": 12}, "tags": {"team": "vision", "why": "größer"},
            "signature": {"columns": ["x"]}, "status": "shadow", "reason": "first try",
            "experiment_id": "e-1", "source_run": "run-9", "load": "eager"}
    answer = server.post("/api/v1/versions", sent)
    assert answer.status == 201, answer
    assert answer.headers["location"] == "/api/v1/versions/digits-7"
    assert answer.json["generation"] >= 1
    shown = row(server, "digits-7")
    expected = {**sent, "artifact_sha256": stored["sha256"], "model_type": "digits",
                "active": False, "traffic_pct": 0, "provider_key": "local", "parent_id": None}
    for gone in ("sha256", "reason"):
        del expected[gone]
    assert {key: shown[key] for key in expected} == expected
    assert {"upstream_model", "stage", "catalogue_id", "load_state", "load_error"} <= set(shown)
    for moment in (shown["created_at"], shown["updated_at"]):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", moment)


def test_what_may_be_left_out_has_a_default(server):
    """The shortest registration that the documentation shows must do."""
    stored = upload(server, ONE)
    answer = server.post("/api/v1/versions", {"route": "number", "version": "1",
                                              "artifact_uri": stored["artifact_uri"]})
    assert answer.status == 201, answer
    made = server.wait_ready(answer.json["model_id"])
    assert (made["name"], made["status"], made["format"], made["load"]) == \
        ("number", "standby", "onnx", "eager")
    assert (made["metrics"], made["tags"], made["signature"]) == ({}, {}, None)
    again = server.post("/api/v1/versions", {"route": "number", "version": "2", "parent_id":
                                             made["model_id"],
                                             "artifact_uri": stored["artifact_uri"]})
    assert again.status == 201 and again.json["model_id"] != made["model_id"], again
    assert again.json["parent_id"] == made["model_id"]


def test_the_first_version_makes_the_route_and_is_not_its_primary(server, register):
    """A version that nobody has chosen must not take traffic by being first."""
    refused(server.get("/api/v1/routes/number"), 404, "number")
    register(server, "number", ONE, "1", model_id="n1")
    route = done(server.get("/api/v1/routes/number"))
    assert (route["primary"], route["canary"], route["policy"]) == (None, None, "fixed")
    refused(server.predict("number", [[1]]), 503, "number", "no primary", "activate")
    refused(server.get("/internal/models/active?type=number"), 404, "number")
    done(server.post("/api/v1/versions/n1/activate"))
    assert answered(server) == 1


@pytest.mark.parametrize("change, where, words", [
    ({"route": None}, "/route", ["\"route\" is required"]),
    ({"route": ""}, "/route", ["\"route\" is required"]),
    ({"route": 7}, "/route", ["\"route\" must be a string"]),
    ({"route": "a b"}, "route", ["route", "letters, digits"]),
    ({"route": "r" * 129}, "route", ["route", "129", "128"]),
    ({"version": None}, "/version", ["\"version\" is required"]),
    ({"version": 1}, "/version", ["\"version\" must be a string"]),
    ({"model_id": "é"}, "model_id", ["model_id"]),
    ({"sha256": "abc"}, "sha256", ["sha256", "64"]),
    ({"sha256": "A" * 64}, "sha256", ["sha256", "lower-case"]),
    ({"metrics": {"auc": "high"}}, "/metrics", ["metrics.auc must be a number"]),
    ({"metrics": [1]}, "/metrics", ["\"metrics\" must be an object"]),
    ({"tags": {"team": 1}}, "/tags", ["tags.team must be a string"]),
    ({"signature": "columns"}, "/signature", ["\"signature\" must be an object"]),
    ({"status": "primary"}, "/status", ["standby", "shadow", "\"primary\""]),
    ({"status": "best"}, "/status", ["\"best\""]),
    ({"load": "sometimes"}, "/load", ["eager", "lazy"]),
    ({"parent_id": "nobody"}, "parent_id", ["nobody"]),
    ({"artefact_uri": "file:x"}, "/artefact_uri", ["unknown field \"artefact_uri\"",
                                                   "artifact_uri"]),
    ({"reason": "a\u0007b"}, "/reason", ["reason", "control character"]),
    ({"reason": "r" * 1025}, "/reason", ["reason", "1025", "1024"]),
])
def test_a_wrong_registration_names_its_field(server, change, where, words):
    """Without the field's name a caller with forty fields is left to guess."""
    body = {"model_id": "n1", "route": "number", "version": "1", "artifact_uri": "file:x", **change}
    refused(server.post("/api/v1/versions", body), 400, *words)
    refused(server.get("/api/v1/versions/n1"), 404, "n1")
    assert done(server.get("/api/v1/versions"))["items"] == []
    assert done(server.get("/api/v1/audit"))["items"] == []


def test_an_id_and_a_placement_exist_once(two):
    """Overwriting a row would change what serves behind everybody's back."""
    stored = upload(two, TWO)
    body = {"route": "other", "version": "9", "artifact_uri": stored["artifact_uri"]}
    refused(two.post("/api/v1/versions", {**body, "model_id": "n1"}), 409, "n1", "number")
    refused(two.post("/api/v1/versions", {**body, "route": "number", "version": "1"}), 409,
            "number", "1", "n1")
    assert answered(two) == 1
    assert [r["model_id"] for r in done(two.get("/api/v1/versions"))["items"]] == ["n1", "n2"]
    refused(two.get("/api/v1/routes/other"), 404)  # A refused registration makes no route.


def test_the_list_filters(two, register):
    """A filter that is ignored shows other people's versions as one's own."""
    register(two, "text", ONE, "1", name="summary", model_id="t1")
    def ids(query):
        return [r["model_id"] for r in done(two.get("/api/v1/versions" + query))["items"]]
    assert ids("") == ["n1", "n2", "t1"]
    assert ids("?route=number") == ["n1", "n2"]
    assert ids("?name=summary") == ["t1"]
    assert ids("?status=primary") == ["n1"]
    assert ids("?route=number&status=standby") == ["n2"]
    assert ids("?route=nothing") == []
    refused(two.get("/api/v1/versions?status=best"), 400, "best", "standby")
    refused(two.get("/api/v1/versions?rout=number"), 400, "rout", "route")


def test_pages_neither_lose_nor_repeat_a_row(server):
    """A list that shifts while it is read makes a clean-up delete the wrong things."""
    for number in range(7):
        body = {"route": "number", "version": str(number), "model_id": f"v{number}",
                "artifact_uri": "file:none.onnx", "load": "lazy"}
        assert server.post("/api/v1/versions", body).status == 201
    first = server.get("/api/v1/versions?route=number&limit=3")
    seen = [r["model_id"] for r in first.json["items"]]
    assert seen == ["v0", "v1", "v2"]
    link = re.fullmatch(r'<(\S+)>; rel="next"', first.headers["link"]).group(1)
    assert "route=number" in link and "limit=3" in link and first.json["next_cursor"] in link
    # What happens in between moves nothing: one row of the first page goes, one comes at the end.
    assert server.delete("/api/v1/versions/v1").status == 200
    body = {"route": "number", "version": "7", "model_id": "v7", "artifact_uri": "file:none.onnx",
            "load": "lazy"}
    assert server.post("/api/v1/versions", body).status == 201
    while link:
        page = server.get(link)
        assert len(page.json["items"]) <= 3, page
        seen += [r["model_id"] for r in page.json["items"]]
        found = re.fullmatch(r'<(\S+)>; rel="next"', page.headers.get("link", ""))
        assert (found is None) == (page.json["next_cursor"] is None)
        link = found and found.group(1)
    assert seen == [f"v{number}" for number in range(8)]


@pytest.mark.parametrize("path", ["/api/v1/versions", "/api/v1/audit", "/api/v1/routes"])
def test_a_page_that_cannot_be_is_refused(two, path):
    """A limit or cursor that is silently replaced ends a walk early and nobody notices."""
    for limit in ("0", "501", "-1", "three", "1e2", "99999999999999999999"):
        refused(two.get(f"{path}?limit={limit}"), 400, "limit", "500", limit)
    assert two.get(f"{path}?limit=500").status == 200
    if path == "/api/v1/routes":
        return  # Its cursor is a name: after any text there may be routes.
    for cursor in ("x", "abc", "76313a", "v1:1:a", "%00", "7031313a3a"):
        answer = two.get(f"{path}?cursor={cursor}")
        refused(answer, 400)
    # The cursor of one list is none of another.
    page = done(two.get("/api/v1/versions?limit=1"))
    refused(two.get(f"/api/v1/audit?cursor={page['next_cursor']}"), 400, "cursor")


# ---- Activate, retire, delete.

def test_activate_makes_one_primary_and_all_others_standby(two, register):
    """Two versions in a role, even for a moment, and callers get answers from both."""
    register(two, "number", ONE, "3", model_id="n3", status="shadow")
    done(two.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": 10}))
    answer = done(two.post("/api/v1/versions/n3/activate", {"reason": "third time lucky"}))
    assert (answer["model_id"], answer["status"], answer["active"]) == ("n3", "primary", True)
    change = answer["change"]
    assert (change["kind"], change["from"], change["to"]) == ("activate", "n1", "n3")
    assert change["reason"] == "third time lucky"
    assert answer["replicas"] and all(r["applied"] for r in answer["replicas"])
    rows = {r["model_id"]: r for r in done(two.get("/api/v1/versions"))["items"]}
    assert {i: r["status"] for i, r in rows.items()} == \
        {"n1": "standby", "n2": "standby", "n3": "primary"}
    assert all(r["traffic_pct"] == 0 for r in rows.values())
    assert answered(two) == 1


def test_a_retired_version_comes_back_to_no_role(two):
    """Retired is the promise that it will not serve again by mistake."""
    refused(two.post("/api/v1/versions/n1/retire"), 409, "n1", "primary")
    assert done(two.post("/api/v1/versions/n2/retire"))["status"] == "retired"
    refused(two.post("/api/v1/versions/n2/activate"), 400, "n2", "retired")
    refused(two.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": 5}), 400,
            "n2", "retired")
    assert [r["model_id"] for r in done(two.get("/api/v1/versions?status=retired"))["items"]] == \
        ["n2"]


def test_what_serves_is_not_deleted(two):
    """One wrong id in a clean-up script would otherwise end the service."""
    refused(two.delete("/api/v1/versions/n1"), 409, "n1", "primary")
    done(two.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": 0.5}))
    refused(two.delete("/api/v1/versions/n2"), 409, "n2", "0.5", "canary")
    refused(two.post("/api/v1/versions/n2/retire"), 409, "n2", "canary")
    done(two.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": 0}))
    done(two.delete("/api/v1/versions/n2"))
    assert answered(two) == 1


def test_a_deleted_id_is_never_used_again(two):
    """An id that comes back under another artifact makes old audit rows lie."""
    answer = done(two.delete("/api/v1/versions/n2", {"reason": "superseded"}))
    assert answer["change"]["kind"] == "delete" and answer["change"]["reason"] == "superseded"
    for again in (two.get("/api/v1/versions/n2"), two.delete("/api/v1/versions/n2"),
                  two.post("/api/v1/versions/n2/activate")):
        refused(again, 404, "n2", "deleted")
    assert [r["model_id"] for r in done(two.get("/api/v1/versions"))["items"]] == ["n1"]
    stored = upload(two, TWO)
    body = {"route": "number", "version": "2", "artifact_uri": stored["artifact_uri"]}
    refused(two.post("/api/v1/versions", {**body, "model_id": "n2"}), 409, "n2", "deleted")
    two.restart()
    refused(two.post("/api/v1/versions", {**body, "model_id": "n2"}), 409, "n2", "deleted")
    # The placement is free again, the id is not.
    assert two.post("/api/v1/versions", {**body, "model_id": "n2-b"}).status == 201


def test_what_is_unknown_is_404(server):
    """A verb on nothing must not look like success."""
    for path in ("activate", "retire", "promote"):
        refused(server.post(f"/api/v1/versions/nobody/{path}"), 404, "nobody")
    refused(server.get("/api/v1/versions/nobody"), 404, "nobody")
    refused(server.delete("/api/v1/versions/nobody"), 404, "nobody")
    refused(server.put("/api/v1/routes/nowhere/canary", {"model_id": "x", "traffic_pct": 1}), 404,
            "nowhere")
    refused(server.delete("/api/v1/routes/nowhere/canary"), 404, "nowhere")
    refused(server.post("/api/v1/routes/nowhere/rollback"), 404, "nowhere")
    refused(server.put("/api/v1/routes/nowhere/arms", {"arms": []}), 404, "nowhere")


# ---- Revisions and generations.

def test_a_change_of_what_has_changed_meanwhile_is_412(two):
    """Without the check the later of two people undoes the earlier one's work unseen."""
    before = two.get("/api/v1/versions/n2")
    tag = before.headers["etag"]
    assert tag == f"\"{before.json['revision']}\""
    done(two.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": 5}))
    stale = {"If-Match": tag}
    for answer in (two.post("/api/v1/versions/n2/promote", headers=stale),
                   two.post("/api/v1/versions/n2/activate", headers=stale),
                   two.post("/api/v1/versions/n2/retire", headers=stale),
                   two.delete("/api/v1/versions/n2", headers=stale)):
        refused(answer, 412, "n2", tag.strip('"'), "re-read")
    assert row(two, "n2")["status"] == "canary"
    route = two.get("/api/v1/routes/number").headers["etag"]
    stale = {"If-Match": "\"1\""}
    refused(two.delete("/api/v1/routes/number/canary", headers=stale), 412, "number")
    refused(two.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": 6},
                    headers=stale), 412, "number")
    done(two.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": 6},
                 headers={"If-Match": route}))
    fresh = two.get("/api/v1/versions/n2").headers["etag"]
    refused(two.post("/api/v1/versions/n2/promote", headers={"If-Match": "latest"}), 400,
            "If-Match", "latest")
    answer = two.post("/api/v1/versions/n2/promote", headers={"If-Match": fresh})
    assert answer.status == 200, answer
    # The answer's own tag is good for the next change.
    done(two.post("/api/v1/versions/n2/activate", headers={"If-Match": answer.headers["etag"]}))


def test_the_generation_grows_with_every_change(two):
    """A caller that routes by itself tells old from new by nothing else."""
    active = "/internal/models/active?type=number"
    generations = [done(two.get(active))["generation"]]
    for answer in (two.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": 5}),
                   two.post("/api/v1/versions/n2/promote"),
                   two.post("/api/v1/routes/number/rollback"),
                   two.post("/api/v1/versions/n2/retire")):
        # The answer comes when every core has the change: what is read now shows it.
        generations.append(done(answer)["generation"])
        assert done(two.get(active))["generation"] >= generations[-1]
    assert generations == sorted(set(generations))
    two.restart()
    assert done(two.get(active))["generation"] >= generations[-1]


def at_once(count, call):
    """The answers of `count` threads that all call at the same moment."""
    start, answers = threading.Barrier(count), [None] * count

    def run(number):
        start.wait()
        answers[number] = call(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_of_many_registrations_of_one_id_one_wins(server):
    """Two pipelines that build the same version must not both believe that theirs is served."""
    def register_one(number):
        return server.post("/api/v1/versions", {"model_id": "n1", "route": f"route-{number}",
                                                "version": "1", "artifact_uri": "file:none.onnx"})
    answers = at_once(16, register_one)
    assert sorted(answer.status for answer in answers) == [201] + [409] * 15
    winner = next(answer.json["route"] for answer in answers if answer.status == 201)
    assert row(server, "n1")["route"] == winner
    # The losers have not left routes behind.
    assert [r["route"] for r in done(server.get("/api/v1/routes"))["items"]] == [winner]


def test_of_many_changes_of_one_revision_one_wins(two):
    """A9: with two winners one of the two shares that were acknowledged was never served."""
    tag = two.get("/api/v1/routes/number").headers["etag"]
    answers = at_once(16, lambda number: two.put(
        "/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": number + 1},
        headers={"If-Match": tag}))
    assert sorted(answer.status for answer in answers) == [200] + [412] * 15
    winner = next(answer.json["traffic_pct"] for answer in answers if answer.status == 200)
    assert row(two, "n2")["traffic_pct"] == winner


def test_whatever_comes_at_once_leaves_one_primary(two, register):
    """INV-1, INV-2: verbs in any order leave one primary, and one audit row and event for each
    change that was acknowledged."""
    register(two, "number", ONE, "3", model_id="n3", status="shadow")
    before = len(done(two.get("/api/v1/audit?limit=500"))["items"])
    verbs = [lambda: two.post("/api/v1/versions/n1/activate"),
             lambda: two.post("/api/v1/versions/n2/activate"),
             lambda: two.post("/api/v1/versions/n3/promote"),
             lambda: two.post("/api/v1/versions/n1/promote"),
             lambda: two.post("/api/v1/routes/number/rollback"),
             lambda: two.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": 50}),
             lambda: two.delete("/api/v1/routes/number/canary")]
    answers = [a for _ in range(4) for a in at_once(28, lambda n: verbs[n % len(verbs)]())]
    assert {answer.status for answer in answers} <= {200, 400, 409}
    kinds = [answer.json["change"]["revision"] for answer in answers
             if answer.status == 200 and answer.json["change"]]
    trail = done(two.get("/api/v1/audit?limit=500"))["items"][:-before]
    assert sorted(kinds) == sorted(r["revision"] for r in trail) and kinds
    statuses = [r["status"] for r in done(two.get("/api/v1/versions"))["items"]]
    assert statuses.count("primary") == 1 and statuses.count("canary") <= 1
    database = registry_file(two)
    events = database.execute("SELECT revision FROM event_outbox ORDER BY revision").fetchall()
    audited = database.execute("SELECT revision FROM model_promotions ORDER BY revision").fetchall()
    database.close()
    assert events == audited
    assert answered(two) in (1, 2)


# ---- The active version (A3).

def test_the_active_version_has_exactly_the_promised_fields(two):
    """Other programs route by this answer: a renamed field stops their traffic."""
    path = "/internal/models/active?type=number"
    answer = done(two.get(path))
    assert set(answer) == {"type", "active_version", "canary_version", "traffic_pct", "updated_at",
                           "active", "canary", "generation", "salt"}
    assert set(answer["active"]) == {"model_id", "name", "version", "artifact_uri"}
    assert (answer["type"], answer["active_version"], answer["canary_version"]) == \
        ("number", "1", None)
    assert (answer["canary"], answer["traffic_pct"]) == (None, 0)
    assert answer["active"]["model_id"] == "n1"
    done(two.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": 0.25}))
    answer = done(two.get(path))
    assert (answer["canary_version"], answer["traffic_pct"]) == ("2", 0.25)
    assert set(answer["canary"]) == {"model_id", "name", "version", "artifact_uri"}
    assert answer["canary"]["model_id"] == "n2"
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", answer["salt"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", answer["updated_at"])


def test_the_active_version_of_nothing(two):
    """404 and 400 are what callers of the original endpoint tell apart."""
    refused(two.get("/internal/models/active?type=nothing"), 404, "nothing")
    refused(two.get("/internal/models/active"), 400, "type")
    refused(two.get("/internal/models/active?type="), 400, "type")
    refused(two.get("/internal/models/active?typ=number"), 400, "type")
    refused(two.get("/internal/models/other?type=number"), 404)
    wrong = two.post("/internal/models/active?type=number")
    refused(wrong, 405, "GET")
    assert "GET" in wrong.headers["allow"]


# ---- The audit trail.

def test_every_change_leaves_one_row_that_says_who_and_why(two):
    """After an incident this table is all there is to go by."""
    before = len(done(two.get("/api/v1/audit"))["items"])
    done(two.put("/api/v1/routes/number/canary",
                 {"model_id": "n2", "traffic_pct": 12.5, "reason": "careful start"},
                 headers={"X-Podium-Origin": "cli", "X-Request-Id": "req-1"}))
    done(two.post("/api/v1/versions/n2/promote", {"reason": "schön"}))
    refused(two.post("/api/v1/versions/n2/promote"), 400)
    rows = done(two.get("/api/v1/audit"))["items"]
    assert len(rows) == before + 2
    promote, ramp = rows[:2]
    assert (ramp["kind"], ramp["to"], ramp["reason"], ramp["origin"], ramp["request_id"]) == \
        ("ramp", "n2", "careful start", "cli", "req-1")
    assert (ramp["traffic_pct_before"], ramp["traffic_pct_after"]) == (0, 12.5)
    assert (promote["kind"], promote["from"], promote["to"], promote["reason"]) == \
        ("promote", "n1", "n2", "schön")
    assert promote["origin"] == "api" and {r["actor"] for r in rows} == {"local"}
    numbers = [r["revision"] for r in rows]
    assert numbers == list(range(numbers[0], numbers[0] - len(rows), -1))  # No gap to hide in.
    assert all(re.fullmatch(r"[0-9a-f]{64}", r["hash"]) for r in rows)
    assert len({r["hash"] for r in rows}) == len(rows)
    assert [r["at"] for r in rows] == sorted((r["at"] for r in rows), reverse=True)
    first = done(two.get("/api/v1/audit?limit=2"))
    rest = done(two.get(f"/api/v1/audit?limit=500&cursor={first['next_cursor']}"))
    assert first["items"] + rest["items"] == rows
    assert {r["route"] for r in done(two.get("/api/v1/audit?route=number"))["items"]} == {"number"}
    assert done(two.get("/api/v1/audit?route=other"))["items"] == []


@pytest.mark.parametrize("sql, words", [
    ("UPDATE model_promotions SET actor = 'nobody'", "append-only"),
    ("DELETE FROM model_promotions", "append-only"),
    ("INSERT OR REPLACE INTO model_promotions SELECT * FROM model_promotions LIMIT 1", ""),
    ("DELETE FROM registry_revision", "always"),
    ("UPDATE registry_revision SET revision = 1", "only grows"),
])
def test_the_trail_cannot_be_edited_by_another_connection(two, sql, words):
    """INV-2: a trail that anybody with the file can rewrite in passing proves nothing."""
    before = done(two.get("/api/v1/audit"))["items"]
    database = registry_file(two)
    with pytest.raises(sqlite3.DatabaseError, match=words):
        database.execute(sql)
    database.close()
    assert done(two.get("/api/v1/audit"))["items"] == before


# ---- Rows that other hands have written.

@pytest.mark.parametrize("role", ["primary", "canary"])
def test_a_second_holder_of_a_role_is_refused_by_the_database(two, register, role):
    """INV-1: whatever writes to the table, one route has one primary and one canary."""
    register(two, "number", ONE, "3", model_id="n3")
    done(two.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": 5}))
    database = registry_file(two)
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        database.execute("UPDATE model_registry SET status = ? WHERE model_id = 'n3'", (role,))
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        database.execute("UPDATE model_registry SET status = 'best' WHERE model_id = 'n3'")
    database.close()
    assert answered(two) in (1, 2)


def faults(server):
    return done(server.get("/api/v1/status"))["faults"]


@pytest.mark.parametrize("sql", [
    "UPDATE model_registry SET metrics = '{', revision = :revision WHERE model_id = 'n1'",
    "UPDATE model_registry SET status = 'best', revision = :revision WHERE model_id = 'n1'",
    "UPDATE model_registry SET tags = '[]', revision = :revision WHERE model_id = 'n1'",
])
def test_an_unreadable_row_is_isolated(two, register, sql):
    """INV-4: one damaged row must not take other routes down, nor go unnoticed."""
    register(two, "other", TWO, "1", model_id="o1", activate=True)
    write_rows(two, sql, before=["PRAGMA ignore_check_constraints = ON"])
    shown = wait_until(lambda: faults(two), what="the fault of the damaged row")
    assert [fault["row"] for fault in shown] == ["n1"]
    assert answered(two, "other") == 2
    assert two.predict("number", [[1]]).status in (200, 503)
    refused(two.get("/api/v1/versions/n1"), 422, "n1", "cannot be read")
    assert "n2" in {r["model_id"] for r in done(two.get("/api/v1/versions"))["items"]}
    done(two.put("/api/v1/routes/other/arms", {"arms": []}))  # Its neighbours can be changed.
    # A start with the damage is no different: that route alone waits for somebody to mend the row.
    two.restart()
    assert [fault["row"] for fault in faults(two)] == ["n1"]
    wait_until(lambda: two.predict("other", [[1]]).status == 200, what="the other route")
    refused(two.predict("number", [[1]]), 503, "number")
    if "status" not in sql:  # The row still holds the role, and nobody can say for which version.
        refused(two.post("/api/v1/versions/n2/activate"), 422, "n1", "cannot be read", "mend")
    write_rows(two, "UPDATE model_registry SET metrics = '{}', tags = '{}', status = 'primary', "
                    "revision = :revision WHERE model_id = 'n1'")
    wait_until(lambda: not faults(two), what="the fault to be gone")
    wait_until(lambda: two.predict("number", [[1]]).status == 200, what="the mended route")
    assert answered(two) == 1


def test_a_fault_is_shown_until_it_is_mended(two, register):
    """INV-4: a fault that vanishes with the next change of something else is never mended."""
    write_rows(two, "UPDATE model_registry SET metrics = '{', revision = :revision "
                    "WHERE model_id = 'n2'")
    wait_until(lambda: faults(two), what="the fault of the damaged row")
    register(two, "other", TWO, "1", model_id="o1", activate=True)
    assert [fault["row"] for fault in faults(two)] == ["n2"]


def test_of_two_primaries_the_oldest_serves(two):
    """INV-4: with the database's own guard gone the answer must still be one, and the same one."""
    write_rows(two, "UPDATE model_registry SET status = 'primary', revision = :revision "
                    "WHERE model_id = 'n2'", before=["DROP INDEX one_primary_per_route"])
    shown = wait_until(lambda: faults(two), what="the fault of the second primary")
    assert [(fault["route"], fault["row"]) for fault in shown] == [("number", "n2")]
    assert "n1" in shown[0]["problem"]
    assert done(two.get("/api/v1/routes/number"))["faults"] == [shown[0]["problem"]]
    assert {answered(two) for _ in range(20)} == {1}
    two.restart()
    wait_until(lambda: two.predict("number", [[1]]).status == 200, what="the primary to be loaded")
    assert {answered(two) for _ in range(20)} == {1}
    # The way out is an ordinary verb.
    done(two.post("/api/v1/versions/n2/activate"))
    assert faults(two) == []
    wait_until(lambda: answered(two) == 2, what="the version that was chosen")


def test_a_change_of_the_table_changes_the_traffic(two):
    """The table is the routing input itself: what another process commits there must be served."""
    done(two.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": 0}))
    assert answered(two) == 1
    write_rows(two, "UPDATE model_registry SET traffic_bp = 10000, revision = :revision "
                    "WHERE model_id = 'n2'")
    wait_until(lambda: answered(two) == 2, what="the share that the table asks for")


# ---- Artifacts.

def test_an_upload_is_named_by_its_bytes(server):
    """A file cut short on the way must not become a model."""
    content = ONE.read_bytes()
    octets = {"Content-Type": "application/octet-stream"}
    stored = upload(server, ONE)
    assert stored["bytes"] == len(content)
    assert stored["artifact_uri"] == f"file:{stored['sha256']}.onnx"
    assert upload(server, ONE) == stored  # Sending it again is no change.
    good = server.request("POST", f"/api/v1/artifacts?sha256={stored['sha256']}", content, octets)
    assert good.status == 201, good
    refused(server.request("POST", f"/api/v1/artifacts?sha256={'0' * 64}", content, octets), 400,
            stored["sha256"], "0" * 64)
    refused(server.request("POST", "/api/v1/artifacts", b"", octets), 400, "empty")
    refused(server.request("POST", "/api/v1/artifacts", content,
                           {"Content-Type": "application/json"}), 415, "application/octet-stream")
    refused(server.request("POST", "/api/v1/artifacts?sha=1", content, octets), 400, "sha")


def test_an_upload_over_the_limit_is_refused(make_server):
    """Without a limit one call fills the disk of the registry."""
    server = make_server(env={"PODIUM_SERVING_MAX_ARTIFACT_BYTES": "1024"})
    octets = {"Content-Type": "application/octet-stream"}
    answer = server.request("POST", "/api/v1/artifacts", b"x" * 1024, octets)
    assert answer.status == 201, answer
    refused(server.request("POST", "/api/v1/artifacts", b"x" * 1025, octets), 413, "1024")
    chunk = b"258\r\n" + b"x" * 600 + b"\r\n"
    chunked = {**octets, "Transfer-Encoding": "chunked"}
    refused(server.request("POST", "/api/v1/artifacts", chunk + chunk + b"0\r\n\r\n", chunked), 413,
            "1024")
