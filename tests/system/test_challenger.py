"""Champion-challenger: both are asked on every call, one of them answers."""

import collections

from conftest import done, likely, make_two, refused, wait_until

CHALLENGER = "/api/v1/routes/number/challenger"


def standing(server):
    return done(server.get(CHALLENGER))


def served(server, times, session=None):
    """How often each version answered, with what it says."""
    count = collections.Counter()
    for number in range(times):
        answer = server.predict("number", [[1.0]],
                                headers={"X-Session-Id": session or f"s{number}"})
        assert answer.status == 200, answer
        version = answer.headers["x-podium-version"]
        assert answer.json["predictions"] == [float(version)], answer
        assert answer.headers["x-podium-reason"] == {"1": "primary", "2": "challenger"}[version]
        count[version] += 1
    return count


def test_both_are_asked_and_the_draw_decides(server, register):
    make_two(server, register, status="shadow")
    done(server.put(CHALLENGER, {"challenger": "n2", "testing": True, "weight": 0.5}))
    count = served(server, 100)
    least, most = likely(100, 0.5)
    assert least <= count["2"] <= most
    wait_until(lambda: standing(server)["compared"]["pairs"] == 100, what="the pairs")
    now = standing(server)
    assert now["choices"]["challenger"] == count["2"] and now["choices"]["champion"] == count["1"]
    assert now["compared"]["agreement"]["agreed"] == 0


def test_both_ends_of_the_weight_are_certain(server, register):
    make_two(server, register, status="shadow")
    for weight, version in ((0.0, "1"), (1.0, "2")):
        done(server.put(CHALLENGER, {"challenger": "n2", "testing": True, "weight": weight}))
        assert served(server, 20) == {version: 20}


def test_off_keeps_it_loaded_and_uncalled(server, register):
    make_two(server, register, status="shadow")
    done(server.put(CHALLENGER, {"challenger": "n2", "testing": False, "weight": 1.0}))
    assert served(server, 10) == {"1": 10}
    assert standing(server)["compared"]["total_requests"] == 0
    done(server.put(CHALLENGER, {"challenger": "n2", "testing": True, "weight": 1.0}))
    assert served(server, 10) == {"2": 10}
    done(server.delete(CHALLENGER))
    assert served(server, 10) == {"1": 10}
    assert standing(server)["challenger"] is None


def test_sticky_is_of_the_session(server, register):
    make_two(server, register, status="shadow")
    done(server.put(CHALLENGER, {"challenger": "n2", "testing": True, "weight": 0.5,
                                 "sticky": True}))
    for session in ("a", "b", "c", "d"):
        assert len(served(server, 10, session=session)) == 1


def test_what_cannot_be_a_challenger_is_refused(server, register):
    make_two(server, register)
    on = {"challenger": "n2", "testing": True}
    refused(server.put(CHALLENGER, {**on, "challenger": "n1"}), 400, "primary")
    refused(server.put(CHALLENGER, {**on, "challenger": "nobody"}), 404, "nobody")
    refused(server.put(CHALLENGER, {**on, "weight": 2}), 400, "weight")
    refused(server.put(CHALLENGER, {**on, "deadline": "soon"}), 400, "deadline")
    refused(server.put(CHALLENGER, {"challenger": "n2"}), 400, "testing")
    done(server.put(CHALLENGER, {**on, "deadline": "200ms"}))
    assert standing(server)["challenger"]["deadline"] == "200ms"


def test_a_promoted_challenger_is_alone(server, register):
    make_two(server, register, status="shadow")
    done(server.put(CHALLENGER, {"challenger": "n2", "testing": True, "weight": 1.0}))
    done(server.post("/api/v1/versions/n2/promote"))
    answer = server.predict("number", [[1.0]])
    assert answer.headers["x-podium-reason"] == "primary"
    assert answer.headers["x-podium-version"] == "2"


LOGGED = "predictions: {log: true, payloads: all, segment_age: 1s}\n"


def test_one_record_holds_both_predictions(make_server, register):
    server = make_server(config=LOGGED)
    make_two(server, register, status="shadow")
    for weight in (0.0, 1.0):
        done(server.put(CHALLENGER, {"challenger": "n2", "testing": True, "weight": weight}))
        served(server, 5)

    def listed():
        items = done(server.get("/api/v1/predictions?limit=50"))["items"]
        return items if len(items) == 10 else None
    for row in wait_until(listed, what="ten records"):
        both = row["challenger"]
        theirs = both["weight"] == 1.0
        assert both["choice"] == ("challenger" if theirs else "champion")
        assert row["assigned"] == "n1" and row["served"] == ("n2" if theirs else "n1")
        assert (both["champion"]["version"], both["challenger"]["version"]) == ("n1", "n2")
        assert (both["champion"]["scores"], both["challenger"]["scores"]) == ([1.0], [2.0])
        assert both["agrees"] is False
        assert both["champion"]["latency_us"] >= 0 and both["challenger"]["latency_us"] >= 0
        one = done(server.get(f"/api/v1/predictions/{row['id']}"))
        assert one["answer"]["predictions"] == [2.0 if theirs else 1.0]
        assert one["other_answer"]["predictions"] == [1.0 if theirs else 2.0]
    # n1 always says 1, n2 always 2: labels tell them apart, whoever's answer was given.
    items = done(server.get("/api/v1/predictions?limit=50"))["items"]
    done(server.post("/api/v1/feedback", [
        {"route": "number", "request_id": row["request_id"], "label": 1 if number < 7 else 2}
        for number, row in enumerate(items)]))
    compared = done(server.get("/api/v1/routes/number/compare"))["versions"]
    assert [(one["model_id"], one["n"], one["labelled"], one["not_served"]) for one in compared] == [
        ("n1", 10, 10, 0), ("n2", 10, 10, 0)]
    assert [one["accuracy"]["value"] for one in compared] == [0.7, 0.3]
