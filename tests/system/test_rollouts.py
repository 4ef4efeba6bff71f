"""Rollouts on the real binary: a candidate is led in by proof, and taken back by itself."""

import contextlib
import http.client
import itertools
import json
import pathlib
import random
import threading

import pytest

from conftest import MODELS, done, make_two, metric, refused, registry_file, scrape, wait_until
from postgres import Postgres

GOOD = MODELS / "slow.onnx"              # Answers x, for x = 3 within milliseconds.
WORSE = MODELS / "fails_above_two.onnx"  # The same inputs and outputs; fails for x = 3.
PERSON = {"X-Podium-Actor": "alice"}
# By errors alone; "good enough" below 20 %, so that a faultless candidate is proven fine soon.
GUARDS = [{"metric": "error_rate", "at_most_pct": 20}]
# Until the lease of a driver that was killed has run out, and a look or two.
TAKEOVER_S = 180
# Half of the requests, nothing goes up by itself.
HOLD = {"unit": "request", "steps": [{"share_pct": 50, "bake": "1h"}], "guards": GUARDS,
        "deadline": "24h"}


@pytest.fixture
def two(server, register):
    """Route `number` with n1 as primary, n2 on standby; both always answer."""
    return make_two(server, register)


def make_pair(server, register, candidate=WORSE):
    """Route `pair` with p1 as primary; p2 stands by."""
    register(server, "pair", GOOD, "1", model_id="p1", activate=True)
    register(server, "pair", candidate, "2", model_id="p2")
    return server


def start(server, route="number", candidate="2", headers=None, **plan):
    answer = server.post(f"/api/v1/routes/{route}/rollouts",
                         {"candidate": candidate, **{**HOLD, **plan}}, headers=headers)
    assert answer.status == 201, answer
    return answer.json


def look(server, rollout):
    return done(server.get(f"/api/v1/rollouts/{rollout['id']}"))


def path(rollout, verb=""):
    return f"/api/v1/routes/{rollout['route']}/rollouts/{rollout['id']}{verb and '/' + verb}"


def move(server, rollout, verb, body=None, **kw):
    return server.post(path(rollout, verb), body or {}, **kw)


def phase(server, rollout):
    return look(server, rollout)["phase"]


@contextlib.contextmanager
def traffic(*servers, route="number", x=1, lanes=2):
    """Requests without pause, to all servers in turn, until the block ends. A server that is away is
    asked again."""
    stop = threading.Event()

    def call(number):
        server = servers[number % len(servers)]
        while not stop.is_set():
            try:
                with server.line() as line:
                    while not stop.is_set():
                        line.predict(route, [[x]])
            except OSError:
                stop.wait(0.05)
            except Exception:  # A connection that broke in the middle of an answer.
                stop.wait(0.05)

    threads = [threading.Thread(target=call, args=(n,)) for n in range(lanes * len(servers))]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def row_of(server, model):
    row = done(server.get(f"/api/v1/versions/{model}"))
    return row["status"], row["traffic_pct"]


def latest(server, rollout):
    """The newest look with its evidence; None before there was one."""
    items = done(server.get(path(rollout, "verdicts")))["items"]
    looks = [item for item in items if item["number"] == 0]
    return looks[0] if looks else None


def units_seen(server, rollout):
    seen = latest(server, rollout)
    return 0 if seen is None else sum(step["units"] for step in seen["evidence"]["steps"])


# ---- Beginning one.

