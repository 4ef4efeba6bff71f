"""What may not pass: credentials either way, bodies that mislead, bodies too large, private addresses."""

import json
import pathlib

import pytest

from conftest import serving
from llm_gateway import (CALLERS_KEY, FILE_KEY, KEYS, OPENAI_KEY, PATHS, SECRETS, Gateway,
                         anthropic_fake, body_of, fakes, gateway, openai_fake,  # noqa: F401
                         outcome_words, provider, provider_config)

SURFACES = tuple(PATHS)
# All that a provider may see of a caller's head, and of us.
UPSTREAM_HEADERS = {"host", "content-type", "content-length", "accept", "authorization", "x-api-key",
                    "api-key", "user-agent", "traceparent", "tracestate", "anthropic-version",
                    "anthropic-beta", "x-request-id", "connection"}
# Whatever it says elsewhere is ours.
CALLER_HEADERS = {"content-type", "content-length", "date", "connection", "transfer-encoding",
                  "x-request-id", "retry-after", "server", "cache-control", "request-id",
                  "x-content-type-options", "vary"}
# What the fakes say of themselves that callers must not read.
TELLTALES = ("org-Secret42", "proj_secret123", "req_011CSecret", "req_upstream", "__cf_bm",
             "sk-fake", "127.0.0.1:")
CALLERS_HEAD = {
    "Authorization": f"Bearer {CALLERS_KEY}", "X-Api-Key": CALLERS_KEY, "Api-Key": CALLERS_KEY,
    "Proxy-Authorization": CALLERS_KEY, "Cookie": f"session={CALLERS_KEY}",
    "OpenAI-Organization": CALLERS_KEY, "OpenAI-Project": CALLERS_KEY,
    "X-Forwarded-For": "10.9.8.7", "Forwarded": "for=10.9.8.7", "X-Amz-Security-Token": CALLERS_KEY,
    "X-Custom": CALLERS_KEY, "X-Podium-Anything": CALLERS_KEY, "Referer": "http://inside.example/"}


def received_by(gateway, provider_name, route):
    row = gateway.server.get(f"/api/v1/versions?route={route}").json["items"][0]
    return gateway.fake_of(provider_name).received(row["upstream_model"])


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("name", "header", "credential"), [
    ("main", "authorization", f"Bearer {OPENAI_KEY}"),
    ("backup", "authorization", f"Bearer {FILE_KEY}"),
    ("azure", "api-key", OPENAI_KEY),
    ("claude", "x-api-key", KEYS["CLAUDE_KEY"]),
    ("spare", "x-api-key", None),
    ("bare", "authorization", None)])
def test_upstream_sees_our_credential_and_nothing_of_the_callers(gateway, name, header, credential,
                                                                  streamed):
    route = gateway.route(name)
    answer = gateway.post("chat", body_of("chat", route, streamed), headers=CALLERS_HEAD)
    assert answer.status == 200, answer
    (received,) = received_by(gateway, name, route)
    seen = {n.lower(): v for n, v in received["headers"]}
    assert seen.keys() <= UPSTREAM_HEADERS, seen.keys() - UPSTREAM_HEADERS
    assert len(seen) == len(received["headers"]), "a header came twice"
    credentials = {h: seen.get(h) for h in ("authorization", "x-api-key", "api-key")}
    assert credentials == {"authorization": None, "x-api-key": None, "api-key": None,
                           header: credential}
    assert CALLERS_KEY not in json.dumps(received)
    for text in ("10.9.8.7", "inside.example"):
        assert text not in json.dumps(received["headers"])


@pytest.mark.parametrize("failure", ["", "auth", "forbidden", "model_not_found", "rate_limit", "quota",
                                     "server"])
@pytest.mark.parametrize(("name", "surface"), [(n, s) for n in ("main", "claude") for s in SURFACES
                                               if (n, s) != ("claude", "embeddings")])
def test_callers_see_nothing_of_the_provider(gateway, name, failure, surface):
    route = gateway.route(name, {"error": failure})
    for streamed in (False, True) if surface != "embeddings" else (False,):
        answer = gateway.post(surface, body_of(surface, route, streamed))
        assert (answer.status == 200) == (failure == ""), answer
        names = {n for n in answer.headers if not n.startswith("x-podium-")}
        assert names <= CALLER_HEADERS, names - CALLER_HEADERS
        for secret in (*TELLTALES, *SECRETS):
            assert secret not in answer.text and secret not in json.dumps(answer.headers), answer


