"""What calls have cost, and the prices they are charged by: over HTTP and on the command line."""

import pathlib
import time

import pytest

from conftest import done, refused, wait_until, write_rows

PRICE = {"provider": "openai", "model": "gpt-mini", "input": "0.15", "output": "0.60"}
EVENT = ("INSERT INTO cost_events (event_id, model_id, version_id, route, provider_key, "
         "upstream_model, request_id, user_id, key_id, workflow_run_id, kind, attempt, status, "
         "uncached_input, cache_read, cache_write_5m, cache_write_1h, audio_input, output_text, "
         "output_reasoning, images, calls, estimated, contradictory, cost_nano_usd, created_at) "
         "VALUES (:id, :model, 'v', 'chat', 'openai', 'gpt-mini', 'r', '', '', '', 'first', 1, "
         "'ok', 700, 0, 0, 0, 0, 300, 0, 0, 0, 0, 0, :nanos, :at)")


def add_event(server, number, model, nanos, hours_ago=0.5):
    at = int((time.time() - hours_ago * 3600) * 1e6)
    write_rows(server, EVENT, id=f"e{number}", model=model, nanos=nanos, at=at)


def add_price(server, **fields):
    answer = server.put("/api/v1/prices", {**PRICE, **fields})
    assert answer.status == 201, answer
    return answer.json


# ---- Prices.

def test_a_price_is_added_and_the_one_before_stays(server):
    first = add_price(server, cache_read=0.075, reason="list of March")
    assert first["price_id"] == 1
    assert (first["input"], first["output"], first["cache_read"]) == ("0.15", "0.6", "0.075")
    assert first["cache_write_5m"] is None
    assert (first["actor"], first["reason"]) == ("local", "list of March")
    add_price(server, output="0.70", effective_from="2030-01-01T00:00Z")
    rows = done(server.get("/api/v1/prices"))["items"]
    assert [row["output"] for row in rows] == ["0.6", "0.7"]
    assert rows[1]["effective_from"] == "2030-01-01T00:00:00.000000Z"
    with pytest.raises(Exception, match="append-only"):
        write_rows(server, "UPDATE prices SET input = 0")


def test_prices_come_in_pages(server):
    for model in ("a", "b", "c"):
        add_price(server, model=model)
    page = done(server.get("/api/v1/prices?limit=2"))
    assert [row["model"] for row in page["items"]] == ["a", "b"]
    page = done(server.get(f"/api/v1/prices?limit=2&cursor={page['next_cursor']}"))
    assert ([row["model"] for row in page["items"]], page["next_cursor"]) == (["c"], None)
    assert len(done(server.get("/api/v1/prices?model=b"))["items"]) == 1
    assert done(server.get("/api/v1/prices?provider=other"))["items"] == []
    refused(server.get("/api/v1/prices?cursor=x"), 400, "cursor")


NO_PRICES = [
    ({"provider": "openai", "model": "m", "input": "1"}, "output"),
    ({**PRICE, "provider": ""}, "provider"),
    ({**PRICE, "model": "x" * 257}, "model"),
    ({**PRICE, "input": "-1"}, "input"),
    ({**PRICE, "input": -1}, "input"),
    ({**PRICE, "input": "0.0000000001"}, "input"),
    ({**PRICE, "input": 0.1234567891}, "input"),
    ({**PRICE, "input": True}, "input"),
    ({**PRICE, "input": "1000001"}, "input"),
    ({**PRICE, "output": "1e3"}, "output"),
    ({**PRICE, "image": []}, "image"),
    ({**PRICE, "effective_from": "tomorrow"}, "effective_from"),
    ({**PRICE, "currency": "EUR"}, "currency"),
]


def test_what_is_no_price_is_refused(server):
    for body, word in NO_PRICES:
        refused(server.put("/api/v1/prices", body), 400, word)
    assert done(server.get("/api/v1/prices"))["items"] == []


# ---- Costs.

def test_without_calls_nothing_was_spent(server):
    report = done(server.get("/api/models/costs"))
    assert (report["total_cost_usd"], report["cost_by_model"], report["top_models"]) == (0, {}, [])
    assert report["hours"] == 24
    assert report["efficiency_metrics"]["cost_per_call_usd"] is None


