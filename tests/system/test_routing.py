"""Which version a request is assigned to, recomputed here by an independent hash."""

import contextlib

import pytest
import xxhash

from conftest import MODELS, likely, make_two, metric, refused, registry_file, scrape

ONE = MODELS / "constant_one.onnx"
SESSIONS = [f"session-{number}" for number in range(2000)]
TOKEN = "a-token-for-the-tests"


@pytest.fixture
def two(server, register):
    """Route `number`: n1 is the primary and answers 1, n2 stands by and answers 2."""
    return make_two(server, register)


def set_share(server, percent):
    answer = server.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": percent})
    assert answer.status == 200, answer


def active(server):
    answer = server.get("/internal/models/active?type=number")
    assert answer.status == 200, answer
    return answer.json


def fine_bucket(salt, unit, separator=b"\x1f"):
    """0 to 9999, as the documentation of the active version tells callers to compute it."""
    h = xxhash.xxh3_64_intdigest(salt.encode() + separator + unit.encode(), seed=0)
    return 100 * (h % 100) + h // 100 % 100


def assignments(server, sessions=SESSIONS):
    """What became of one request of each session, over one connection."""
    with server.line() as line:
        for session in sessions:
            answer = line.predict("number", [[0]], {"X-Session-Id": session})
            assert answer.status == 200, answer
            yield session, answer


def canary_sessions(server):
    return {s for s, answer in assignments(server) if answer.headers["x-podium-canary"] == "true"}


# ---- The canary.

@pytest.mark.parametrize("percent", [5, 0.25, 50, 99.99])
def test_a_caller_with_the_salt_computes_the_same_version(two, percent):
    """INV-5: other programs route by the published salt; one bucket apart and a session flips."""
    set_share(two, percent)
    told = active(two)
    assert told["traffic_pct"] == percent
    canaries = 0
    for session, answer in assignments(two):
        bucket = fine_bucket(told["salt"], session)
        on_canary = bucket < round(percent * 100)
        assert answer.headers["x-podium-bucket"] == str(bucket)
        assert answer.headers["x-podium-canary"] == ("true" if on_canary else "false")
        assert answer.headers["x-podium-version"] == ("2" if on_canary else "1")
        assert answer.headers["x-podium-model"] == ("n2" if on_canary else "n1")
        assert answer.headers["x-podium-reason"] == ("canary" if on_canary else "primary")
        assert answer.headers["x-podium-route"] == "number"
        assert answer.headers["x-podium-generation"] == str(told["generation"])
        assert answer.json["predictions"] == [2 if on_canary else 1]
        assert (answer.json["model"], answer.json["version"]) == \
            (answer.headers["x-podium-model"], answer.headers["x-podium-version"])
        canaries += on_canary
    # The hash is uniform, or this fails.
    least, most = likely(len(SESSIONS), percent / 100)
    assert least <= canaries <= most


def test_nobody_at_zero_and_everybody_at_a_hundred(two):
    """INV-6: a rollback to 0 % that leaves one session on the canary is none."""
    set_share(two, 0)
    assert canary_sessions(two) == set()
    set_share(two, 100)
    assert canary_sessions(two) == set(SESSIONS)


def test_raising_the_share_only_moves_sessions_to_the_canary(two):
    """INV-6: a session that goes back and forth sees two models, and spoils the comparison."""
    before = set()
    for percent in (1.25, 2.75, 20, 60):  # Each step moves 25 sessions or more, as a rule.
        set_share(two, percent)
        now = canary_sessions(two)
        assert before < now
        before = now
    set_share(two, 20)
    assert canary_sessions(two) < before


def test_a_restart_changes_no_assignment(two):
    """A new salt at each start would move half the sessions with every deployment."""
    set_share(two, 30)
    told, before = active(two), canary_sessions(two)
    two.restart()
    two.wait_ready("n1")
    two.wait_ready("n2")
    assert active(two)["salt"] == told["salt"]
    assert canary_sessions(two) == before


