"""What moves a rollout besides errors and latency: probabilities, and what callers report."""

import pytest

from conftest import done, make_two, refused, wait_until
from test_rollouts import GOOD, GUARDS, HOLD, WORSE, look, move, phase, row_of, start, traffic


@pytest.fixture
def two(server, register):
    """Route `number` with n1 as primary, n2 on standby; both always answer."""
    return make_two(server, register)


# ---- Shares by probability.

def test_the_share_follows_the_probability_to_be_better(server, register):
    """The primary fails on every call, the candidate on none: its share goes to the plan's last one,
    each time as a row with its reason, and nobody is promoted."""
    register(server, "pair", WORSE, "1", model_id="p1", activate=True)
    register(server, "pair", GOOD, "2", model_id="p2")
    rollout = start(server, route="pair", rule="thompson",
                    steps=[{"share_pct": 10, "bake": "1s"}, {"share_pct": 80, "bake": "1s"}])
    with traffic(server, route="pair", x=3):
        wait_until(lambda: row_of(server, "p2") == ("canary", 80), 60, "the last share")
    assert phase(server, rollout) == "running"
    ramps = sorted((row for row in done(server.get("/api/v1/audit?route=pair"))["items"]
                    if row["actor"] == "podium"), key=lambda row: row["traffic_pct_after"])
    # One, unless a first look came early and was not sure yet.
    shares = [10, *(ramp["traffic_pct_after"] for ramp in ramps)]
    assert [ramp["traffic_pct_before"] for ramp in ramps] == shares[:-1] and shares[-1] == 80, ramps
    assert "succeeds more often with probability 1.0" in ramps[-1]["reason"], ramps
    answer = server.predict("pair", [[3]], headers={"X-Request-Id": "seen"})
    explained = done(server.get("/api/v1/explain?request_id=seen"))
    is_canary = answer.headers["x-podium-canary"] == "true"
    propensity = explained["replay"]["propensity"]
    assert propensity == pytest.approx(0.8 if is_canary else 0.2), explained


def test_sticky_keys_are_no_coins(two):
    refused(two.post("/api/v1/routes/number/rollouts",
                     {"candidate": "2", **HOLD, "unit": "session", "rule": "thompson"}), 400, "request")


# ---- What only callers can see.

REFUNDED = {"metric": "custom", "name": "refunded", "bad_above": 0}


def test_what_callers_report_takes_a_candidate_back(two):
    """By the first hundred reports, whatever is counted of their units when a look comes."""
    rollout = start(two, guards=[*GUARDS, REFUNDED])
    reported = 0

    def is_rolled_back():
        nonlocal reported
        if reported > 100:
            return phase(two, rollout) == "rolled_back"
        answers = [two.predict("number", [[1]]) for _ in range(20)]
        bad = [{"ticket": answer.headers["x-podium-ticket"], "metric": "refunded", "value": 1}
               for answer in answers if answer.headers["x-podium-canary"] == "true"]
        reported += len(bad)
        if bad:
            taken = done(move(two, rollout, "metrics", {"items": bad}))
            assert taken["ended"] or taken["bad"] == len(bad), taken
            assert (taken["good"], taken["of_other_rollouts"], taken["over_the_limit"]) == (0, 0, 0)
        return phase(two, rollout) == "rolled_back"
    wait_until(is_rolled_back, 60, "the rollback")
    ended = look(two, rollout)
    assert "Proven by: refunded." in ended["sentence"], ended
    assert row_of(two, "n2") == ("standby", 0)
    assert "x-podium-ticket" not in two.predict("number", [[1]]).headers


def test_reports_that_cannot_be(two):
    rollout = start(two, guards=[REFUNDED])
    ticket = two.predict("number", [[1]]).headers["x-podium-ticket"]
    whole = {"ticket": ticket, "metric": "refunded", "value": 1}
    for change, word in [({"metric": "bounced"}, "refunded"), ({"ticket": "no-ticket"}, "ticket"),
                         ({"ticket": ticket[:-1]}, "ticket"), ({"value": "much"}, "value"),
                         ({"value": None}, "value"), ({"verdict": 1}, "verdict"), ({"ticket": 7}, "ticket")]:
        refused(move(two, rollout, "metrics", {"items": [whole, {**whole, **change}]}), 400, word)
    for body in ({}, {"items": []}, {"items": [3]}, {"items": {}}):
        refused(move(two, rollout, "metrics", body), 400, "items" if body != {"items": [3]} else "item 1")
    assert done(move(two, rollout, "metrics", {"items": [{**whole, "value": 0}]}))["good"] == 1