def test_a_start_makes_the_candidate_the_canary(two):
    begun = start(two, candidate="n2", headers=PERSON)
    assert begun["phase"] == "running" and (begun["step"], begun["steps"]) == (1, 1)
    assert (begun["candidate"], begun["candidate_version"], begun["primary"]) == ("n2", "2", "n1")
    assert begun["traffic_pct"] == 50 and begun["attempt"] == 1
    assert 0.030 < begun["alpha"] < 0.031
    assert begun["started_by"].endswith(":alice") and begun["change"]["kind"] == "ramp"
    assert row_of(two, "n2") == ("canary", 50)
    assert any("answered nothing" in text for text in begun["outlook"]["warnings"]), begun["outlook"]
    shown = look(two, begun)
    assert shown["id"] == begun["id"] and shown["plan"]["unit"] == "request"
    assert shown["deadline"] > shown["baked_at"] > shown["started_at"]
    of_route = done(two.get(path(begun)))
    assert of_route["id"] == begun["id"]
    assert [item["id"] for item in done(two.get("/api/v1/rollouts"))["items"]] == [begun["id"]]
    route = done(two.get("/api/v1/routes/number"))
    assert route["rollout"]["id"] == begun["id"] and route["rollout"]["traffic_pct"] == 50
    wait_until(lambda: done(two.get("/api/v1/routes/number"))["rollout"]["phase"] == "running",
               what="the phase is known")
    assert done(two.get("/api/v1/versions/n2"))["rollout"]["id"] == begun["id"]
    assert done(two.get("/api/v1/versions/n1"))["rollout"] is None


def test_what_cannot_be_started(two, register):
    target = "/api/v1/routes/number/rollouts"
    refused(two.post("/api/v1/routes/nowhere/rollouts", {"candidate": "2"}), 404, "nowhere")
    refused(two.post(target, {"candidate": "9"}), 404, "9")
    refused(two.post(target, {}), 400, "candidate")
    refused(two.post(target, {"candidate": "1"}), 400, "n1")
    for field, value in (("steps", []), ("steps", [{"share_pct": 50}, {"share_pct": 5}]),
                         ("guards", [{"metric": "errors"}]), ("unit", "cookie"), ("gaurds", []),
                         ("deadline", "soon")):
        answer = two.post(target, {"candidate": "2", field: value})
        refused(answer, 400)
        assert field in answer.json["where"], answer
    assert done(two.get(target))["items"] == []
    assert row_of(two, "n2")[0] == "standby"
    begun = start(two)
    register(two, "number", MODELS / "constant_one.onnx", "3", model_id="n3")
    refused(two.post(target, {"candidate": "3"}), 409, begun["id"], "abort")


def test_a_dry_run_changes_nothing(two):
    for _ in range(50):
        assert two.predict("number", [[1]]).status == 200
    before = done(two.get("/api/v1/audit"))["items"]
    target = "/api/v1/routes/number/rollouts?dry_run=true"
    seen = done(two.post(target, {"candidate": "2", **HOLD}))
    assert seen["would_start"] is True and seen["objections"] == []
    assert seen["attempt"] == 1 and seen["plan"]["steps"][0]["share_pct"] == 50
    assert seen["outlook"]["primary"]["requests"] == 50
    assert seen["outlook"]["steps"][0]["requests_to_catch_double_errors"] > 50
    refused(two.post(target, {"candidate": "9"}), 404)
    refused(two.post("/api/v1/routes/number/rollouts?dry_run=maybe", {"candidate": "2"}), 400)
    start(two)
    seen = done(two.post(target, {"candidate": "2", **HOLD}))
    assert seen["would_start"] is False and seen["objections"][0]["code"] == "conflict"
    assert seen["attempt"] == 2
    assert done(two.get("/api/v1/audit"))["items"][1:] == before


# ---- Verbs on one that runs.

STEPS = [{"share_pct": 1, "bake": "1h", "gate": True}, {"share_pct": 5, "bake": "1h"},
         {"share_pct": 25, "bake": "1h"}]


def test_a_person_moves_it(two):
    rollout = start(two, steps=STEPS)
    assert rollout["gate"] == "closed"
    opened = done(move(two, rollout, "step"))
    assert opened["gate"] == "open" and opened["traffic_pct"] == 1
    stepped = done(move(two, rollout, "step", {"reason": "looks well"}, headers=PERSON))
    assert (stepped["step"], stepped["traffic_pct"]) == (2, 5)
    assert "alice" in stepped["said"] and "looks well" in stepped["said"]
    shared = done(move(two, rollout, "share", {"traffic_pct": 10}))
    assert (shared["step"], shared["traffic_pct"]) == (2, 10)
    assert row_of(two, "n2") == ("canary", 10)
    refused(move(two, rollout, "share", {"traffic_pct": 26}), 422, "25", "promote")
    refused(move(two, rollout, "share", {}), 400, "traffic_pct")
    paused = done(move(two, rollout, "pause"))
    assert paused["phase"] == "paused" and paused["traffic_pct"] == 10
    assert done(move(two, rollout, "pause"))["changed"] is False
    assert done(move(two, rollout, "resume"))["phase"] == "running"
    assert done(move(two, rollout, "step"))["traffic_pct"] == 25
    refused(move(two, rollout, "step"), 422, "promote")
    kinds = [row["kind"] for row in done(two.get("/api/v1/audit?limit=7"))["items"]]
    # Newest first: a step, resume, pause, a share, a step, the gate, the start.
    assert kinds == ["ramp", "rollout", "rollout", "ramp", "ramp", "rollout", "ramp"]