def test_the_salt_lives_as_long_as_the_canary(two):
    """Kept through each share so that sessions stay; new for a new canary so that trials differ."""
    set_share(two, 5)
    salt = active(two)["salt"]
    for percent in (50, 0, 7):
        set_share(two, percent)
        assert active(two)["salt"] == salt
    assert two.delete("/api/v1/routes/number/canary").status == 200
    set_share(two, 5)
    assert active(two)["salt"] not in ("", salt)


@pytest.mark.parametrize("percent", [-0.01, 100.01, 0.001, 1e300, "5", None, True])
def test_a_share_that_cannot_be_is_refused(two, percent):
    """A share of 0.5 meant as a half, or of 500, must not reach the traffic rounded."""
    answer = two.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": percent})
    refused(answer, 400)
    assert active(two)["canary"] is None


def test_every_answer_says_how_it_came_about(two):
    """G3: without these headers a strange answer cannot be traced to a version and a reason."""
    answer = two.predict("number", [[0]], headers={"X-Request-Id": "r-1"})
    for name in ("route", "model", "version", "canary", "reason", "generation", "bucket",
                 "attempts", "overhead-us"):
        assert answer.headers["x-podium-" + name] != "", name
    assert answer.headers["x-request-id"] == "r-1"
    assert int(answer.headers["x-podium-attempts"]) == 1
    assert int(answer.headers["x-podium-overhead-us"]) >= 0
    assert 0 <= int(answer.headers["x-podium-bucket"]) < 10_000


# ---- What is hashed.

def test_the_session_may_come_by_header_or_body(two):
    """Callers that cannot set headers must be as sticky as those that can."""
    set_share(two, 50)
    salt = active(two)["salt"]
    with two.line() as line:
        for session in (*SESSIONS[:50], "größe", "用户-7"):
            bucket = str(fine_bucket(salt, session))
            answer = line.predict("number", [[0]], session_id=session)
            assert answer.headers["x-podium-bucket"] == bucket
            answer = line.predict("number", [[0]], {"X-Session-Id": session.encode()})
            assert answer.headers["x-podium-bucket"] == bucket
        # The header wins, as the body may have been written by another program.
        answer = line.predict("number", [[0]], {"X-Session-Id": "a"}, session_id="b")
        assert answer.headers["x-podium-bucket"] == str(fine_bucket(salt, "a"))


def test_without_a_session_the_request_id_decides(two):
    """A caller that retries under the same request id must meet the same version."""
    set_share(two, 50)
    salt = active(two)["salt"]
    with two.line() as line:
        by_header = line.predict("number", [[0]], {"X-Request-Id": "req-1"})
        by_body = line.predict("number", [[0]], request_id="req-1")
        for answer in (by_header, by_body):
            assert answer.headers["x-request-id"] == "req-1"
            assert answer.headers["x-podium-bucket"] == str(fine_bucket(salt, "req-1"))
        both = line.predict("number", [[0]], {"X-Request-Id": "req-1", "X-Session-Id": "s"})
        assert both.headers["x-podium-bucket"] == str(fine_bucket(salt, "s"))
        assert both.headers["x-request-id"] == "req-1"


def test_without_any_id_one_is_made(two):
    """Such requests are spread, each can be found again, and its bucket explained."""
    set_share(two, 50)
    salt = active(two)["salt"]
    made = set()
    with two.line() as line:
        for _ in range(200):
            answer = line.predict("number", [[0]])
            identity = answer.headers["x-request-id"]
            assert answer.headers["x-podium-bucket"] == str(fine_bucket(salt, identity))
            made.add((identity, answer.headers["x-podium-canary"]))
    assert len(made) == 200 and {canary for _, canary in made} == {"true", "false"}


@pytest.mark.parametrize("header", ["X-Session-Id", "X-Request-Id"])
def test_an_id_that_is_too_long_is_refused(two, header):
    """INV-16: an id of any length would be a free way to fill logs and hash time."""
    assert two.predict("number", [[0]], headers={header: "x" * 256}).status == 200
    refused(two.predict("number", [[0]], headers={header: "x" * 257}), 400, header.lower(), "257")


# ---- The override.

