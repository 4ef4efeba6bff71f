"""Each surface, whole and streamed, by the SDKs that callers have, over each kind of provider."""

import json

import pytest

from llm_gateway import (CALLERS_KEY, anthropic_fake, body_of, fakes, gateway,  # noqa: F401
                         openai_fake)

PROVIDERS = ("main", "claude")
SAID = "Grüße, 世界 👋 from afar."
ASK = [{"role": "user", "content": "Say hello, please."}]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CHAT_TOOL = {"type": "function", "function": {"name": "weather", "description": "Of a city.",
                                              "parameters": PARAMETERS}}
RESPONSE_TOOL = {"type": "function", "name": "weather", "parameters": PARAMETERS, "strict": False}
MESSAGE_TOOL = {"name": "weather", "description": "Of a city.", "input_schema": PARAMETERS}
IMAGE = "data:image/png;base64,iVBORw0KGgo="


def only_request(gateway, provider, route):
    """What the provider of a route's one version received, once."""
    row = gateway.server.get(f"/api/v1/versions?route={route}").json["items"][0]
    found = gateway.fake_of(provider).received(row["upstream_model"])
    assert len(found) == 1, found
    return found[0]


# ---- Chat completions.

@pytest.mark.parametrize("provider", PROVIDERS)
def test_chat_answers_whole(gateway, provider):
    route = gateway.route(provider, {"text": SAID})
    answer = gateway.openai().chat.completions.create(model=route, messages=ASK, max_tokens=50)
    assert answer.choices[0].message.content == SAID
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.prompt_tokens == 3 and answer.usage.total_tokens > 3


@pytest.mark.parametrize("provider", PROVIDERS)
def test_chat_answers_streamed(gateway, provider):
    route = gateway.route(provider, {"text": SAID, "pieces": 9})
    with gateway.openai().chat.completions.stream(
            model=route, messages=ASK, stream_options={"include_usage": True}) as stream:
        pieces = [e.delta for e in stream if e.type == "content.delta"]
        answer = stream.get_final_completion()
    assert "".join(pieces) == answer.choices[0].message.content == SAID
    assert len(pieces) > 5
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.prompt_tokens == 3 and answer.usage.completion_tokens > 0


@pytest.mark.parametrize("provider", PROVIDERS)
def test_usage_is_asked_for_upstream_and_kept_from_who_did_not_ask(gateway, provider):
    route = gateway.route(provider, {"text": SAID})
    chunks = list(gateway.openai().chat.completions.create(model=route, messages=ASK, stream=True))
    assert all(c.choices for c in chunks)
    assert all(c.usage is None for c in chunks)
    if provider == "main":
        assert only_request(gateway, provider, route)["json"]["stream_options"] == {
            "include_usage": True}


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("streamed", [False, True])
def test_chat_calls_tools_and_takes_their_results(gateway, provider, streamed):
    route = gateway.route(provider, {"text": "Sunny."})
    client = gateway.openai().chat.completions

    def ask(messages):
        if not streamed:
            return client.create(model=route, messages=messages, tools=[CHAT_TOOL])
        with client.stream(model=route, messages=messages, tools=[CHAT_TOOL]) as stream:
            return stream.get_final_completion()

    first = ask(ASK).choices[0]
    assert first.finish_reason == "tool_calls"
    call = first.message.tool_calls[0]
    assert call.function.name == "weather" and call.id
    assert json.loads(call.function.arguments) == {"city": "Zürich"}
    second = ask([*ASK, {"role": "assistant", "tool_calls": [
        {"id": call.id, "type": "function",
         "function": {"name": "weather", "arguments": call.function.arguments}}]},
        {"role": "tool", "tool_call_id": call.id, "content": "25 degrees"}]).choices[0]
    assert (second.finish_reason, second.message.content) == ("stop", "Sunny.")


def test_chat_gives_many_answers_with_log_probabilities(gateway):
    route = gateway.route("main", {"text": SAID})
    answer = gateway.openai().chat.completions.create(model=route, messages=ASK, n=3, logprobs=True)
    assert [c.index for c in answer.choices] == [0, 1, 2]
    assert "".join(t.token for t in answer.choices[2].logprobs.content) == SAID
    indexes = set()
    for chunk in gateway.openai().chat.completions.create(model=route, messages=ASK, n=2,
                                                          stream=True, logprobs=True):
        indexes |= {c.index for c in chunk.choices}
    assert indexes == {0, 1}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_chat_takes_images(gateway, provider):
    route = gateway.route(provider)
    gateway.openai().chat.completions.create(model=route, messages=[{"role": "user", "content": [
        {"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": IMAGE}}]}])
    part = only_request(gateway, provider, route)["json"]["messages"][0]["content"][1]
    if provider == "main":
        assert part == {"type": "image_url", "image_url": {"url": IMAGE}}
    else:
        assert part == {"type": "image", "source": {"type": "base64", "media_type": "image/png",
                                                    "data": IMAGE.partition(",")[2]}}


