"""What a provider's bad day does to callers: the matrix of failures, errors, retries, breakers."""

import concurrent.futures
import email.utils
import json
import pathlib
import time

import anthropic
import openai
import pytest

from conftest import serving, wait_until
from llm_gateway import (KEYS, Gateway, anthropic_fake, body_of, fakes, openai_fake,  # noqa: F401
                         outcome_words, provider, provider_config)

MATRIX = pathlib.Path(__file__).parent / "llm_matrix.txt"
SURFACES = ("chat", "responses", "messages")
# Where a failure shows by itself, no fake is hurried; only who stalls is not waited for long.
FIRST = {"openai": "first", "anthropic": "first-claude"}
HASTY = {"openai": "hasty", "anthropic": "hasty-claude"}
HASTE = {"first_token_timeout": "2s", "idle_timeout": "2s", "timeout": "8s"}
ONLY_OPENAI = ("vllm_context_length", "llama_context_length")
BROKEN = ("close", "reset", "stall", "end", "malformed", "error")
ASK = [{"role": "user", "content": "Say hello, please."}]
LANES = 8


def matrix():
    for line in MATRIX.read_text().splitlines():
        if line and not line.startswith("#"):
            failure, mode, when, outcome, first, second = line.split()
            yield failure, mode, when, outcome, int(first), int(second)


def cases():
    """(row, surface, kind of the first provider): all, but only one surface for what takes time."""
    for row in matrix():
        for kind in FIRST:
            for surface in SURFACES if row[0] != "stall" else ("chat", "messages"):
                if kind == "openai" or row[0] not in ONLY_OPENAI:
                    yield row, surface, kind


CASES = list(cases())
NAMES = ["-".join(map(str, (*row[:3], surface, kind))).replace(":", "-").replace("_", "-")
         for row, surface, kind in CASES]


def behaviours(row):
    """What the first element does, as scripts of the fakes."""
    failure, mode, when, *_ = row
    once, _, name = failure.rpartition(":")
    if name in BROKEN:
        before = "head" if name in ("close", "reset", "stall") and (mode, when) == ("whole", "before") \
            else 0
        bad = {"fault": name, "at": before if when == "before" else 2 if mode == "stream" else "half"}
    else:
        bad = {"error": name}
    return [bad, {"text": "second thoughts"}] if once else [bad]


@pytest.fixture(scope="module")
def gateway(podium_bin, fakes, tmp_path_factory):
    """As llm_gateway's, with a configured route at `backup` behind each case."""
    config = provider_config(
        fakes, routes=[(name, "backup", f"backup-{name}") for name in NAMES],
        more="llm:\n  retry_backoff: 10ms\n  retry_backoff_max: 2s\n  max_attempts: 3\n  retries: 1\n",
        **{name: provider(kind, getattr(fakes, kind).base_url(name), **timeouts)
           for names, timeouts in ((FIRST, {}), (HASTY, HASTE)) for kind, name in names.items()},
        dead=provider("openai", "http://127.0.0.1:1/v1"))
    with serving(podium_bin, tmp_path_factory.mktemp("failures")) as make:
        yield Gateway(make(env=KEYS, config=config), fakes)


@pytest.fixture(scope="module")
def outcomes(gateway, fakes):
    """What became of each case. Together, since some take their time."""
    def run(name, case):
        row, surface, kind = case
        fake = fakes.openai if kind == "openai" else fakes.anthropic
        fake.script(f"first-{name}", *behaviours(row))
        fakes.openai.script(f"backup-{name}", {"text": "from the backup"})
        first = (HASTY if row[0] == "stall" else FIRST)[kind]
        gateway.version(name, first, f"first-{name}", version="tested")
        if row[1] == "stream":
            return gateway.stream(surface, name)
        return gateway.post(surface, body_of(surface, name))

    with concurrent.futures.ThreadPoolExecutor(LANES) as pool:
        futures = {name: pool.submit(run, name, case) for name, case in zip(NAMES, CASES)}
    attempts = {}
    for entry in [*fakes.openai.received(), *fakes.anthropic.received()]:
        attempts[entry["model"]] = attempts.get(entry["model"], 0) + 1
    return {name: (future, attempts.get(f"first-{name}", 0), attempts.get(f"backup-{name}", 0))
            for name, future in futures.items()}


