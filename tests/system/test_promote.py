"""Promote and roll back: the rules, both pairs of paths, the race, and traffic that goes on."""

import threading

import pytest

from conftest import MODELS, committed, done, make_two, metric, refused, registry_file, scrape, wait_until

ONE = MODELS / "constant_one.onnx"
TWO = MODELS / "constant_two.onnx"
CORRUPT = MODELS / "corrupt.onnx"

# The paths of the original request and their twins: one rule, two doors.
PROMOTE = {"api": "/api/v1/versions/{}/promote", "admin": "/admin/ai-quality/models/{}/promote"}
ROLLBACK = {"api": "/api/v1/routes/{}/rollback", "admin": "/admin/ai-quality/models/{}/rollback"}

twins = pytest.mark.parametrize("door", ["api", "admin"])


@pytest.fixture
def two(server, register):
    """Route `number`: n1 is the primary and answers 1, n2 is a shadow and answers 2."""
    return make_two(server, register, status="shadow")


def promote(server, model_id, door="api", **kw):
    return server.post(PROMOTE[door].format(model_id), **kw)


def rollback(server, door="api", route="number", **kw):
    return server.post(ROLLBACK[door].format(route), **kw)


def set_share(server, model_id, percent):
    answer = server.put("/api/v1/routes/number/canary",
                        {"model_id": model_id, "traffic_pct": percent})
    assert answer.status == 200, answer


def rows(server, *fields):
    fields = fields or ("status", "traffic_pct")
    listed = done(server.get("/api/v1/versions?limit=500"))["items"]
    return {row["model_id"]: tuple(row[field] for field in fields) for row in listed}


def statuses(server):
    return {model_id: status for model_id, (status,) in rows(server, "status").items()}


def answered(server):
    answer = server.predict("number", [[0]])
    assert answer.status == 200, answer
    return answer.json["predictions"][0]


def audit(server, limit=500):
    return done(server.get(f"/api/v1/audit?limit={limit}"))["items"]


# ---- The rules of promote.

@twins
@pytest.mark.parametrize("role", ["shadow", "canary"])
def test_promote_swaps_the_primary_and_keeps_it_as_shadow(two, door, role):
    """C1: the old primary stays at hand, or a rollback would have to find it first."""
    if role == "canary":
        set_share(two, "n2", 25)
    answer = done(promote(two, "n2", door, body={"reason": "better on all counts"}))
    assert (answer["model_id"], answer["status"], answer["traffic_pct"]) == ("n2", "primary", 0)
    change = answer["change"]
    assert (change["kind"], change["from"], change["to"]) == ("promote", "n1", "n2")
    assert change["traffic_pct_before"] == (25 if role == "canary" else 0)
    assert change["reason"] == "better on all counts" and change["undoes"] is None
    replica = done(two.get("/api/v1/status"))["replica"]
    assert answer["replicas"] == [{"id": replica, "applied": True}]
    assert rows(two) == {"n1": ("shadow", 0), "n2": ("primary", 0)}
    assert answered(two) == 2
    assert audit(two)[0]["revision"] == change["revision"]


@twins
def test_what_cannot_be_promoted(two, register, door):
    """C1: each refusal says why, and which verb would be the right one."""
    register(two, "number", ONE, "3", model_id="standby")
    register(two, "number", ONE, "4", model_id="retired")
    assert two.post("/api/v1/versions/retired/retire").status == 200
    before, trail = rows(two), audit(two)
    refused(promote(two, "nobody", door), 404, "nobody")
    refused(promote(two, "n1", door), 400, "n1", "primary")
    refused(promote(two, "standby", door), 400, "standby", "activate")
    refused(promote(two, "retired", door), 400, "retired")
    refused(promote(two, "n2", door, body={"why": "x"}), 400, "why", "reason")
    assert (rows(two), audit(two)) == (before, trail)


@twins
def test_a_third_version_waits_while_a_canary_has_traffic(two, register, door):
    """C1: promoting past a running trial would silently throw its result away."""
    register(two, "number", ONE, "3", model_id="n3")
    set_share(two, "n3", 5)
    refused(promote(two, "n2", door), 409, "n3", "5", "canary")
    set_share(two, "n3", 0)
    assert done(promote(two, "n2", door))["status"] == "primary"