def test_unknown_fields_pass_untouched(gateway):
    route = gateway.route("main")
    body = ('{"vendor": {"big": 12345678901234567890, "float": 1.0, "text": "\\u00e9"},  '
            f'"model": "{route}", "messages": [{{"role": "user", "content": "hi", "extra": []}}]}}')
    answer = gateway.server.request("POST", "/v1/chat/completions", body.encode(),
                                    {"Content-Type": "application/json"})
    assert answer.status == 200, answer
    received = only_request(gateway, "main", route)
    assert received["body"] == body.replace(route, received["model"])


def test_thinking_survives_the_round_trip_with_its_signature(gateway):
    """The fake refuses thinking whose signature does not fit, as the real one does."""
    route = gateway.route("claude", {"thinking": "Ponder: über alles.", "text": "Sunny."})
    client = gateway.openai().chat.completions
    first = client.create(model=route, messages=ASK, tools=[CHAT_TOOL]).choices[0].message
    assert first.model_extra["podium_thinking"]
    history = [*ASK, first.model_dump(exclude_none=True),
               {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": "25 degrees"}]
    assert client.create(model=route, messages=history, tools=[CHAT_TOOL]) \
        .choices[0].message.content == "Sunny."


# ---- Embeddings.

def test_embeddings(gateway):
    route = gateway.route("main")
    answer = gateway.openai().embeddings.create(model=route, input=["one", "two words"],
                                                dimensions=5)
    assert [len(d.embedding) for d in answer.data] == [5, 5]
    assert answer.usage.prompt_tokens == 3


# ---- Responses.

@pytest.mark.parametrize("provider", PROVIDERS)
def test_responses_answer_whole(gateway, provider):
    route = gateway.route(provider, {"text": SAID})
    answer = gateway.openai(_strict_response_validation=True).responses.create(
        model=route, input="Say hello, please.", instructions="Be brief.")
    assert answer.output_text == SAID and answer.status == "completed"
    assert answer.usage.input_tokens in (3, 5) and answer.usage.output_tokens > 0


@pytest.mark.parametrize("provider", PROVIDERS)
def test_responses_answer_streamed(gateway, provider):
    route = gateway.route(provider, {"text": SAID, "pieces": 9})
    with gateway.openai(_strict_response_validation=True).responses.stream(
            model=route, input="Say hello, please.") as stream:
        pieces = [e.delta for e in stream if e.type == "response.output_text.delta"]
        answer = stream.get_final_response()
    assert "".join(pieces) == answer.output_text == SAID
    assert len(pieces) > 5 and answer.usage.output_tokens > 0


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("streamed", [False, True])
def test_responses_call_tools(gateway, provider, streamed):
    route = gateway.route(provider)
    client = gateway.openai().responses
    if streamed:
        with client.stream(model=route, input="Weather?", tools=[RESPONSE_TOOL]) as stream:
            answer = stream.get_final_response()
    else:
        answer = client.create(model=route, input="Weather?", tools=[RESPONSE_TOOL])
    call = next(o for o in answer.output if o.type == "function_call")
    assert call.name == "weather" and json.loads(call.arguments) == {"city": "Zürich"}


# ---- Messages.

@pytest.mark.parametrize("provider", PROVIDERS)
def test_messages_answer_whole(gateway, provider):
    route = gateway.route(provider, {"text": SAID})
    answer = gateway.anthropic(_strict_response_validation=True).messages.create(
        model=route, messages=ASK, max_tokens=50, system="Be brief.")
    assert [(b.type, b.text) for b in answer.content] == [("text", SAID)]
    assert answer.stop_reason == "end_turn"
    assert answer.usage.input_tokens == 5 and answer.usage.output_tokens > 0


@pytest.mark.parametrize("provider", PROVIDERS)
def test_messages_answer_streamed(gateway, provider):
    route = gateway.route(provider, {"text": SAID, "pieces": 9})
    with gateway.anthropic(_strict_response_validation=True).messages.stream(
            model=route, messages=ASK, max_tokens=50) as stream:
        pieces = list(stream.text_stream)
        answer = stream.get_final_message()
    assert "".join(pieces) == answer.content[0].text == SAID
    assert len(pieces) > 5
    assert answer.stop_reason == "end_turn" and answer.usage.output_tokens > 1


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("streamed", [False, True])
def test_messages_use_tools_and_take_their_results(gateway, provider, streamed):
    route = gateway.route(provider, {"text": "Sunny."})
    client = gateway.anthropic().messages

    def ask(messages):
        said = {"model": route, "max_tokens": 50, "messages": messages, "tools": [MESSAGE_TOOL]}
        if not streamed:
            return client.create(**said)
        with client.stream(**said) as stream:
            return stream.get_final_message()

    first = ask(ASK)
    assert first.stop_reason == "tool_use"
    use = next(b for b in first.content if b.type == "tool_use")
    assert (use.name, use.input) == ("weather", {"city": "Zürich"})
    second = ask([*ASK, {"role": "assistant", "content": first.model_dump(exclude_none=True)["content"]},
                  {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use.id,
                                                "content": "25 degrees"}]}])
    assert (second.stop_reason, second.content[0].text) == ("end_turn", "Sunny.")