def test_the_override_answers_with_that_version_or_not_at_all(two, register):
    """Replaying a request against the wrong version proves nothing."""
    register(two, "other", ONE, "9", model_id="o9")
    for wanted, number in (("1", 1), ("n1", 1), ("2", 2), ("n2", 2)):
        answer = two.predict("number", [[0]], headers={"X-Podium-Model-Version": wanted})
        assert answer.status == 200 and answer.json["predictions"] == [number], answer
        assert answer.headers["x-podium-reason"] == "override"
    # Of another route, retired, or nobody: never silently the primary.
    assert two.post("/api/v1/versions/n2/retire").status == 200
    for wanted in ("o9", "n2", "7", "", "N1"):
        answer = two.predict("number", [[0]], headers={"X-Podium-Model-Version": wanted})
        refused(answer, 404, "number")


def test_the_override_of_what_is_not_ready_is_409(two, register):
    """The caller must learn that it is the version, not the request, that is at fault."""
    register(two, "number", MODELS / "corrupt.onnx", "3", model_id="n3", wait=False)
    answer = two.predict("number", [[0]], headers={"X-Podium-Model-Version": "3"})
    refused(answer, 409, "3", "number", "not ready")
    assert two.predict("number", [[0]]).status == 200


def test_the_override_counts_in_no_share(two):
    """A debugging session must not look like canary traffic, nor like what a canary is compared
    with."""
    set_share(two, 0)
    for _ in range(5):
        for version in ("1", "2"):
            answer = two.predict("number", [[0]], headers={"X-Podium-Model-Version": version})
            assert answer.headers["x-podium-reason"] == "override"
    assert active(two)["traffic_pct"] == 0
    samples = scrape(two)
    for version in ("1", "2"):
        assert not [key for key in samples if key[0] == "podium_requests_total"
                    and ("model_version", version) in key[1]]
        assert metric(samples, "podium_override_requests_total", route="number",
                      model_version=version, outcome="ok") == 5
        shown = two.get(f"/api/v1/metrics/versions/n{version}").json
        assert (shown["request_count"], shown["override_request_count"]) == (0, 5)


def test_the_override_is_a_permission(make_server, register):
    """Otherwise any caller picks the version that suits it, the unreleased one included."""
    server = make_two(make_server(token=TOKEN), register)
    wanted = {"X-Podium-Model-Version": "2"}
    assert server.predict("number", [[0]], headers=wanted).json["predictions"] == [2]
    with contextlib.ExitStack() as undo:
        undo.callback(server.headers.update, dict(server.headers))
        del server.headers["Authorization"]
        assert server.predict("number", [[0]]).status == 200
        refused(server.predict("number", [[0]], headers=wanted), 403, "X-Podium-Model-Version")
        wrong = {**wanted, "Authorization": "Bearer not-the-token-at-all"}
        refused(server.predict("number", [[0]], headers=wrong), 401, "token")


# ---- A/B arms.

def set_arms(server, *arms):
    listed = [{"model_id": model_id, "weight": weight} for model_id, weight in arms]
    return server.put("/api/v1/routes/number/arms", {"arms": listed})