@twins
@pytest.mark.parametrize("bad", ["corrupt", "not_a_model", "fails_on_zeros"])
def test_a_version_that_does_not_load_is_not_promoted(two, register, door, bad):
    """INV-7: commit first and load later would replace a working model by a broken one."""
    register(two, "number", MODELS / f"{bad}.onnx", "3", model_id="n3", wait=False,
             status="shadow")
    before, trail = rows(two), audit(two)
    refused(promote(two, "n3", door), 422, "n3", "load")
    refused(two.put("/api/v1/routes/number/canary", {"model_id": "n3", "traffic_pct": 5}), 422,
            "n3", "load")
    refused(two.post("/api/v1/versions/n3/activate"), 422, "n3", "load")
    assert (rows(two), audit(two)) == (before, trail)
    assert answered(two) == 1
    row = done(two.get("/api/v1/versions/n3"))
    assert row["load_state"] == "failed" and row["load_error"], row


def test_the_original_list_says_what_can_be_done(two, register):
    """C1: the page that uses this list shows its buttons by can_promote and can_rollback."""
    register(two, "other", ONE, "1", model_id="o1")
    done(promote(two, "n2"))
    items = done(two.get("/admin/ai-quality/models?feature=number"))["items"]
    assert {item["feature"] for item in items} == {"number"}
    assert set(items[0]) == {"id", "feature", "provider_key", "version", "status", "traffic_pct",
                             "updated_at", "can_promote", "can_rollback"}
    shown = {i["id"]: (i["status"], i["can_promote"], i["can_rollback"]) for i in items}
    assert shown == {"n1": ("shadow", True, False), "n2": ("primary", False, True)}
    everything = done(two.get("/admin/ai-quality/models"))["items"]
    assert {item["id"] for item in everything} == {"n1", "n2", "o1"}
    done(rollback(two))
    items = done(two.get("/admin/ai-quality/models?feature=number"))["items"]
    assert {i["id"]: i["can_rollback"] for i in items} == {"n1": False, "n2": False}


# ---- The rules of rollback.

@twins
def test_a_canary_with_a_share_is_what_a_rollback_stops(two, door):
    """C2: during a trial the trial is the trouble; the primary must not change."""
    set_share(two, "n2", 100)
    assert answered(two) == 2
    answer = done(rollback(two, door, body={"reason": "errors"}))
    assert (answer["model_id"], answer["status"], answer["traffic_pct"]) == ("n2", "canary", 0)
    change = answer["change"]
    assert (change["kind"], change["traffic_pct_before"], change["traffic_pct_after"]) == \
        ("rollback", 100, 0)
    assert change["reason"] == "errors"
    assert rows(two) == {"n1": ("primary", 0), "n2": ("canary", 0)}
    assert answered(two) == 1
    # It was no promotion: there is nothing further to undo.
    refused(rollback(two, door), 409, "number", "roll back")


@twins
def test_rollbacks_walk_back_one_promotion_each(two, register, door):
    """C2: at night one asks for "the one before" twice, and must not get the newest again."""
    register(two, "number", ONE, "3", model_id="n3", status="shadow")
    second = done(promote(two, "n2"))["change"]
    third = done(promote(two, "n3"))["change"]
    answer = done(rollback(two, door))
    assert (answer["model_id"], answer["status"]) == ("n2", "primary")
    assert (answer["change"]["kind"], answer["change"]["undoes"]) == ("rollback", third["revision"])
    assert statuses(two) == {"n1": "shadow", "n2": "primary", "n3": "shadow"}
    answer = done(rollback(two, door))
    assert (answer["model_id"], answer["change"]["undoes"]) == ("n1", second["revision"])
    assert statuses(two) == {"n1": "primary", "n2": "shadow", "n3": "shadow"}
    refused(rollback(two, door), 409, "number", "roll back")
    assert answered(two) == 1
    # A rollback is a row of its own and never "the latest promotion".
    kinds = [row["kind"] for row in audit(two)]
    assert kinds[:4] == ["rollback", "rollback", "promote", "promote"]
    # A promotion after a rollback is undone to where it came from.
    done(promote(two, "n3"))
    assert done(rollback(two, door))["model_id"] == "n1"