def test_secrets_are_nowhere(podium_bin, fakes, tmp_path):
    """After calls that went well and badly: no log line, page, metric or file holds a key."""
    key_file = tmp_path / "backup.key"
    key_file.write_text(FILE_KEY)
    with serving(podium_bin, tmp_path) as make:
        server = make(env={**KEYS, "PODIUM_LOG_LEVEL": "info"},
                      config=provider_config(fakes, key_file))
        gateway = Gateway(server, fakes)
        for name in ("main", "backup", "claude", "azure"):
            for behaviour in ({}, {"error": "auth"}, {"fault": "malformed", "at": 0},
                              {"fault": "reset"}):
                route = gateway.name(f"secrets-{name}")
                gateway.version(route, name, gateway.fake_of(name).script(route, behaviour))
                gateway.post("chat", body_of("chat", route), headers=CALLERS_HEAD)
                gateway.post("chat", body_of("chat", route, True), headers=CALLERS_HEAD)
        for path in ("/api/v1/status", "/metrics", "/readyz?verbose", "/api/v1/versions",
                     "/api/models/costs", "/internal/models/active", "/v1/models"):
            page = server.get(path)
            for secret in SECRETS:
                assert secret not in page.text, path
        server.stop()
        for secret in SECRETS:
            assert secret not in server.log_text
            for file in pathlib.Path(server.data).rglob("*"):
                assert not file.is_file() or secret.encode() not in file.read_bytes(), file


def test_private_addresses_need_an_allowance(podium_bin, fakes, tmp_path):
    port = fakes.openai.port
    closed = {f"closed-{i}": provider("openai", f"http://{host}:{port}/closed/v1",
                                      allow_private="false")
              for i, host in enumerate(("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"))}
    with serving(podium_bin, tmp_path) as make:
        gateway = Gateway(make(env=KEYS, config=provider_config(fakes, **closed)), fakes)
        before = len(fakes.openai.received())
        for name in closed:
            route = gateway.name("closed")
            gateway.version(route, name, "m")
            answer = gateway.post("chat", body_of("chat", route))
            assert answer.status == 503, answer
        assert [e for e in fakes.openai.received(after=before) if e["provider"] == "closed"] == []


def test_a_version_whose_credential_is_missing_is_not_ready(podium_bin, fakes, tmp_path):
    with serving(podium_bin, tmp_path) as make:
        gateway = Gateway(make(config=provider_config(fakes)), fakes)
        row = gateway.version("keyless", "main", "m", activate=False)
        answer = gateway.server.post(f"/api/v1/versions/{row['model_id']}/activate")
        assert answer.status == 422 and "MAIN_KEY" in answer.text, answer
        row = gateway.version("nowhere", "nobody", "m", activate=False)
        answer = gateway.server.post(f"/api/v1/versions/{row['model_id']}/activate")
        assert answer.status == 422 and "nobody" in answer.text, answer


# ---- Bodies.

BAD_BODIES = [
    b"", b" ", b"null", b"[]", b"1", b'"x"', b"{", b'{"model"', b"{}", b'{"model": null}',
    b'{"model": ""}', b'{"model": 7}', b'{"model": ["@R"]}', b'{"model": "@R"', b'{"model": "@R",}',
    b'{"model": "@R", "stream": "yes"}', b'{"model": "@R", "stream": 1}',
    b'{"model": "@R", "model": "@R"}', b'{"model": "@R", "Model": "other"}',
    b'{"MODEL": "@R"}', b'{"model": "@R", "stream": false, "Stream": true}',
    b'{"model": "@R", "stream": false, "stream": true}', b'{"model": "\xff\xfe"}',
    b'{"model": "@R"} trailing', b"\xef\xbb\xbf{", b"{" * 5000, b"[" * 100_000,
    b'{"model": "' + b"x" * 10_000 + b'"}', b'{"model": "a\\u0000b"}',
]
# Of fields that one surface has.
BAD_FIELDS = {
    "chat": [{"max_tokens": -1}, {"max_tokens": "many"}, {"n": 0}, {"n": 1.5}, {"n": 10**9},
             {"stream_options": 7, "stream": True}],
    "responses": [{"max_output_tokens": -1}],
    "messages": [{"max_tokens": -1}, {"max_tokens": "x"}],
    "embeddings": [],
}


