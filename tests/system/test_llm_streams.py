"""Streams: what providers send oddly, callers who leave or read slowly, and what comes when."""

import contextlib
import http.client
import json
import socket

import pytest

from conftest import wait_until
from llm_gateway import (PATHS, anthropic_fake, body_of, fakes, gateway,  # noqa: F401
                         openai_fake)

SAID = "Zoë sagt: 日本語 🎉 und mehr, in Stücken."
SURFACES = ("chat", "responses", "messages")
# The most that may lie between a provider and a caller who does not read: sockets and our buffers.
MOST_UNDERWAY = 24 * 2**20
SLOW_READERS = 20
RSS_PER_READER = 1024 * 1024


def rss(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


@contextlib.contextmanager
def open_stream(gateway, surface, model, receive_buffer=None):
    """A streamed call whose answer is read as it pleases the test: the socket, its head sent."""
    body = json.dumps(body_of(surface, model, True)).encode()
    with socket.socket() as caller:
        if receive_buffer:
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        caller.settimeout(120)
        caller.connect((gateway.server.host, gateway.server.port))
        caller.sendall(f"POST {PATHS[surface]} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json"
                       f"\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        yield caller


def read_until(caller, mark, got=b""):
    while mark not in got:
        piece = caller.recv(65536)
        assert piece, got
        got += piece
    return got


# ---- Oddities.

# quirks and more, and on which providers they occur
ODD = [
    ({"quirks": ["crlf"]}, "both"),
    ({"quirks": ["comments"]}, "both"),
    ({"quirks": ["no_space"]}, "both"),
    ({"quirks": ["two_lines"]}, "both"),
    ({"quirks": ["crlf", "comments", "two_lines"], "split": 1}, "both"),
    ({"split": 1}, "both"),
    ({"split": 3}, "both"),
    ({"pieces": 1}, "both"),
    ({"pieces": 200}, "both"),
    ({"quirks": ["no_usage"]}, "both"),
    ({"quirks": ["no_done"]}, "both"),
    ({"quirks": ["choices_null"]}, "main"),
    ({"quirks": ["no_finish"]}, "main"),
    ({"quirks": ["pings"]}, "claude"),
    ({"thinking": "Hm, so."}, "claude"),
]
ODD_CASES = [(odd, provider, surface) for odd, on in ODD for provider in ("main", "claude")
             for surface in SURFACES if on in ("both", provider)
             # Without response.completed that stream was cut.
             and (odd.get("quirks"), provider, surface) != (["no_done"], "main", "responses")]


def native_responses(surface, provider):
    """The provider's own stream of events, which has neither `[DONE]` nor such chunks."""
    return (surface, provider) == ("responses", "main")


@pytest.mark.parametrize(("odd", "provider", "surface"), ODD_CASES,
                         ids=[f"{i}-{p}-{s}" for i, (_, p, s) in enumerate(ODD_CASES)])
def test_odd_streams_come_out_even(gateway, odd, provider, surface):
    stream = gateway.stream(surface, gateway.route(provider, {"text": SAID, **odd}))
    assert stream.status == 200 and stream.text == SAID, stream.body
    assert stream.ended_clean and not stream.cut
    if surface == "chat":
        finishes = [c["finish_reason"] for _, d in stream.events if d != "[DONE]"
                    for c in d["choices"] if c.get("finish_reason")]
        assert finishes == ["stop"]


@pytest.mark.parametrize("asked", [False, True])
def test_usage_in_the_same_frame_as_content(gateway, asked):
    route = gateway.route("main", {"text": SAID, "quirks": ["usage_with_content"]})
    more = {"stream_options": {"include_usage": True}} if asked else {}
    stream = gateway.stream("chat", route, **more)
    assert stream.text == SAID + "!" and stream.ended_clean
    usages = [d["usage"] for _, d in stream.events if d != "[DONE]" and d.get("usage")]
    assert bool(usages) == asked
    if asked:
        assert usages[-1]["prompt_tokens"] == 3


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("provider", ["main", "claude"])
def test_a_giant_event_passes_one_past_the_limit_does_not(gateway, provider, surface):
    """Events of up to 4 MiB; a larger one ends the stream with an error, never clean."""
    big = "x" * (1 << 20)
    stream = gateway.stream(surface, gateway.route(provider, {"text": big, "pieces": 1}))
    assert stream.text == big and stream.ended_clean
    route = gateway.route(provider, {"fault": "giant", "at": 2, "giant_bytes": 5 << 20})
    stream = gateway.stream(surface, route)
    assert stream.text == "Hello from" and stream.error and not stream.ended_clean


# ---- When it comes.

@pytest.mark.parametrize("provider", ["main", "claude"])
def test_tokens_come_as_they_are_made(gateway, provider):
    """The provider goes on only when the caller has what it said so far."""
    fake = gateway.fake_of(provider)
    for surface in SURFACES:
        model = gateway.script(provider, {"text": "onetwo", "pieces": 2, "hold": 1})
        route = gateway.name("r")
        gateway.version(route, provider, model)
        with open_stream(gateway, surface, route) as caller:
            got = read_until(caller, b"one")
            assert b"two" not in got
            fake.release(model)
            read_until(caller, b"0\r\n\r\n", got)


# ---- Callers who leave.

@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("provider", ["main", "claude"])
def test_a_caller_who_leaves_a_stream_ends_the_call_upstream(gateway, provider, surface):
    endless = {"text": "again ", "pieces": 1, "repeat": 0, "gap": 0.005}
    if native_responses(surface, provider):
        endless = {"text": "again " * 2000, "pieces": 2000, "gap": 0.005}
    model = gateway.script(provider, endless)
    route = gateway.name("r")
    gateway.version(route, provider, model)
    with open_stream(gateway, surface, route) as caller:
        read_until(caller, b"again")
    wait_until(lambda: gateway.fake_of(provider).received(model)[0]["left"],
               what="the end of the call upstream")


@pytest.mark.parametrize("hold", ["head", 0])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_caller_who_leaves_before_the_first_token(gateway, hold, streamed):
    model = gateway.script("main", {"hold": hold})
    route = gateway.name("r")
    gateway.version(route, "main", model)
    body = json.dumps(body_of("chat", route, streamed)).encode()
    connection = http.client.HTTPConnection(gateway.server.host, gateway.server.port, timeout=120)
    connection.request("POST", PATHS["chat"], body, {"Content-Type": "application/json"})
    received = gateway.fakes.openai.received
    wait_until(lambda: received(model), what="the call upstream")
    connection.close()
    wait_until(lambda: received(model)[0]["left"], what="the end of the call upstream")


# ---- Slow callers.

def test_slow_readers_pause_their_providers_and_cost_little(gateway):
    """Streams without end to callers who do not read: what is under way stays bounded, as does
    memory, and others are served meanwhile. One who reads again goes on."""
    model = gateway.script("main", {"text": "y" * 16384, "pieces": 1, "repeat": 0})
    route = gateway.name("r")
    gateway.version(route, "main", model)
    assert gateway.stream("chat", gateway.route("main")).ended_clean
    before = rss(gateway.server)
    received = gateway.fakes.openai.received
    with contextlib.ExitStack() as stack:
        callers = [stack.enter_context(open_stream(gateway, "chat", route, receive_buffer=65536))
                   for _ in range(SLOW_READERS)]
        sent = settled(lambda: [e["sent"] for e in received(model)], SLOW_READERS)
        assert all(s < MOST_UNDERWAY for s in sent), sent
        grown = rss(gateway.server) - before
        assert grown < SLOW_READERS * RSS_PER_READER, f"{grown} bytes for {SLOW_READERS} readers"
        assert gateway.stream("chat", gateway.route("main")).ended_clean
        reads = 0
        while reads < sent[0] + (4 << 20):
            reads += len(callers[0].recv(1 << 20))
        wait_until(lambda: sum(e["sent"] > s for e, s in zip(received(model), sent)) >= 1,
                   what="the provider's going on")
    wait_until(lambda: all(e["left"] for e in received(model)),
               what="the end of the calls upstream")


def settled(measure, count):
    """measure() once `count` values are there and have stayed the same for a while."""
    last, same = None, 0

    def still():
        nonlocal last, same
        now = measure()
        same = same + 1 if len(now) == count and now == last else 0
        last = now
        return same > 15
    wait_until(still, what="standing still")
    return last


@pytest.mark.full
def test_memory_stays_flat_while_streams_pass(gateway):
    """A hundred times what the first calls made it: nothing is kept."""
    route = gateway.route("main", {"text": "z" * 65536, "pieces": 1, "repeat": 100})
    for _ in range(3):
        assert gateway.stream("chat", route).ended_clean
    before = rss(gateway.server)
    for _ in range(200):
        assert gateway.stream("chat", route).ended_clean
    assert rss(gateway.server) < before + 8 * 2**20
