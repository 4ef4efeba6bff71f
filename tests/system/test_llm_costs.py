"""What calls cost: the header, the ledger, and the journal through kill -9.

The seed is printed; PODIUM_KILL_SEED sets it. The moments themselves depend on the machine.
"""

import collections
import concurrent.futures
import contextlib
import http.client
import json
import os
import random
import threading
import time

import pytest

from conftest import done, registry_file, serving, wait_until
from llm_gateway import (KEYS, PATHS, Gateway, anthropic_fake, body_of, fakes, gateway,  # noqa: F401
                         openai_fake, provider_config)
from test_llm_streams import open_stream, read_until

SEED = int(os.environ.get("PODIUM_KILL_SEED", time.time_ns() % 1_000_000))
ROUNDS, ROUNDS_FULL = 12, 200
CALLERS = 6
EARLIEST_S, LATEST_S = 0.02, 0.25


def events(server, where="1", **parameters):
    """Rows of cost_events, oldest first."""
    with contextlib.closing(registry_file(server)) as database:
        cursor = database.execute(f"SELECT * FROM cost_events WHERE {where} ORDER BY created_at, rowid",
                                  parameters)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor]


def events_of(gateway, model, count=1):
    """The events of an upstream model, once there are as many; fails when there are more."""
    def enough():
        found = events(gateway.server, "upstream_model = :m", m=model)
        return found if len(found) >= count else None

    found = wait_until(enough, what=f"{count} cost events")
    assert len(found) == count, found
    return found


def priced(gateway, name, usage, **rates):
    """A route whose model is priced and reports that usage: (route, upstream model)."""
    model = gateway.script(name, {"usage": usage})
    answer = gateway.server.put("/api/v1/prices", {"provider": name, "model": model, **rates})
    assert answer.status == 201, answer
    route = gateway.name("r")
    gateway.version(route, name, model)
    return route, model


def test_the_header_and_the_ledger_say_the_same(gateway):
    route, model = priced(gateway, "main", {"prompt": 1000, "completion": 500, "cached": 0},
                          input="2.5", output="10")
    answer = gateway.post("chat", body_of("chat", route), headers={"X-Request-Id": "cost-1"})
    assert answer.status == 200, answer
    # 1000 x 2.5 / 1e6 + 500 x 10 / 1e6
    assert float(answer.headers["x-podium-cost-usd"]) == 0.0075
    (event,) = events_of(gateway, model)
    assert (event["cost_nano_usd"], event["request_id"], event["status"]) == (7_500_000, "cost-1", "ok")
    assert (event["tokens_in"], event["tokens_out"], event["estimated"]) == (1000, 500, 0)
    assert (event["provider_key"], event["route"], event["kind"]) == ("main", route, "first")


def test_classes_of_tokens_are_disjoint(gateway):
    usage = {"input": 100, "cache_read": 1000, "write_5m": 200, "write_1h": 300, "output": 50}
    route, model = priced(gateway, "claude", usage, input="3", output="15", cache_read="0.3",
                          cache_write_5m="3.75", cache_write_1h="6")
    assert gateway.post("messages", body_of("messages", route)).status == 200
    (event,) = events_of(gateway, model)
    assert [event[c] for c in ("uncached_input", "cache_read", "cache_write_5m", "cache_write_1h",
                               "output_text")] == [100, 1000, 200, 300, 50]
    assert event["cost_nano_usd"] == 300_000 + 300_000 + 750_000 + 1_800_000 + 750_000


@pytest.mark.parametrize("name", ["main", "claude"])
def test_a_stream_is_charged_as_the_provider_counts(gateway, name):
    usage = {"prompt": 40, "completion": 7} if name == "main" else {"input": 40, "output": 7}
    route, model = priced(gateway, name, usage, input="1", output="2")
    assert gateway.stream("chat", route).ended_clean
    (event,) = events_of(gateway, model)
    assert (event["uncached_input"], event["output_text"], event["estimated"]) == (40, 7, 0)
    assert event["cost_nano_usd"] == 54_000


def test_what_nobody_counted_is_estimated_and_marked(gateway):
    model = gateway.script("main", {"quirks": ["no_usage"]})
    route = gateway.name("r")
    gateway.version(route, "main", model)
    assert gateway.stream("chat", route).ended_clean
    (event,) = events_of(gateway, model)
    assert event["estimated"] == 1 and event["tokens_in"] > 0 and event["tokens_out"] > 0


def test_a_caller_who_leaves_is_charged_for_what_was_made(gateway):
    model = gateway.script("main", {"text": "again ", "pieces": 1, "repeat": 0, "gap": 0.005})
    route = gateway.name("r")
    gateway.version(route, "main", model)
    with open_stream(gateway, "chat", route) as caller:
        read_until(caller, b"again")
    (event,) = events_of(gateway, model)
    assert (event["status"], event["estimated"]) == ("cancelled", 1)
    assert event["tokens_out"] > 0