@twins
def test_a_rollback_survives_a_restart(two, door):
    """The way back must not live in the memory of the process that went forward."""
    done(promote(two, "n2"))
    two.restart()
    wait_until(lambda: two.predict("number", [[0]]).status == 200, what="the primary to be loaded")
    assert done(rollback(two, door))["model_id"] == "n1"
    assert answered(two) == 1


@twins
@pytest.mark.parametrize("gone", ["retired", "deleted"])
def test_a_rollback_to_what_is_gone_says_so(two, door, gone):
    """C2: rolling back to some older version instead would surprise everybody."""
    done(promote(two, "n2"))
    if gone == "retired":
        assert two.post("/api/v1/versions/n1/retire").status == 200
    else:
        assert two.delete("/api/v1/versions/n1").status == 200
    refused(rollback(two, door), 409, "n1", gone)
    assert answered(two) == 2


@twins
def test_a_rollback_without_a_promotion(two, door):
    """C2: 409 with the reason; and an unknown route is 404, not "nothing to do"."""
    trail = audit(two)
    refused(rollback(two, door), 409, "number", "roll back")
    refused(rollback(two, door, route="nothing"), 404, "nothing")
    assert audit(two) == trail


def test_a_rollback_loads_its_target_first(two):
    """INV-7 for the way back: a target that is broken by now must not become the primary."""
    done(promote(two, "n2"))
    database = registry_file(two)
    database.execute("BEGIN IMMEDIATE")
    (revision,) = database.execute("SELECT revision + 1 FROM registry_revision").fetchone()
    database.execute("UPDATE model_registry SET artifact_uri = 'file:gone.onnx', "
                     "artifact_sha256 = '', revision = ? WHERE model_id = 'n1'", (revision,))
    database.execute("UPDATE registry_revision SET revision = ?", (revision,))
    database.execute("COMMIT")
    database.close()
    wait_until(lambda: done(two.get("/api/v1/versions/n1"))["load_error"], what="the failed load")
    refused(rollback(two), 422, "n1", "load")
    assert answered(two) == 2


# ---- The race.

