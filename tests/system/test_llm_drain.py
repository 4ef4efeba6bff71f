"""Callers who leave a stream whose bill stands at its end: it is read on for that, within bounds."""

import itertools

import pytest

from conftest import wait_until
from llm_gateway import (KEYS, Gateway, anthropic_fake, fakes, openai_fake,  # noqa: F401
                         provider_config)
from test_llm_costs import events_of
from test_llm_streams import open_stream, read_until

NUMBERS = itertools.count(200_000)  # The fakes remember: no model's name is used twice.
USAGE = {"main": {"prompt": 1000, "completion": 500}, "claude": {"input": 1000, "output": 500}}
LONG = "10m"  # Than any test takes: nothing ends of itself.


@pytest.fixture
def draining(make_server, fakes):  # noqa: F811
    """A gateway on one core that reads on as these settings say."""
    def make(**settings):
        lines = "".join(f"  drain_{key}: {value}\n" for key, value in settings.items())
        server = make_server(env=KEYS, config=provider_config(
            fakes, more="server:\n  cores: 1\nllm:\n" + lines))
        made = Gateway(server, fakes)
        made.numbers = NUMBERS
        return made
    return make


def leave(gateway, provider="main", **behaviour):
    """A caller reads a word of a stream that holds there, and leaves; gives the upstream model."""
    model = gateway.script(provider, {"text": "again and again", "pieces": 3, "hold": 2,
                                      "usage": USAGE[provider], **behaviour})
    route = gateway.name("r")
    gateway.version(route, provider, model)
    with open_stream(gateway, "chat", route) as caller:
        read_until(caller, b"again")
    return model


def left(gateway, model, provider="main"):
    return gateway.fake_of(provider).received(model)[0]["left"]


@pytest.mark.parametrize("provider", ["main", "claude"])
def test_the_bill_is_exact(draining, provider):
    gateway = draining(streams=4, time=LONG)
    model = leave(gateway, provider)
    wait_until(lambda: gateway.metric("podium_llm_draining_streams") == 1, what="a stream read on")
    assert not left(gateway, model, provider)
    gateway.fake_of(provider).release(model)
    [event] = events_of(gateway, model)
    assert not event["estimated"] and event["status"] == "ok", event
    assert (event["uncached_input"], event["output_text"]) == (1000, 500)
    wait_until(lambda: gateway.metric("podium_llm_calls_total", surface="chat",
                                      outcome="client_left") == 1, what="the caller's leaving")
    wait_until(lambda: gateway.metric("podium_llm_draining_streams") == 0, what="its end")


@pytest.mark.parametrize("settings, behaviour", [
    ({"streams": 4, "time": "50ms"}, {}),
    ({"streams": 4, "time": LONG, "bytes": "64KiB"}, {"hold": "", "repeat": 0, "gap": 0.001}),
    ({"streams": 0}, {}),
], ids=["time", "bytes", "number"])
def test_not_longer_than_its_limits(draining, settings, behaviour):
    gateway = draining(**settings)
    model = leave(gateway, **behaviour)
    wait_until(lambda: left(gateway, model), what="the end of the call upstream")
    [event] = events_of(gateway, model)
    assert event["estimated"] and event["status"] == "cancelled", event
    wait_until(lambda: gateway.metric("podium_llm_draining_streams") == 0, what="its end")
    # Nobody's failure: neither the version's nor the provider's.
    assert gateway.metric("podium_llm_attempts_total", provider="main", result="timeout") == 0


def test_so_many_at_once(draining):
    gateway = draining(streams=1, time=LONG)
    first = leave(gateway)
    wait_until(lambda: gateway.metric("podium_llm_draining_streams") == 1, what="a stream read on")
    second = leave(gateway)
    wait_until(lambda: left(gateway, second), what="the end of the second call upstream")
    assert not left(gateway, first)
    gateway.fake_of("main").release(first)
    [event] = events_of(gateway, first)
    assert event["status"] == "ok", event