def test_promotion_takes_a_verdict_or_a_person(two):
    """INV-12."""
    rollout = start(two)
    refused(move(two, rollout, "promote"), 422, "X-Podium-Actor")
    assert row_of(two, "n2") == ("canary", 50)
    promoted = done(move(two, rollout, "promote", headers=PERSON))
    assert promoted["phase"] == "promoted" and promoted["ended_at"]
    assert row_of(two, "n2")[0] == "primary" and row_of(two, "n1")[0] == "shadow"
    assert done(two.get("/api/v1/routes/number"))["rollout"] is None
    refused(move(two, rollout, "abort"), 409, "promoted")
    done(two.post("/api/v1/routes/number/rollback"))
    assert row_of(two, "n1")[0] == "primary"


@pytest.mark.parametrize("verb, end", [("abort", "aborted"), ("rollback", "rolled_back")])
def test_the_way_back_is_one_write(two, verb, end):
    rollout = start(two, steps=STEPS)
    ended = done(move(two, rollout, verb, {"reason": "enough"}))
    assert ended["phase"] == end and ended["traffic_pct"] == 0 and "enough" in ended["said"]
    assert row_of(two, "n2") == ("standby", 0) and row_of(two, "n1")[0] == "primary"
    for other in ("pause", "resume", "step", "promote", "abort", "rollback"):
        refused(move(two, rollout, other, headers=PERSON), 409)
    again = start(two, steps=STEPS)
    assert again["attempt"] == 2 and again["alpha"] < rollout["alpha"] / 3.9


def test_the_routes_own_rollback_ends_it(two):
    """One verb everywhere: nobody has to know at 3 a.m. that a rollout runs."""
    rollout = start(two)
    done(two.post("/api/v1/routes/number/rollback"))
    assert phase(two, rollout) == "rolled_back"
    assert row_of(two, "n1")[0] == "primary" and row_of(two, "n2")[1] == 0


def test_other_verbs_leave_a_running_rollout_alone(two, register):
    register(two, "number", MODELS / "constant_one.onnx", "3", model_id="n3", status="shadow")
    rollout = start(two)
    canary = "/api/v1/routes/number/canary"
    refused(two.put(canary, {"model_id": "n2", "traffic_pct": 5}), 409, rollout["id"], "share")
    refused(two.delete(canary), 409, rollout["id"])
    refused(two.put("/api/v1/routes/number/arms", {"arms": []}), 409, rollout["id"])
    refused(two.post("/api/v1/versions/n3/activate"), 409, rollout["id"])
    refused(two.post("/api/v1/versions/n2/promote"), 409, rollout["id"], "promote")
    refused(two.post("/api/v1/versions/n2/retire"), 409, rollout["id"])
    assert phase(two, rollout) == "running"