def test_arms_have_fixed_slots(two, register):
    """B6: with moving slots a change of one weight would reshuffle everybody else's sessions."""
    register(two, "number", ONE, "3", model_id="n3")
    answer = set_arms(two, ("n2", 0.2), ("n3", 0.25))
    assert answer.status == 200, answer
    database = registry_file(two)
    (salt,) = database.execute("SELECT salt FROM routes WHERE route = 'number'").fetchone()
    database.close()

    def arm_of(limits):
        chosen = {}
        for session, given in assignments(two):
            bucket = fine_bucket(salt, session, separator=b"\x1e")
            wanted = next((i for i, begin, end in limits if begin <= bucket < end), "n1")
            assert given.headers["x-podium-bucket"] == str(bucket)
            assert given.headers["x-podium-model"] == wanted
            assert given.headers["x-podium-reason"] == ("primary" if wanted == "n1" else "arm")
            chosen[session] = wanted
        return chosen

    # The first slot grows up from the bottom, the second down from the top.
    before = arm_of([("n2", 0, 2000), ("n3", 7500, 10000)])
    route = two.get("/api/v1/routes/number").json
    assert route["policy"] == "ab"
    assert [(a["model_id"], a["traffic_pct"]) for a in route["arms"]] == [("n2", 20), ("n3", 25)]
    def of(chosen, model_id):
        return {session for session, chosen_id in chosen.items() if chosen_id == model_id}

    # The first arm shrinks: its own sessions go back to the primary, the second one's all stay.
    assert set_arms(two, ("n2", 0.1), ("n3", 0.25)).status == 200
    after = arm_of([("n2", 0, 1000), ("n3", 7500, 10000)])
    assert of(after, "n3") == of(before, "n3") and of(after, "n2") < of(before, "n2")
    # An empty list ends the split.
    assert set_arms(two).status == 200
    assert {a.headers["x-podium-model"] for _, a in assignments(two, SESSIONS[:100])} == {"n1"}
    assert two.get("/api/v1/routes/number").json["policy"] == "fixed"


def test_an_arm_may_take_everything_or_nothing(two):
    """B6 allows both ends; an arm of 0 is how one is switched off without losing its slot."""
    assert set_arms(two, ("n2", 1.0)).status == 200
    assert {a.headers["x-podium-model"] for _, a in assignments(two, SESSIONS[:200])} == {"n2"}
    assert set_arms(two, ("n2", 0.0)).status == 200
    assert {a.headers["x-podium-model"] for _, a in assignments(two, SESSIONS[:200])} == {"n1"}


def test_an_arm_that_does_not_load_gets_no_weight(two, register):
    """INV-7: its row does not change with its weight, and it must be ready all the same."""
    register(two, "number", MODELS / "corrupt.onnx", "3", model_id="n3", wait=False)
    assert set_arms(two, ("n2", 0.2), ("n3", 0)).status == 200
    refused(set_arms(two, ("n2", 0.2), ("n3", 0.1)), 422, "n3", "load")
    arms = two.get("/api/v1/routes/number").json["arms"]
    assert [arm["model_id"] for arm in arms if arm["traffic_pct"] > 0] == ["n2"]
    # What stands in nobody's way: the other arm up, the broken one out.
    assert set_arms(two, ("n2", 0.3), ("n3", 0)).status == 200
    assert set_arms(two, ("n2", 0.3)).status == 200


@pytest.mark.parametrize("arms, status, words", [
    ([("n2", 1.01)], 400, ["weight", "1.01"]),
    ([("n2", -0.1)], 400, ["weight", "-0.1"]),
    ([("n2", 0.00001)], 400, ["weight"]),
    ([("n2", "half")], 400, ["weight", "number"]),
    ([("n2", None)], 400, ["weight", "required"]),
    ([("n2", 0.6), ("n3", 0.6)], 400, ["100 %"]),
    ([("n2", 0.1), ("n2", 0.1)], 400, ["n2", "twice"]),
    ([("n1", 0.5)], 400, ["n1", "primary"]),
    ([("nobody", 0.5)], 404, ["nobody"]),
])
def test_arms_that_cannot_be_are_refused(two, register, arms, status, words):
    """Half a split, or one whose weights were bent into place, is worse than none."""
    register(two, "number", ONE, "3", model_id="n3")
    refused(set_arms(two, *arms), status, *words)
    route = two.get("/api/v1/routes/number").json
    assert (route["policy"], route["arms"]) == ("fixed", [])


def test_a_canary_and_a_split_exclude_each_other(two, register):
    """Two layers that both move traffic make each other's numbers meaningless."""
    register(two, "number", ONE, "3", model_id="n3")
    set_share(two, 5)
    refused(set_arms(two, ("n3", 0.5)), 409, "n2", "canary")
    assert two.delete("/api/v1/routes/number/canary").status == 200
    assert set_arms(two, ("n3", 0.5)).status == 200
    answer = two.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": 5})
    refused(answer, 409, "number", "arms")
