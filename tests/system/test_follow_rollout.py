"""Routes that follow a registered model and lead each new champion in by a rollout."""

from conftest import MODELS, done, refused, wait_until
from followed_route import (MODEL, ONE, ROUTE, TWO, follow, predicted, registry,  # noqa: F401
                            says, serves)
from test_rollouts import traffic

GOOD, WORSE = (MODELS / f"{name}.onnx" for name in ("slow", "fails_above_two"))  # For x = 3.


def rollouts(server):
    return done(server.get(f"{ROUTE}/rollouts"))["items"]


def led_in(server, registry, primary, champion):
    """A rollout of `champion` against `primary`, begun by the alias alone."""
    registry.alias("champion", registry.version(primary))
    follow(server, on_champion="rollout")
    serves(server, 1)
    registry.alias("champion", registry.version(champion))
    serves(server, 1, 2, 1)
    says(server, "waiting", "version 2 is led in by rollout", "step 1 of 4 (1 %)")
    (rollout,) = rollouts(server)
    assert rollout["plan"]["promote_at_end"] is True
    return rollout


def test_a_new_champion_is_led_in(server, registry):
    rollout = led_in(server, registry, ONE, TWO)
    verbs = f"{ROUTE}/rollouts/{rollout['id']}"
    refused(server.post(f"{ROUTE}/rollouts", {"candidate": "2"}), 409, MODEL)
    done(server.post(f"{verbs}/promote", headers={"X-Podium-Actor": "alice"}))
    serves(server, 2)
    says(server, "following", "version 2 is the champion")
    assert predicted(server) == 2


def test_a_champion_that_is_worse_is_taken_back_and_not_tried_again(server, registry):
    rollout = led_in(server, registry, GOOD, WORSE)
    with traffic(server, route="ads", x=3):
        wait_until(lambda: rollouts(server)[0]["phase"] == "rolled_back", what="the rollback")
    says(server, "blocked", "version 2 is not led in again", rollout["id"], "1 goes on")
    done(server.post(f"{ROUTE}/reload"))
    serves(server, 1)
    assert len(rollouts(server)) == 1
    registry.alias("champion", registry.version(GOOD))
    serves(server, 1, 3, 1)


def test_a_persons_abort_holds_the_route(server, registry):
    rollout = led_in(server, registry, ONE, TWO)
    done(server.post(f"{ROUTE}/rollouts/{rollout['id']}/abort", {"reason": "not today"},
                     headers={"X-Podium-Actor": "alice"}))
    says(server, "held", "alice", "not today")
    serves(server, 1)
    done(server.post(f"{ROUTE}/follow/resume"))
    says(server, "blocked", "was aborted")
    registry.alias("champion", 1)
    says(server, "following", "version 1 is the champion")


def test_a_champion_that_is_named_no_more_ends_its_rollout(server, registry):
    rollout = led_in(server, registry, ONE, TWO)
    registry.alias("champion", 1)
    serves(server, 1)
    says(server, "following", "version 1 is the champion")
    assert done(server.get(f"/api/v1/rollouts/{rollout['id']}"))["phase"] == "aborted"