@pytest.mark.parametrize(("name", "case"), zip(NAMES, CASES), ids=NAMES)
def test_the_matrix(outcomes, name, case):
    (_, mode, _, outcome, first, second), surface, kind = case
    future, at_first, at_second = outcomes[name]
    answer = future.result()
    assert (at_first, at_second) == (first, second), answer
    if outcome.isdigit():
        assert answer.status == int(outcome), answer
        return
    assert answer.status == 200, answer
    assert answer.headers["x-podium-attempts"] == str(first + second)
    if mode == "whole":
        assert {"primary": "second thoughts", "backup": "from the backup"}[outcome] in json.dumps(
            answer.json)
        return
    assert not answer.cut
    if outcome == "frame":
        assert answer.text == "Hello from"[:len(answer.text)] and answer.text
        assert answer.error and not answer.ended_clean, answer.events[-1]
        assert "[DONE]" not in answer.body.decode()
    else:
        assert answer.text == {"primary": "second thoughts", "backup": "from the backup"}[outcome]
        assert answer.ended_clean and "Hello" not in answer.body.decode()


# ---- Errors as the SDKs' own classes.

# failure, status, class of the OpenAI SDK, its `code`; type that the Anthropic SDK reads
ERRORS = [
    ("auth", 503, "InternalServerError", "service_unavailable", "overloaded_error"),
    ("quota", 503, "InternalServerError", "service_unavailable", "overloaded_error"),
    ("rate_limit", 429, "RateLimitError", "rate_limit_exceeded", "rate_limit_error"),
    ("server", 503, "InternalServerError", "service_unavailable", "api_error"),
    ("overloaded", 503, "InternalServerError", "service_unavailable", "overloaded_error"),
    ("gateway_html", 503, "InternalServerError", "service_unavailable", "api_error"),
    ("timeout_html", 504, "InternalServerError", "timeout", "timeout_error"),
    ("bad_request", 400, "BadRequestError", None, "invalid_request_error"),
    ("context_length", 400, "BadRequestError", "context_length_exceeded", "invalid_request_error"),
    ("content_policy", 400, "BadRequestError", "content_filter", "invalid_request_error"),
    ("too_large", 413, "APIStatusError", "request_too_large", "request_too_large"),
]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("of", ["main", "claude"])
@pytest.mark.parametrize("row", ERRORS, ids=[e[0] for e in ERRORS])
def test_errors_are_the_sdks_own(gateway, row, of, streamed):
    failure, status, name, code, kind = row
    route = gateway.route(of, {"error": failure})
    with pytest.raises(openai.APIStatusError) as raised:
        gateway.openai().chat.completions.create(model=route, messages=ASK, stream=streamed)
    assert type(raised.value) is getattr(openai, name), raised.value
    assert (raised.value.status_code, raised.value.code) == (status, code)
    with pytest.raises(anthropic.APIStatusError) as raised:
        gateway.anthropic().messages.create(model=route, messages=ASK, max_tokens=9,
                                            stream=streamed)
    assert raised.value.status_code == status
    assert raised.value.body["error"]["type"] == kind


def test_nobody_there(gateway):
    """A port where nothing listens: the caller reads 503, soon."""
    route = gateway.name("r")
    gateway.version(route, "dead", "m")
    with pytest.raises(openai.InternalServerError) as raised:
        gateway.openai().chat.completions.create(model=route, messages=ASK)
    assert raised.value.status_code == 503 and "127.0.0.1" not in raised.value.message


def test_an_error_frame_raises_in_the_sdks(gateway):
    route = gateway.route("main", {"fault": "close", "at": 2})
    with pytest.raises(openai.APIError):
        list(gateway.openai().chat.completions.create(model=route, messages=ASK, stream=True))
    with pytest.raises(anthropic.APIError):
        with gateway.anthropic().messages.stream(model=route, messages=ASK, max_tokens=9) as stream:
            list(stream)
    with pytest.raises(openai.APIError):
        list(gateway.openai().responses.create(model=route, input="hi", stream=True))


# ---- Retry-After.

@pytest.mark.parametrize("variant", ["retry-after-ms", "x-ms-retry-after-ms", "retry-after", "date"])
def test_retry_after_is_waited_for(gateway, fakes, variant):
    wait, header = 0.3, {variant: "300"}
    if variant == "retry-after":
        wait, header = 1.0, {variant: "1"}
    if variant == "date":
        wait = 1.0
        header = {"Date": email.utils.formatdate(1_800_000_000, usegmt=True),
                  "Retry-After": email.utils.formatdate(1_800_000_001, usegmt=True)}
    route = gateway.route("main", {"error": "rate_limit", "headers": header}, {})
    begun = time.monotonic()
    answer = gateway.post("chat", body_of("chat", route))
    assert answer.status == 200 and answer.headers["x-podium-attempts"] == "2", answer
    assert time.monotonic() - begun >= wait