def test_each_attempt_is_an_event_of_its_own(gateway):
    """A retry is another attempt; a price that is not known is null, not zero."""
    model = gateway.script("main", {"error": "server"}, {})
    route = gateway.name("r")
    gateway.version(route, "main", model)
    answer = gateway.post("chat", body_of("chat", route))
    assert answer.status == 200 and "x-podium-cost-usd" not in answer.headers
    found = events_of(gateway, model, 2)
    assert [(e["kind"], e["attempt"], e["status"]) for e in found] == [
        ("first", 1, "error"), ("retry", 2, "ok")]
    assert [e["cost_nano_usd"] for e in found] == [None, None]


# ---- kill -9.

class Callers:
    """Calls without pause, each with a request id of its own, until told to stop or cut off."""

    def __init__(self, gateway, number):
        self.gateway, self.number = gateway, number
        self.stop = threading.Event()
        self.pool = concurrent.futures.ThreadPoolExecutor(CALLERS)
        self.lanes = [self.pool.submit(self.call, lane) for lane in range(CALLERS)]

    def call(self, lane):
        count = 0
        while not self.stop.is_set():
            request_id = f"round-{self.number}-lane-{lane}-{count}"
            count += 1
            body = {**body_of("chat", "killed", stream=lane % 2 == 0), "user": request_id}
            connection = http.client.HTTPConnection(self.gateway.server.host,
                                                    self.gateway.server.port, timeout=120)
            try:
                connection.request("POST", PATHS["chat"], json.dumps(body),
                                   {"Content-Type": "application/json", "X-Request-Id": request_id})
                connection.getresponse().read()
            except (OSError, http.client.HTTPException):
                return  # Killed.
            finally:
                connection.close()

    def end(self):
        self.stop.set()
        for lane in self.lanes:
            lane.result()
        self.pool.shutdown()


def kill_rounds(podium_bin, fakes, folder, rounds, figure):
    """As many kills with calls in flight; then every attempt that a provider has seen is one event."""
    chance = random.Random(SEED)
    print(f"PODIUM_KILL_SEED={SEED}")
    model = f"killed-{SEED}-{rounds}"
    # Short and long answers, whole and streamed: the kill finds them at every stage.
    fakes.openai.script(model, {"text": "a few words of an answer", "pieces": 5, "gap": 0.004,
                                "first_delay": 0.01})
    seen_before = 0  # Looking at all of them each time would take too long.
    with serving(podium_bin, folder) as make:
        server = make(env=KEYS, config=provider_config(
            fakes, more="llm:\n  retries: 0\n  max_attempts: 1\n"))
        gateway = Gateway(server, fakes)
        gateway.version("killed", "main", model)
        for number in range(rounds):
            callers = Callers(gateway, number)
            # All begun; every other time so many that each lane, or some of them often, went on.
            enough = CALLERS * (1 + number % 2)
            wait_until(lambda after=seen_before, least=enough:
                       len(fakes.openai.received(model, after)) >= least, what="calls in flight")
            threading.Event().wait(chance.uniform(EARLIEST_S, LATEST_S))
            server.kill()
            callers.end()
            server.start()
            seen_before += len(fakes.openai.received(model, seen_before))
        received = fakes.openai.received(model)
        in_flight = sum(not entry["done"] for entry in received)
        seen = collections.Counter(entry["json"]["user"] for entry in received)

        def counted():
            return collections.Counter(
                e["request_id"] for e in events(server, "upstream_model = :m", m=model))

        wait_until(lambda: not seen - counted(), what="the events of all attempts")
        server.restart()  # And an orderly end adds nothing.
        events_now = counted()
        losses = sum((seen - events_now).values())
        # An intent whose bytes never left has an event as well: one, and marked as unknown.
        twice = {r: n for r, n in events_now.items() if n > 1}
        unsent = set(events_now) - set(seen)
        statuses = collections.Counter(
            e["status"] for e in events(server, "upstream_model = :m", m=model))
        assert {e["status"] for e in events(server, "upstream_model = :m", m=model)
                if e["request_id"] in unsent} <= {"unknown", "error"}
        figure(f"kill -9 of the gateway: {rounds} rounds, {sum(seen.values())} attempts, {in_flight} "
               f"cut off upstream, {statuses['unknown']} ended as unknown, {losses} lost, "
               f"{len(twice)} twice")
        assert max(seen.values()) == 1 and losses == 0 and twice == {}
        assert statuses["unknown"] > 0 and statuses["ok"] > 0, "the kills found nothing in flight"
        report = done(server.get("/api/models/costs"))
        assert report["efficiency_metrics"]["total_calls"] == sum(events_now.values())


def test_every_attempt_is_charged_once_through_kill_9(podium_bin, fakes, tmp_path, figure):
    """INV-11, in a few rounds."""
    kill_rounds(podium_bin, fakes, tmp_path, ROUNDS, figure)


@pytest.mark.full
def test_every_attempt_is_charged_once_through_kill_9_in_many_rounds(podium_bin, fakes, tmp_path,
                                                                     figure):
    kill_rounds(podium_bin, fakes, tmp_path, ROUNDS_FULL, figure)