@pytest.mark.parametrize("streamed", [False, True])
def test_thinking_passes_with_its_signature(gateway, streamed):
    route = gateway.route("claude", {"thinking": "Ponder.", "text": "Sunny.", "quirks": ["pings"]})
    said = {"model": route, "max_tokens": 2000, "thinking": {"type": "enabled", "budget_tokens": 1024},
            "messages": ASK, "tools": [MESSAGE_TOOL]}
    client = gateway.anthropic().messages
    if streamed:
        with client.stream(**said) as stream:
            first = stream.get_final_message()
    else:
        first = client.create(**said)
    assert first.content[0].type == "thinking" and first.content[0].signature
    said["messages"] = [*ASK, {"role": "assistant", "content": first.content},
                        {"role": "user", "content": [{"type": "tool_result", "content": "25",
                                                      "tool_use_id": first.content[-1].id}]}]
    assert client.create(**said).content[-1].text == "Sunny."


def test_classes_of_cached_tokens_come_through(gateway):
    usage = {"input": 20, "cache_read": 300, "write_5m": 40, "write_1h": 50, "output": 7}
    route = gateway.route("claude", {"usage": usage})
    native = gateway.anthropic().messages.create(model=route, messages=ASK, max_tokens=9).usage
    assert (native.input_tokens, native.cache_read_input_tokens,
            native.cache_creation_input_tokens) == (20, 300, 90)
    chat = gateway.openai().chat.completions.create(model=route, messages=ASK).usage
    assert (chat.prompt_tokens, chat.completion_tokens) == (410, 7)
    assert chat.prompt_tokens_details.cached_tokens == 300


# ---- Models, names, Azure.

def test_both_sdks_list_the_models(gateway):
    route = gateway.route("main")
    assert route in [m.id for m in gateway.openai().models.list()]
    assert route in [m.id for m in gateway.anthropic().models.list()]


def test_a_header_names_the_route(gateway):
    route = gateway.route("main", {"text": "by header"})
    answer = gateway.openai().chat.completions.create(
        model="whatever", messages=ASK, extra_headers={"X-Podium-Route": route})
    assert answer.choices[0].message.content == "by header"


def test_azure_paths(gateway):
    route = gateway.route("azure", {"key": "sk-upstream-OPENAI-7c1f0d"})
    gateway.openai().chat.completions.create(model=route, messages=ASK)
    received = only_request(gateway, "azure", route)
    assert received["path"] == f"/openai/deployments/{received['model']}/chat/completions"
    assert received["query"] == "api-version=2026-01-01"


@pytest.mark.parametrize("surface", ["chat", "responses", "messages", "embeddings"])
def test_the_headers_of_an_answer_tell_the_decision(gateway, surface):
    route = gateway.route("main")
    answer = gateway.post(surface, body_of(surface, route),
                          headers={"Authorization": f"Bearer {CALLERS_KEY}"})
    assert answer.status == 200, answer
    told = answer.headers
    assert told["x-podium-route"] == route and told["x-podium-version"] == "1"
    assert told["x-podium-canary"] == "false" and told["x-podium-attempts"] == "1"
    assert told["x-podium-reason"] and told["x-podium-model"] and told["x-request-id"]
    assert 0 <= int(told["x-podium-bucket"]) < 10000 and int(told["x-podium-generation"]) > 0
    assert 0 < int(told["x-podium-overhead-us"]) < 5_000_000
