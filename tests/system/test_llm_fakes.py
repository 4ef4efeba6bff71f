"""The fakes themselves, without Podium: the real SDKs read them strictly, and raise what they should."""

import json

import anthropic
import openai
import pytest

from conftest import wait_until
from llm_gateway import anthropic_fake, openai_fake  # noqa: F401

ASK = [{"role": "user", "content": "Say hello, please."}]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}


@pytest.fixture(scope="module")
def to_openai(openai_fake):
    return openai.OpenAI(base_url=openai_fake.base_url("direct"), api_key="k", max_retries=0,
                         timeout=120, _strict_response_validation=True)


@pytest.fixture(scope="module")
def to_anthropic(anthropic_fake):
    return anthropic.Anthropic(base_url=anthropic_fake.base_url("direct", ""), api_key="k",
                               max_retries=0, timeout=120, _strict_response_validation=True)


def test_openai_whole_and_streamed(to_openai):
    whole = to_openai.chat.completions.create(model="direct", messages=ASK, n=2, logprobs=True)
    assert whole.choices[1].message.content == "Hello from the fake."
    with to_openai.chat.completions.stream(model="direct", messages=ASK,
                                           stream_options={"include_usage": True}) as stream:
        list(stream)
        final = stream.get_final_completion()
    assert final.choices[0].message.content == "Hello from the fake."
    assert final.usage.total_tokens == 7  # 3 words, 4 pieces
    assert to_openai.responses.create(model="direct", input="hi").output_text == "Hello from the fake."
    tool = {"type": "function", "name": "weather", "parameters": PARAMETERS}
    with to_openai.responses.stream(model="direct", input="hi", tools=[tool]) as stream:
        list(stream)
        call = stream.get_final_response().output[0]
    assert json.loads(call.arguments) == {"city": "Zürich"}


def test_anthropic_whole_and_streamed(to_anthropic):
    tool = {"name": "weather", "input_schema": PARAMETERS}
    said = {"model": "direct?thinking=Hm", "max_tokens": 9, "messages": ASK, "tools": [tool]}
    with to_anthropic.messages.stream(**said) as stream:
        list(stream)
        streamed = stream.get_final_message()
    whole = to_anthropic.messages.create(**said)
    for answer in (streamed, whole):
        assert [b.type for b in answer.content] == ["thinking", "tool_use"]
        assert answer.content[1].input == {"city": "Zürich"} and answer.stop_reason == "tool_use"
    forged = [{"type": "thinking", "thinking": "Hm", "signature": "forged"}]
    with pytest.raises(anthropic.BadRequestError, match="signature"):
        to_anthropic.messages.create(model="direct", max_tokens=9, messages=[
            *ASK, {"role": "assistant", "content": forged}, *ASK])


@pytest.mark.parametrize(("error", "openais", "anthropics"), [
    ("auth", "AuthenticationError", "AuthenticationError"),
    ("rate_limit", "RateLimitError", "RateLimitError"),
    ("overloaded", "InternalServerError", "OverloadedError"),
    ("context_length", "BadRequestError", "BadRequestError"),
    ("gateway_html", "InternalServerError", "InternalServerError")])
def test_errors_are_those_of_the_real_ones(to_openai, to_anthropic, error, openais, anthropics):
    with pytest.raises(openai.APIStatusError) as raised:
        to_openai.chat.completions.create(model=f"direct?error={error}", messages=ASK)
    assert type(raised.value).__name__ == openais
    with pytest.raises(anthropic.APIStatusError) as raised:
        to_anthropic.messages.create(model=f"direct?error={error}", messages=ASK, max_tokens=9)
    assert type(raised.value).__name__ == anthropics


@pytest.mark.parametrize("fault", ["close", "reset", "malformed", "error"])
@pytest.mark.parametrize("at", [0, 2])
def test_a_stream_breaks_where_it_is_told(to_openai, fault, at):
    """A caller of a provider that lies sees an error: what Podium has to spare ours."""
    client = openai.OpenAI(base_url=to_openai.base_url, api_key="k", max_retries=0, timeout=120)
    chunks = []
    with pytest.raises(Exception):  # Of the SDK, its HTTP library or its JSON parser: as they please.
        for chunk in client.chat.completions.create(model=f"direct?fault={fault}&at={at}",
                                                    messages=ASK, stream=True):
            chunks.append(chunk)
    assert sum(bool(c.choices[0].delta.content) for c in chunks) <= at


def test_what_came_is_recorded_as_it_came(to_openai, openai_fake):
    model = openai_fake.script("recorded", {"error": "server"}, {})
    with pytest.raises(openai.InternalServerError):
        to_openai.chat.completions.create(model=model, messages=ASK, user="somebody")
    assert to_openai.chat.completions.create(model=model, messages=ASK).choices
    first, second = wait_until(lambda: (found := openai_fake.received(model))[1]["done"] and found,
                               what="the end of the second")
    assert first["json"]["user"] == "somebody" and "user" not in second["json"]
    assert ["authorization", "Bearer k"] in [[n.lower(), v] for n, v in first["headers"]]
    assert second["provider"] == "direct" and second["done"] and second["sent"] > 0