def test_of_fifty_promotes_one_wins(server, register):
    """C3: with one of fifty lost updates two people would each believe in another primary."""
    count = 50
    register(server, "number", ONE, "0", model_id="n0", activate=True)
    for number in range(count):
        register(server, "number", TWO, f"c{number}", model_id=f"c{number}", status="shadow")
    trail = len(audit(server))
    holder = registry_file(server)
    holder.execute("BEGIN IMMEDIATE")
    answers = [None] * count

    def promote_one(number):
        answers[number] = promote(server, f"c{number}", timeout=120)

    threads = [threading.Thread(target=promote_one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        # Each has seen the old primary and waits for the lock that we hold.
        wait_until(lambda: metric(scrape(server), "podium_admin_pending", verb="promote") == count,
                   what="fifty pending promotes")
        assert answered(server) == 1  # Meanwhile the traffic goes on.
    finally:
        holder.execute("COMMIT")
        holder.close()
        for thread in threads:
            thread.join()
    winners = [answer for answer in answers if answer.status == 200]
    assert len(winners) == 1, answers
    winner = winners[0].json["model_id"]
    for answer in answers:
        if answer is not winners[0]:
            refused(answer, 409, "number", winner, "changed")
    fresh = audit(server)[:-trail]
    assert [(row["kind"], row["from"], row["to"]) for row in fresh] == [("promote", "n0", winner)]
    found = statuses(server)
    assert [i for i, status in found.items() if status == "primary"] == [winner]
    assert found["n0"] == "shadow"
    assert metric(scrape(server), "podium_admin_pending", verb="promote") == 0
    assert done(server.get("/internal/models/active?type=number"))["active_version"] == winner


def held_rollbacks(server, count, meanwhile=()):
    """Answers of `count` rollbacks that were all admitted before `meanwhile` and any commit."""
    holder = registry_file(server)
    holder.execute("BEGIN IMMEDIATE")
    answers = [None] * count

    def roll_back_one(number):
        answers[number] = rollback(server, timeout=120)

    threads = [threading.Thread(target=roll_back_one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: metric(scrape(server), "podium_admin_pending", verb="other") == count,
                   what="pending rollbacks")
        for statement in meanwhile:
            holder.execute(statement)
    finally:
        holder.execute("COMMIT")
        holder.close()
        for thread in threads:
            thread.join()
    return answers


def test_of_two_rollbacks_at_once_one_is_done(two, register):
    """C3: two people who see the same trouble mean one step back, not two."""
    register(two, "number", ONE, "3", model_id="n3", status="shadow")
    done(promote(two, "n2"))
    done(promote(two, "n3"))
    answers = held_rollbacks(two, 2)
    assert sorted(answer.status for answer in answers) == [200, 409], answers
    late = next(answer for answer in answers if answer.status == 409)
    refused(late, 409, "number", "changed", "n2", "look again")
    assert statuses(two) == {"n1": "shadow", "n2": "primary", "n3": "shadow"}
    # Asked again, knowing what is: that is another step back.
    assert done(rollback(two))["model_id"] == "n1"


def test_two_who_stop_one_canary_undo_no_promotion(two, register):
    """INV-7, C3: the second finds the canary stopped; the promotion before is not its affair."""
    register(two, "number", ONE, "3", model_id="n3", status="shadow")
    done(promote(two, "n2"))
    set_share(two, "n3", 25)
    answers = held_rollbacks(two, 2)
    assert sorted(answer.status for answer in answers) == [200, 409], answers
    late = next(answer for answer in answers if answer.status == 409)
    refused(late, 409, "canary n3", "lost its share", "look again")
    assert rows(two) == {"n1": ("shadow", 0), "n2": ("primary", 0), "n3": ("canary", 0)}
    assert answered(two) == 2


def test_a_canary_that_begins_meanwhile_is_not_what_was_to_be_undone(two, register):
    """C3: who asked to undo a promotion must not stop a trial that began since."""
    register(two, "number", ONE, "3", model_id="n3", status="shadow")
    done(promote(two, "n2"))
    set_share(two, "n3", 0)
    answers = held_rollbacks(two, 1, [
        "UPDATE model_registry SET traffic_bp = 100, revision = (SELECT revision + 1 "
        "FROM registry_revision) WHERE model_id = 'n3'",
        "UPDATE registry_revision SET revision = revision + 1"])
    refused(answers[0], 409, "n3", "became the canary", "look again")
    assert rows(two)["n3"] == ("canary", 1)
    assert statuses(two)["n2"] == "primary"


def test_another_process_on_the_same_registry_follows(two, make_server):
    """A change made beside this process must reach it within the poll, not at its next restart."""
    other = make_server(data=two.data)
    other.wait_ready("n2")
    committed(promote(other, "n2"))
    wait_until(lambda: answered(two) == 2, what="the promotion made elsewhere")
    committed(rollback(two))
    wait_until(lambda: answered(other) == 1, what="the rollback made elsewhere")


# ---- Traffic that goes on.

def test_two_hundred_switches_fail_no_request(two):
    """F1, C6: switching versions is of use only if callers never notice the moment of it."""
    ended, problems, counts = threading.Event(), [], []

    def call():
        count = 0
        with two.line() as line:
            while not ended.is_set():
                answer = line.predict("number", [[0]])
                # The model's own number proves that label and answer come from the same version.
                good = answer.status == 200 and \
                    answer.json["predictions"] == [int(answer.json["version"])]
                if not good:
                    problems.append(answer)
                    return
                count += 1
        counts.append(count)

    callers = [threading.Thread(target=call) for _ in range(3)]
    for caller in callers:
        caller.start()
    try:
        with two.line() as line:
            for _ in range(100):
                for path, number in ((PROMOTE["api"].format("n2"), 2),
                                     (ROLLBACK["api"].format("number"), 1)):
                    answer = line.request("POST", path, {})
                    assert answer.status == 200, answer
                    # C6: once it is answered no request sees the old version.
                    assert line.predict("number", [[0]]).json["predictions"] == [number]
                    assert not problems
    finally:
        ended.set()
        for caller in callers:
            caller.join()
    assert not problems
    assert len(counts) == 3 and min(counts) > 0
    assert statuses(two) == {"n1": "primary", "n2": "shadow"}
