"""A gateway over fake providers, as the tests of language models use it.

Fixtures (import them by name)
    openai_fake, anthropic_fake   the fakes of tests/fakes, one process each for the whole run
    fakes                         both: .openai, .anthropic
    gateway                       one Podium for the module, with the providers of `provider_config`

Everything that a test scripts hangs on names of its own (`gateway.name()`): routes and upstream
models, and with them breakers and records, are not shared between tests.
"""

import http.client
import itertools
import json
import pathlib
import sys
import types

import anthropic
import openai
import pytest

from conftest import metric, scrape, serving

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "fakes"))
from client import Fake  # noqa: E402

# No other text of a run looks like these: so they are found wherever they leak to.
OPENAI_KEY = "sk-upstream-OPENAI-7c1f0d"
ANTHROPIC_KEY = "sk-upstream-ANTHROPIC-93ab2e"
FILE_KEY = "sk-upstream-FILE-55d0c4"
CALLERS_KEY = "sk-caller-4b7e19"
SECRETS = (OPENAI_KEY, ANTHROPIC_KEY, FILE_KEY, CALLERS_KEY)

PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages",
         "embeddings": "/v1/embeddings"}


@pytest.fixture(scope="session")
def openai_fake():
    with Fake("openai") as fake:
        yield fake


@pytest.fixture(scope="session")
def anthropic_fake():
    with Fake("anthropic") as fake:
        yield fake


@pytest.fixture(scope="session")
def fakes(openai_fake, anthropic_fake):
    return types.SimpleNamespace(openai=openai_fake, anthropic=anthropic_fake)


def provider(kind, url, **fields):
    """The lines of one provider."""
    lines = {"kind": kind, "base_url": url, "allow_private": "true", **fields}
    return "".join(f"    {key}: {value}\n" for key, value in lines.items())


def provider_config(fakes, key_file=None, routes=(), more="", **providers):
    """A configuration: `main`, `backup` and `bare` are OpenAI's, `claude` and `spare` Anthropic's.

    `bare` has no credential. `routes`: (tag, provider, model) of routes.<tag>.default.
    """
    base = fakes.openai.base_url
    known = {
        "main": provider("openai", base("main"), api_key_env="MAIN_KEY"),
        "backup": provider("openai", base("backup"),
                           **({"api_key_file": key_file} if key_file else {})),
        "bare": provider("openai", base("bare")),
        "azure": provider("openai", base("azure", ""), api_key_env="MAIN_KEY", azure="true",
                          api_version="2026-01-01"),
        "claude": provider("anthropic", fakes.anthropic.base_url("claude"),
                           api_key_env="CLAUDE_KEY"),
        "spare": provider("anthropic", fakes.anthropic.base_url("spare")),
        **providers,
    }
    text = "providers:\n" + "".join(f"  {name}:\n{lines}" for name, lines in known.items())
    if routes:
        text += "routes:\n" + "".join(
            f"  {tag}:\n    default: {{provider: {name}, model: {model}}}\n"
            for tag, name, model in routes)
    return text + (more or "llm:\n  retry_backoff: 10ms\n  retry_backoff_max: 2s\n")


KEYS = {"MAIN_KEY": OPENAI_KEY, "CLAUDE_KEY": ANTHROPIC_KEY}