def test_abort_beats_promote(two):
    """Whoever comes second is told how it ended, whichever it was."""
    for _ in range(5):
        rollout = start(two)
        answers = {}

        def ask(verb, of=rollout, into=answers):
            into[verb] = move(two, of, verb, headers=PERSON)

        threads = [threading.Thread(target=ask, args=(verb,)) for verb in ("promote", "abort")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        codes = {verb: answer.status for verb, answer in answers.items()}
        assert sorted(codes.values()) == [200, 409], answers
        won = "aborted" if codes["abort"] == 200 else "promoted"
        assert phase(two, rollout) == won
        if won == "promoted":
            done(two.post("/api/v1/routes/number/rollback"))
        assert row_of(two, "n1")[0] == "primary"


def test_a_rollout_has_its_tag(two):
    rollout = start(two)
    answer = two.get(path(rollout))
    tag = answer.headers["etag"]
    assert tag == f"\"{answer.json['revision']}\""
    stale = move(two, rollout, "pause", headers={"If-Match": '"1"'})
    assert stale.status == 412 and stale.json["current"]["id"] == rollout["id"], stale
    assert stale.headers["etag"] == tag
    assert done(move(two, rollout, "pause", headers={"If-Match": tag}))["phase"] == "paused"


def test_what_is_not_there(two):
    refused(two.get("/api/v1/rollouts/none"), 404, "none")
    refused(two.get("/api/v1/routes/nowhere/rollouts"), 404, "nowhere")
    rollout = start(two)
    for verb in ("pause", "resume", "step", "promote", "abort", "rollback"):
        refused(two.post(f"/api/v1/routes/number/rollouts/none/{verb}"), 404, "none")
    refused(two.get(f"/api/v1/routes/other/rollouts/{rollout['id']}"), 404, "number")
    refused(two.post(f"/api/v1/routes/other/rollouts/{rollout['id']}/abort"), 404)
    assert phase(two, rollout) == "running"


# ---- By itself.

def test_a_worse_candidate_is_taken_back_by_itself(server, register, podium):
    pair = make_pair(server, register)
    rollout = start(pair, route="pair")
    with traffic(pair, route="pair", x=3):
        wait_until(lambda: phase(pair, rollout) == "rolled_back", what="the rollback")
    ended = look(pair, rollout)
    assert "worse" in ended["said"], ended
    assert row_of(pair, "p2") == ("standby", 0) and row_of(pair, "p1")[0] == "primary"
    change = done(pair.get("/api/v1/audit?limit=1"))["items"][0]
    assert change["kind"] == "rollback" and change["reason"] == ended["said"]
    # The table first, then those who serve by it.
    wait_until(lambda: done(pair.get("/internal/models/active?type=pair"))["generation"]
               >= change["revision"], what="the rollback published")
    for _ in range(20):
        assert pair.predict("pair", [[3]]).status == 200
    # Its proof is there for anybody.
    verdicts = done(pair.get(path(rollout, "verdicts")))["items"]
    decided = [item for item in verdicts if item["number"] > 0]
    assert decided and decided[-1]["decision"] in ("roll-back", "roll_back"), decided
    verified = podium("rollout", "verify", rollout["id"], server=pair)
    assert verified.code == 0, verified.out + verified.err
    wait_until(lambda: metric(scrape(pair), "podium_rollouts_ended_total", how="rolled_back") == 1,
               what="the count of one")
    wait_until(lambda: metric(scrape(pair), "podium_rollout_share", route="pair") == 0,
               what="no share")


def test_an_equal_candidate_is_stepped_up_and_promoted(two, podium):
    rollout = start(two, steps=[{"share_pct": 20, "bake": "1s"}, {"share_pct": 50, "bake": "1s"}],
                    promote_at_end=True)
    with traffic(two):
        wait_until(lambda: look(two, rollout)["step"] == 2, what="the second step")
        wait_until(lambda: phase(two, rollout) == "promoted", what="the promotion")
    assert row_of(two, "n2")[0] == "primary" and row_of(two, "n1")[0] == "shadow"
    decided = [item for item in done(two.get(path(rollout, "verdicts")))["items"] if item["number"]]
    assert len(decided) == 2 and all(item["sentence"] for item in decided), decided
    verified = podium("rollout", "verify", "number", server=two)
    assert verified.code == 0, verified.out + verified.err


def test_the_bake_time_is_waited_for(two):
    rollout = start(two, steps=[{"share_pct": 20, "bake": "1h"}, {"share_pct": 50}])
    with traffic(two):
        wait_until(lambda: (latest(two, rollout) or {}).get("decision") in ("step-up", "step_up"),
                   what="a positive verdict")
    assert look(two, rollout)["step"] == 1


def test_guards_go_on_while_it_is_paused(server, register):
    pair = make_pair(server, register)
    rollout = start(pair, route="pair")
    done(move(pair, rollout, "pause"))
    with traffic(pair, route="pair", x=3):
        wait_until(lambda: phase(pair, rollout) == "rolled_back", what="the rollback")


def test_what_is_overdue_is_told_and_stays(two):
    """INV-13: a deadline never promotes; by default it does not roll back either."""
    rollout = start(two, deadline="1s", steps=[{"share_pct": 50}])
    wait_until(lambda: look(two, rollout)["overdue"], what="the page")
    shown = look(two, rollout)
    assert shown["phase"] == "running" and shown["traffic_pct"] == 50
    types = [event["type"] for event in done(two.get("/api/v1/events?after=0&limit=100"))["items"]]
    assert types.count("podium.rollout.overdue") == 1
    wait_until(lambda: metric(scrape(two), "podium_rollout_overdue", route="number") == 1,
               what="the metric")


def test_an_overdue_one_is_rolled_back_where_the_plan_says_so(two):
    rollout = start(two, deadline="1s", steps=[{"share_pct": 50}], on_deadline="rollback")
    wait_until(lambda: phase(two, rollout) == "rolled_back", what="the rollback")
    assert "deadline" in look(two, rollout)["said"]


# ---- What it outlives.

def salt_of(server, route):
    with contextlib.closing(registry_file(server)) as database:
        (salt,) = database.execute("SELECT canary_salt FROM routes WHERE route = ?",
                                   (route,)).fetchone()
    return salt


def test_kill_9_resumes_with_the_same_salt_and_evidence(server, register):
    pair = make_pair(server, register)
    rollout = start(pair, route="pair")
    with traffic(pair, route="pair", x=1):
        wait_until(lambda: units_seen(pair, rollout) >= 200, what="evidence")
    salt, seen = salt_of(pair, "pair"), units_seen(pair, rollout)
    pair.kill()
    pair.start()
    for model in ("p1", "p2"):
        pair.wait_ready(model)
    shown = look(pair, rollout)
    assert shown["phase"] == "running" and len(shown["epochs"]) == 1
    assert salt_of(pair, "pair") == salt and salt
    with traffic(pair, route="pair", x=1):
        wait_until(lambda: units_seen(pair, rollout) > seen, TAKEOVER_S, "evidence of both lives")
    with traffic(pair, route="pair", x=3):
        wait_until(lambda: phase(pair, rollout) == "rolled_back", TAKEOVER_S, "the rollback")


class Answered:
    """What clients were answered, by the version that the split gave them, and what they never
    heard of."""

    def __init__(self):
        self.lock = threading.Lock()
        self.requests = {"p1": 0, "p2": 0}
        self.failed = {"p1": 0, "p2": 0}
        self.failing = set()
        self.unheard = 0

    def ask(self, server, number, enough):
        """One connection, until the server dies; at most one request of it is unheard then."""
        with server.line() as line:
            for request in itertools.count(75 * number):  # Keys of its own, as a rule.
                session = f"session-{request % 301}"
                try:
                    answer = line.predict("pair", [[3 if request % 5 == 0 else 1]],
                                          {"X-Session-Id": session})
                except (OSError, http.client.HTTPException):
                    with self.lock:
                        self.unheard += 1
                    return
                with self.lock:
                    model = answer.headers["x-podium-model"]
                    self.requests[model] += 1
                    if answer.status != 200:
                        self.failed[model] += 1
                        self.failing.add(session)
                    if sum(self.requests.values()) >= enough:
                        self.reached.set()

    def until_killed(self, server, lanes, more):
        """`more` answers, then the kill, with a request of each lane about."""
        self.reached = threading.Event()
        enough = sum(self.requests.values()) + more
        threads = [threading.Thread(target=self.ask, args=(server, n, enough)) for n in range(lanes)]
        for thread in threads:
            thread.start()
        try:
            assert self.reached.wait(120), "no answers"
        finally:
            server.kill()
            for thread in threads:
                thread.join()


def counted(server, rollout):
    """Of all lives together: by model requests with an outcome, errors among them and lives that
    counted any; and how many keys have failed."""
    with contextlib.closing(registry_file(server)) as database:
        arms = {"p2" if canary else "p1": row for canary, *row in database.execute(
            "SELECT canary, sum(requests), sum(errors), count(*) FROM rollout_counts"
            " WHERE rollout = ? GROUP BY canary", (rollout["id"],))}
        (keys,) = database.execute("SELECT count(DISTINCT unit) FROM rollout_hits"
                                   " WHERE rollout = ? AND series = 0", (rollout["id"],)).fetchone()
    return arms, keys


@pytest.mark.parametrize("unit", ["request", "session"])
def test_kill_9_loses_no_outcome_that_was_answered(server, register, unit):
    """An outcome is counted before it is answered, and what is counted outlives the process. So of
    each arm the store has all that was answered, and besides at most what nobody heard of: one
    request of each connection at each kill."""
    lanes, rounds = 4, 6
    dice = random.Random(9)
    pair = make_pair(server, register)
    # What this candidate does is tolerated, so that nothing but the test ends it.
    rollout = start(pair, route="pair", unit=unit,
                    guards=[{"metric": "error_rate", "at_most_pct": 90}])
    told = Answered()
    for _ in range(rounds):
        for model in ("p1", "p2"):
            pair.wait_ready(model)
        told.until_killed(pair, lanes, dice.randrange(50, 800))
        pair.start()
    wait_until(lambda: len(list((pathlib.Path(pair.data) / "evidence").iterdir())) == 1,
               what="nothing left but its own folder")
    assert phase(pair, rollout) == "running"
    arms, keys = counted(pair, rollout)
    assert 0 < told.unheard <= lanes * rounds
    for model, (requests, failed, lives) in arms.items():
        assert told.requests[model] <= requests <= told.requests[model] + told.unheard, arms
        assert told.failed[model] <= failed <= told.failed[model] + told.unheard, arms
        assert lives == rounds
    assert sum(row[0] for row in arms.values()) <= sum(told.requests.values()) + told.unheard
    assert told.failed["p2"] > 50 and told.failed["p1"] == 0
    if unit == "session":
        assert len(told.failing) <= keys <= len(told.failing) + told.unheard


def drivers(servers):
    """The names of the servers that say they drive a rollout."""
    return [name for name, server in servers.items()
            if metric(scrape(server), "podium_rollout_driver") == 1]


@pytest.fixture
def database():
    server = Postgres()
    yield server
    server.remove()


def test_three_replicas_have_one_driver(make_server, register, database, tmp_path):
    """The driver is killed in the middle: another one takes over and decides from all that the
    three have counted."""
    servers = {name: make_server(data=tmp_path / "shared",
                                 env={"PODIUM_REPLICA_ID": name, "DATABASE_URL": database.url})
               for name in "abc"}
    first = make_pair(servers["a"], register)
    for server in servers.values():
        for model in ("p1", "p2"):
            server.wait_ready(model)
    rollout = start(first, route="pair")
    wait_until(lambda: len(drivers(servers)) == 1, TAKEOVER_S, "one driver")
    with traffic(*servers.values(), route="pair", x=1, lanes=1):
        wait_until(lambda: units_seen(first, rollout) >= 300, what="evidence of all three")
    # Between two leases there may be none for a moment.
    (driver,) = wait_until(lambda: len(found := drivers(servers)) == 1 and found, TAKEOVER_S,
                           "one driver")
    servers.pop(driver).kill()
    other = next(iter(servers.values()))
    wait_until(lambda: len(drivers(servers)) == 1, TAKEOVER_S, "another driver")
    assert phase(other, rollout) == "running"
    with traffic(*servers.values(), route="pair", x=3, lanes=1):
        wait_until(lambda: phase(other, rollout) == "rolled_back", TAKEOVER_S, "the rollback")
    for server in servers.values():
        wait_until(lambda at=server: row_of(at, "p2") == ("standby", 0), what="all know it")


# ---- The command line.

def test_the_command_line_leads_one_in(two, podium):
    begun = podium("rollout", "start", "number", "2", "--steps", "5,50", "--bake", "1h", "--unit",
                   "request", "--guard", "error_rate:+10%", "--reason", "weekly", "-o", "json",
                   server=two)
    assert begun.code == 0, begun.err
    rollout = begun.json
    assert [step["share_pct"] for step in rollout["plan"]["steps"]] == [5, 50]
    assert rollout["plan"]["guards"] == [{"metric": "error_rate", "max_increase_pct": 10,
                                          "weight": 1, "guards_promotion": True}]
    listed = podium("rollout", "list", server=two)
    assert listed.code == 0 and rollout["id"] in listed.out and "step 1 of 2 (5 %)" in listed.out
    shown = podium("rollout", "show", "number", server=two)
    assert shown.code == 0 and f"rollout {rollout['id']} of number" in shown.out, shown.out
    assert podium("rollout", "show", rollout["id"], "-o", "json", server=two).json["id"] == \
        rollout["id"]
    status = podium("status", server=two)
    assert "number leads in 2: step 1 of 2 (5 %)" in status.out, status.out
    assert podium("rollout", "pause", "number", server=two).code == 0
    assert podium("rollout", "resume", rollout["id"], server=two).code == 0
    assert "step 2 of 2 (50 %)" in podium("rollout", "step", "number", server=two).out
    assert "(2.5 %)" in podium("rollout", "share", "number", "2.5", server=two).out
    again = podium("rollout", "start", "number", "2", server=two)
    assert again.code == 6 and rollout["id"] in again.err
    nobody = podium("rollout", "promote", "number", server=two)
    assert nobody.code == 1 and "--as" in nobody.err
    done_by = podium("rollout", "promote", "number", "--as", "alice", server=two)
    assert done_by.code == 0 and "podium rollback number" in done_by.out, done_by.err
    assert podium("rollout", "show", rollout["id"], "--watch", server=two).code == 0
    assert podium("rollout", "abort", "number", server=two).code == 5
    assert podium("rollout", "list", server=two).out == ""
    assert rollout["id"] in podium("rollout", "list", "--all", server=two).out


def test_the_command_line_refuses_with_the_usual_codes(two, podium, tmp_path):
    assert podium("rollout", "start", "number", server=two).code == 2
    assert podium("rollout", "start", "nowhere", "2", server=two).code == 5
    assert podium("rollout", "start", "number", "9", server=two).code == 5
    assert podium("rollout", "show", "none", server=two).code == 5
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({**HOLD, "steps": [{"share_pct": 0}]}))
    bad = podium("rollout", "start", "number", "2", "--plan", plan, server=two)
    assert bad.code == 1 and "/steps/0" in bad.err, bad.err
    plan.write_text(json.dumps(HOLD))
    preview = podium("rollout", "start", "number", "2", "--plan", plan, "--dry-run", server=two)
    assert preview.code == 0 and "number: 2 would come in against 1" in preview.out, preview.err
    assert done(two.get("/api/v1/rollouts?all=true"))["items"] == []
    assert podium("rollout", "start", "number", "2", "--plan", plan, server=two).code == 0
    assert podium("rollout", "start", "number", "2", "--dry-run", server=two).code == 6
    assert podium("rollout", "abort", "number", server=two).code == 0
    assert podium("rollout", "show", "number", "--watch", server=two).code == 1


def test_metrics_of_one_that_runs(two):
    rollout = start(two)
    with traffic(two):
        wait_until(lambda: units_seen(two, rollout) >= 50, what="evidence")
    samples = wait_until(
        lambda: (found := scrape(two)) and metric(found, "podium_rollout_driver") == 1
        and any(name == "podium_rollout_log_e" for name, _ in found) and found,
        what="the driver's look")
    assert metric(samples, "podium_rollout_share", route="number") == 0.5
    assert metric(samples, "podium_rollout_phase", route="number", phase="running") == 1
    assert metric(samples, "podium_rollout_phase", route="number", phase="paused") == 0
    assert metric(samples, "podium_rollout_log_e_needs", route="number") > 3
    assert metric(samples, "podium_rollout_overdue", route="number") == 0