@pytest.mark.parametrize("surface", SURFACES)
def test_bad_bodies_get_the_surfaces_own_error(gateway, surface):
    route = gateway.route("main")
    bodies = [b.replace(b"@R", route.encode()) for b in BAD_BODIES]
    if surface == "embeddings":  # It does not stream, so nobody reads `stream` there.
        bodies = [b for b in bodies if b"tream" not in b]
    bodies += [json.dumps({**body_of(surface, route), **f}).encode() for f in BAD_FIELDS[surface]]
    with gateway.server.line() as line:
        for body in bodies:
            answer = line.request("POST", PATHS[surface], body, {"Content-Type": "application/json"})
            assert answer.status in (400, 404), (body[:80], answer)
            words = outcome_words(answer)
            assert words["message"] and words["type"] in ("invalid_request_error", "not_found_error")
            assert answer.headers["content-type"].startswith("application/json")
            assert ("error" in answer.json) and (answer.json.get("type") == "error") == (
                surface == "messages")
        # The connection and the server are as before.
        good = line.request("POST", PATHS[surface], body_of(surface, route))
        assert good.status == 200, good
    assert len(received_by(gateway, "main", route)) == 1, "a bad body went upstream"


@pytest.mark.parametrize("surface", SURFACES)
def test_wrong_methods_and_types(gateway, surface):
    answer = gateway.server.get(PATHS[surface])
    assert answer.status == 405 and "POST" in answer.headers["allow"], answer
    outcome_words(answer)
    answer = gateway.server.request("POST", PATHS[surface], b"x=1", {"Content-Type": "text/plain"})
    assert answer.status == 415, answer
    outcome_words(answer)
    answer = gateway.server.get(PATHS[surface] + "/nothing")
    assert answer.status == 404, answer
    outcome_words(answer)


def large(surface, route, size):
    """A call of exactly `size` bytes."""
    body = json.dumps({**body_of(surface, route), "metadata": {"pad": "@"}}).encode()
    return body.replace(b"@", b"a" * (size - len(body) + 1))


@pytest.mark.parametrize(("surface", "streamed"), [(s, m) for s in SURFACES for m in (False, True)
                                                   if (s, m) != ("embeddings", True)])
def test_a_megabyte_passes(gateway, surface, streamed):
    route = gateway.route("main")
    body = json.loads(large(surface, route, 1 << 20)) | ({"stream": True} if streamed else {})
    answer = gateway.post(surface, body)
    assert answer.status == 200, answer
    assert len(received_by(gateway, "main", route)[0]["body"]) > (1 << 20) - 200 or \
        surface == "messages"


def test_a_megabyte_that_is_said_passes_translation(gateway):
    text = "word " * (1 << 18)
    for name in ("main", "claude"):
        for surface, field in (("chat", "messages"), ("messages", "messages")):
            route = gateway.route(name, {"text": text, "pieces": 100})
            body = {**body_of(surface, route), field: [{"role": "user", "content": text}]}
            answer = gateway.post(surface, body)
            assert answer.status == 200 and text in answer.text, answer
            assert text in received_by(gateway, name, route)[0]["body"]


@pytest.mark.parametrize("surface", SURFACES)
def test_bodies_at_the_limit_and_past_it(podium_bin, fakes, tmp_path, surface):
    limit = 300_000
    config = provider_config(fakes, more=f"llm:\n  max_body_bytes: {limit}\n")
    with serving(podium_bin, tmp_path) as make:
        gateway = Gateway(make(env=KEYS, config=config), fakes)
        gateway.version("r", "main", f"limit-{surface}")
        at = gateway.server.request("POST", PATHS[surface], large(surface, "r", limit),
                                    {"Content-Type": "application/json"})
        assert at.status == 200, at
        past = large(surface, "r", limit + 1)
        answer = gateway.server.request("POST", PATHS[surface], past,
                                        {"Content-Type": "application/json"})
        assert answer.status == 413, answer
        assert outcome_words(answer)["type"] == (
            "request_too_large" if surface == "messages" else "invalid_request_error")
        # Without its length told beforehand.
        chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(past), past)
        raw = gateway.server.raw(
            f"POST {PATHS[surface]} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n".encode() + chunked, close=False)
        assert raw.startswith(b"HTTP/1.1 413 "), raw[:200]