class Gateway:
    """A Podium with providers, and what tests do with it."""

    def __init__(self, server, fakes):
        self.server, self.fakes = server, fakes
        self.numbers = itertools.count(1)

    def name(self, prefix="m"):
        """A name that no other test has."""
        return f"{prefix}-{next(self.numbers)}"

    def version(self, route, provider, model, version="1", activate=True, **fields):
        """A version of the route that lives at a provider; gives its row."""
        body = {"route": route, "name": route, "version": version, "provider_key": provider,
                "upstream_model": model, **fields}
        answer = self.server.post("/api/v1/versions", body)
        assert answer.status == 201, answer
        row = answer.json
        if activate:
            answer = self.server.post(f"/api/v1/versions/{row['model_id']}/activate")
            assert answer.status == 200, answer
        return row

    def route(self, provider, *behaviours):
        """A new route whose one version is a model of the provider that behaves like that."""
        route = self.name("r")
        return self.version(route, provider, self.script(provider, *behaviours))["route"]

    def fake_of(self, provider):
        return self.fakes.anthropic if provider in ("claude", "spare") else self.fakes.openai

    def script(self, provider, *behaviours):
        """A new upstream model there."""
        return self.fake_of(provider).script(self.name(), *behaviours)

    def openai(self, **options):
        """As a team has it that changed nothing but the address. No retries: ours are looked at."""
        return openai.OpenAI(**{"base_url": self.server.url + "/v1", "api_key": CALLERS_KEY,
                                "max_retries": 0, "timeout": 120, **options})

    def anthropic(self, **options):
        return anthropic.Anthropic(**{"base_url": self.server.url, "api_key": CALLERS_KEY,
                                      "max_retries": 0, "timeout": 120, **options})

    def metric(self, name, **labels):
        return metric(scrape(self.server), name, **labels)

    def post(self, surface, body, **options):
        return self.server.request("POST", PATHS[surface], body, **options)

    def stream(self, surface, model, **fields):
        """A streamed call, read to its end as bytes."""
        connection = http.client.HTTPConnection(self.server.host, self.server.port, timeout=120)
        try:
            connection.request("POST", PATHS[surface], json.dumps(body_of(surface, model, True) | fields),
                               {"Content-Type": "application/json"})
            response = connection.getresponse()
            return Stream(response, read_all(response))
        finally:
            connection.close()


def read_all(response):
    """The body; None when the connection ended before it did."""
    got = b""
    try:
        while piece := response.read1(65536):
            got += piece
    except (http.client.IncompleteRead, ConnectionError):
        return None
    return got


def body_of(surface, model, stream=False):
    """The smallest call of a surface."""
    turn = [{"role": "user", "content": "Say hello, please."}]
    body = {"chat": {"messages": turn}, "messages": {"messages": turn, "max_tokens": 100},
            "responses": {"input": "Say hello, please."}, "embeddings": {"input": "hello"}}[surface]
    return {"model": model, **body, **({"stream": True} if stream else {})}


class Stream:
    """What a streamed call gave. `cut`: the connection ended before the body did."""

    def __init__(self, response, body):
        self.status = response.status
        self.headers = {n.lower(): v for n, v in response.getheaders()}
        self.cut = body is None
        self.body = body or b""
        self.events = [parse_event(e) for e in self.body.decode().split("\n\n") if e] \
            if self.status == 200 else []

    @property
    def text(self):
        """What was said, on any surface."""
        said = ""
        for _, data in self.events:
            if isinstance(data, dict):
                for choice in data.get("choices") or []:
                    said += choice["delta"].get("content") or ""
                if data.get("type") == "response.output_text.delta":
                    said += data["delta"]
                said += (data.get("delta") or {}).get("text", "") \
                    if data.get("type") == "content_block_delta" else ""
        return said

    @property
    def error(self):
        """The error object of the last event, if it is one."""
        data = self.events[-1][1] if self.events else None
        return data.get("error") if isinstance(data, dict) else None

    @property
    def ended_clean(self):
        """By the surface's own clean end."""
        event, data = self.events[-1] if self.events else ("", None)
        return data == "[DONE]" or event in ("message_stop", "response.completed")


def parse_event(text):
    name, data = "", []
    for line in text.split("\n"):
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
        else:
            raise AssertionError(f"not a field that Podium writes: {line!r}")
    joined = "\n".join(data)
    return name, joined if joined == "[DONE]" else json.loads(joined)


@pytest.fixture(scope="module")
def gateway(podium_bin, fakes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gateway")
    key_file = folder / "backup.key"
    key_file.write_text(FILE_KEY + "\n")
    with serving(podium_bin, folder) as make:
        yield Gateway(make(env=KEYS, config=provider_config(fakes, key_file)), fakes)


def outcome_words(answer):
    """The error object of an answer that is not streamed, whatever the surface; asserts its shape."""
    body = answer.json
    if body.get("type") == "error":
        assert set(body["error"]) == {"type", "message"}, body
        return body["error"]
    assert set(body["error"]) == {"message", "type", "param", "code"}, body
    return body["error"]
