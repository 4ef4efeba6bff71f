"""Shadows: copies of a route's calls, beside them and never on their way."""

from conftest import MODELS, done, likely, make_two, metric, refused, scrape, wait_until

SHADOW = "/api/v1/routes/number/shadow"


def copies(server, version="2"):
    """What the route's shadow of that version has come to."""
    standing = done(server.get(SHADOW))
    return next(one for one in standing["shadows"] if one["version"] == version)


def ask(server, times, session=None):
    for number in range(times):
        answer = server.predict("number", [[1.0]],
                                headers={"X-Session-Id": session or f"s{number}"})
        assert answer.status == 200, answer
        assert answer.headers["x-podium-version"] == "1", answer.headers
        assert answer.json["predictions"] == [1.0], answer


def test_a_shadow_sees_every_call_and_answers_none(server, register):
    make_two(server, register, status="shadow")
    ask(server, 5)
    assert copies(server)["total_requests"] == 0, "nobody has asked for copies"
    done(server.put(SHADOW, {"rate": 1.0, "reason": "to look"}))
    ask(server, 20)
    # A copy is shed that has waited for long: on a busy machine some, but never all of them.
    wait_until(lambda: copies(server)["pairs"] + copies(server)["shed"] == 20, what="the pairs")
    seen = copies(server)
    assert seen["sampled_requests"] == seen["total_requests"] == 20
    assert seen["challenger_errors"] == 0
    assert seen["agreement"]["agreed"] == 0, "it says 2 where the primary says 1"
    assert seen["agreement"]["compared"] == seen["pairs"]
    assert seen["agreement"]["low"] <= 0 <= seen["agreement"]["high"] < 1
    assert any("agreed with the primary on 0 of" in v["sentence"] for v in seen["verdicts"])
    samples = scrape(server)
    assert metric(samples, "podium_shadow_sampled_total", route="number", model_version="2") == 20
    assert metric(samples, "podium_requests_total", route="number", model_version="2") == 0

    done(server.delete(SHADOW))
    ask(server, 5)
    assert copies(server)["total_requests"] == 20
    assert done(server.get(SHADOW))["shadow"]["rate"] == 0


def test_the_sample_is_of_units(server, register):
    make_two(server, register, status="shadow")
    done(server.put(SHADOW, {"rate": 0.5}))
    ask(server, 10, session="always-the-same")
    before = copies(server)["sampled_requests"]
    assert before in (0, 10)
    ask(server, 200)
    least, most = likely(200, 0.5)
    assert least <= copies(server)["sampled_requests"] - before <= most


def test_a_promoted_shadow_watches_nobody_and_the_demoted_one_goes_on(server, register):
    make_two(server, register, status="shadow")
    done(server.put(SHADOW, {"rate": 1.0, "versions": ["n2"]}))
    done(server.post("/api/v1/versions/n2/promote"))
    assert done(server.get(SHADOW))["shadow"]["versions"] == ["n1"]
    for _ in range(5):
        assert server.predict("number", [[1.0]]).json["predictions"] == [2.0]
    wait_until(lambda: copies(server, "1")["pairs"] + copies(server, "1")["shed"] == 5,
               what="the pairs of the demoted one")
    assert [one["version"] for one in done(server.get(SHADOW))["shadows"]] == ["1"]


def test_what_is_not_registered_yet_becomes_a_shadow_once(server, register):
    register(server, "number", MODELS / "constant_one.onnx", "1", model_id="n1", activate=True)
    uri = register(server, "other", MODELS / "constant_two.onnx", "1")["artifact_uri"]
    named = {"artifact_uri": uri, "version": "candidate"}
    for _ in range(3):
        done(server.put(SHADOW, {"rate": 1.0, "versions": [named]}))
    rows = done(server.get("/api/v1/versions?route=number"))["items"]
    assert [row["status"] for row in rows if row["version"] == "candidate"] == ["shadow"]
    made = next(row["model_id"] for row in rows if row["version"] == "candidate")
    server.wait_ready(made)
    done(server.post(f"/api/v1/versions/{made}/promote"))


def test_bad_plans_are_refused_and_change_nothing(server, register):
    make_two(server, register)
    refused(server.put(SHADOW, {"rate": 1.5}), 400, "rate")
    refused(server.put(SHADOW, {}), 400, "rate")
    refused(server.put(SHADOW, {"rate": 1, "daily_cost_cap_usd": -1}), 400, "cap")
    refused(server.put(SHADOW, {"rate": 1, "versions": ["n2"]}), 400, "not a shadow")
    refused(server.put(SHADOW, {"rate": 1, "versions": ["nobody"]}), 404, "nobody")
    refused(server.put("/api/v1/routes/none/shadow", {"rate": 1}), 404, "none")
    assert done(server.get(SHADOW))["shadow"] is None


def test_the_plan_survives_a_restart(server, register):
    make_two(server, register, status="shadow")
    done(server.put(SHADOW, {"rate": 0.25, "daily_cost_cap_usd": 3, "tolerance": 0.5}))
    server.restart()
    plan = done(server.get(SHADOW))["shadow"]
    assert plan == {"rate": 0.25, "daily_cost_cap_usd": 3.0, "tolerance": 0.5, "versions": []}


def test_the_command_line_sets_shows_and_ends(server, register, podium):
    make_two(server, register, status="shadow")
    assert podium("shadow", "set", "number", "100", server=server).code == 0
    ask(server, 3)
    wait_until(lambda: copies(server)["pairs"] + copies(server)["shed"] == 3, what="the pairs")
    shown = podium("shadow", "show", "number", server=server)
    assert "3 calls, 3 sampled" in shown.out, shown.out
    assert podium("shadow", "off", "number", server=server).code == 0
    assert done(server.get(SHADOW))["shadow"]["rate"] == 0