def test_a_long_retry_after_is_told_to_the_caller(gateway):
    """Nobody waits an hour within a call; the caller learns how long."""
    route = gateway.route("main", {"error": "rate_limit", "headers": {"Retry-After": "1800"}}, {})
    answer = gateway.post("chat", body_of("chat", route))
    assert answer.status == 429, answer
    assert answer.headers["retry-after"] == "1800"
    assert answer.headers["x-podium-attempts"] == "1"


def test_the_providers_own_advice_not_to_retry(gateway):
    route = gateway.route("main", {"error": "server", "headers": {"x-should-retry": "false"}}, {})
    answer = gateway.post("chat", body_of("chat", route))
    assert answer.status == 503 and answer.headers["x-podium-attempts"] == "1"


# ---- Breaker.

def test_who_fails_on_and_on_is_left_alone_then_tried_again(podium_bin, fakes, tmp_path):
    open_time = 0.3
    config = provider_config(
        fakes, routes=[("fragile", "backup", "breaker-backup")],
        more="llm:\n  retry_backoff: 5ms\n  retries: 0\n  breaker_failures: 3\n  breaker_open_time: 300ms\n")
    assert f"{open_time * 1000:.0f}ms" in config
    with serving(podium_bin, tmp_path) as make:
        # One core: each has a breaker of its own.
        gateway = Gateway(make(env={**KEYS, "PODIUM_SERVER_CORES": "1"}, config=config), fakes)
        fakes.openai.script("breaker-first", {"error": "server"})
        fakes.openai.script("breaker-backup", {"text": "from the backup"})
        gateway.version("fragile", "main", "breaker-first", version="tested")

        def ask():
            answer = gateway.post("chat", body_of("chat", "fragile"))
            assert answer.status == 200, answer
            return answer.json["choices"][0]["message"]["content"]

        begun = time.monotonic()
        assert {ask() for _ in range(30)} == {"from the backup"}
        # Three opened it; more came only as probes, one per time that it was open.
        probes = (time.monotonic() - begun) / open_time
        assert 3 <= len(fakes.openai.received("breaker-first")) <= 3 + probes
        fakes.openai.script("breaker-first", {"text": "well again"})
        wait_until(lambda: ask() == "well again", what="the breaker's closing")
        assert ask() == "well again"


# ---- Chains.

def test_a_tag_that_nothing_knows_goes_to_the_default_provider(podium_bin, fakes, tmp_path):
    with serving(podium_bin, tmp_path) as make:
        server = make(env=KEYS, config="default_provider: main\n" + provider_config(fakes))
        answer = Gateway(server, fakes).openai().chat.completions.create(
            model="gpt-unheard-of", messages=ASK)
        assert answer.choices[0].message.content == "Hello from the fake."
        assert fakes.openai.received("gpt-unheard-of")[0]["provider"] == "main"


@pytest.mark.parametrize("surface", ["chat", "responses", "messages", "embeddings"])
def test_unknown_routes_may_be_denied(podium_bin, fakes, tmp_path, surface):
    with serving(podium_bin, tmp_path) as make:
        server = make(env=KEYS, config="default_provider: main\nunknown_routes: deny\n" +
                      provider_config(fakes))
        answer = Gateway(server, fakes).post(surface, body_of(surface, "gpt-unknown"))
        assert answer.status == 404, answer
        words = outcome_words(answer)
        assert words["type"] == ("not_found_error" if surface == "messages"
                                 else "invalid_request_error")
        assert words.get("code", "model_not_found") == "model_not_found"


def test_a_configured_route_serves_without_any_row_of_ours(podium_bin, fakes, tmp_path):
    fakes.openai.script("seeded-model", {"text": "seeded"})
    with serving(podium_bin, tmp_path) as make:
        server = make(env=KEYS, config=provider_config(fakes, routes=[("seeded", "main",
                                                                       "seeded-model")]))
        answer = Gateway(server, fakes).openai().chat.completions.create(model="seeded", messages=ASK)
        assert answer.choices[0].message.content == "seeded"
        rows = server.get("/api/v1/versions?route=seeded").json["items"]
        assert [(r["provider_key"], r["upstream_model"], r["status"]) for r in rows] == [
            ("main", "seeded-model", "primary")]
        server.restart()
        assert len(server.get("/api/v1/versions?route=seeded").json["items"]) == 1