def test_the_parts_add_up_to_the_total(server):
    """Three thirds of a micro-dollar are rounded once each; the sum is of what is shown."""
    for number, (model, nanos) in enumerate([("a", 1_500_400), ("a", 100), ("b", 333_400),
                                             ("c", 333_400), ("free", None)]):
        add_event(server, number, model, nanos)
    report = done(server.get("/api/models/costs"))
    assert report["cost_by_model"] == {"a": 0.0015, "b": 0.000333, "c": 0.000333, "free": 0}
    assert report["total_cost_usd"] == pytest.approx(sum(report["cost_by_model"].values()), abs=1e-9)
    assert report["total_cost_usd"] == 0.002166
    assert report["top_models"][0] == {"model_id": "a", "total_cost_usd": 0.0015, "total_calls": 2,
                                       "total_tokens": 2000, "unpriced_calls": 0}
    metrics = report["efficiency_metrics"]
    assert (metrics["total_calls"], metrics["unpriced_calls"]) == (5, 1)
    assert metrics["cost_per_call_usd"] == 0.000542
    assert metrics["cost_per_1k_tokens_usd"] == 0.000542


def test_the_window_is_of_hours(server):
    add_event(server, 1, "new", 1_000_000)
    add_event(server, 2, "old", 2_000_000, hours_ago=30)
    assert list(done(server.get("/api/models/costs"))["cost_by_model"]) == ["new"]
    assert done(server.get("/api/models/costs?hours=8760"))["total_cost_usd"] == 0.003
    assert done(server.get("/api/models/costs?hours=1"))["total_cost_usd"] == 0.001


def test_other_windows_are_refused(server):
    for hours in ("0", "8761", "-1", "1.5", "x", "99999999999999"):
        refused(server.get(f"/api/models/costs?hours={hours}"), 400, "hours")


def test_ten_models_are_at_the_top(server):
    for number in range(11):
        add_event(server, number, f"m{number:02}", number * 1_000_000)
    report = done(server.get("/api/models/costs"))
    assert [row["model_id"] for row in report["top_models"]] == \
        [f"m{number:02}" for number in range(10, 0, -1)]
    assert len(report["cost_by_model"]) == 11


def test_both_ask_for_the_right_to(make_server):
    server = make_server(token="a-token-of-some-length")
    stranger = {"headers": {"Authorization": ""}}
    for answer in (server.get("/api/models/costs", **stranger),
                   server.get("/api/v1/prices", **stranger),
                   server.put("/api/v1/prices", PRICE, **stranger)):
        assert answer.status in (401, 403), answer


# ---- The command line.

def test_the_verbs(server, podium):
    empty = podium("price", "list", server=server)
    assert (empty.code, empty.out) == (0, "")
    assert "podium price set" in empty.err
    added = podium("price", "set", "openai", "gpt-mini", "--input", "0.15", "--output", "0.60",
                   "--reason", "new list", server=server)
    assert added.code == 0, added.err
    assert "openai gpt-mini costs 0.15 USD per million input tokens and 0.6 per million" in added.out
    listed = podium("price", "list", server=server)
    assert listed.out.splitlines()[1].split()[:2] == ["openai", "gpt-mini"]
    assert "new list" in listed.out
    wrong = podium("price", "set", "openai", "gpt-mini", "--input", "cheap", "--output", "1",
                   server=server)
    assert wrong.code != 0 and "input" in wrong.err
    add_event(server, 1, "mini", 1_234_567)
    add_event(server, 2, "mini", None)
    costs = podium("costs", server=server)
    assert costs.code == 0, costs.err
    assert costs.out.splitlines()[1].split() == ["mini", "0.001235", "2", "2,000", "1"]
    assert costs.out.splitlines()[2] == "0.001235 USD in 24 h, 2 calls"
    assert "1 calls have no known price" in costs.err
    assert podium("costs", "--hours", "0", server=server).code != 0
    assert podium("costs", "-o", "json", server=server).json["top_models"][0]["model_id"] == "mini"


def test_the_journal_is_there_and_gone_with_its_process(server):
    """Two starts, two incarnations; the first one's folder is read to its end and removed."""
    root = pathlib.Path(server.data) / "journal"
    first = [folder.name for folder in root.iterdir()]
    assert len(first) == 1
    server.kill()
    server.start()

    def only_one_is_left():
        now = [folder.name for folder in root.iterdir()]
        return len(now) == 1 and now != first
    wait_until(only_one_is_left, what="the journal of the process before to be read")
