"""A fake of Anthropic's Messages: whole and streamed, tools, thinking with signatures, cache classes."""

import base64
import hashlib
import itertools
import json

from behaviour import words
from provider import ERRORS, JSON_TYPE, FakeProvider, Frame, Refusal, main


def signature_of(thinking):
    """What the real one signs with: it takes no thinking back whose signature does not fit."""
    return base64.b64encode(hashlib.sha256(thinking.encode()).digest()).decode()


class AnthropicFake(FakeProvider):
    name = "anthropic"

    def __init__(self):
        super().__init__()
        self.numbers = itertools.count(1)

    def model_of(self, request, body):
        return str(body.get("model", ""))

    def credential(self, request):
        return request.header("x-api-key")

    def own_headers(self):
        return [["request-id", "req_upstream"], ["anthropic-organization-id", "org-Secret42"],
                ["set-cookie", "__cf_bm=secret; path=/"]]

    def check(self, request, body):
        if request.path != "/v1/messages":
            raise Refusal("not_found")
        if not request.header("anthropic-version"):
            raise Refusal("invalid", param="anthropic-version", message="header is required")
        if not isinstance(body.get("max_tokens"), int):
            raise Refusal("invalid", param="max_tokens", message="Field required")
        if not body.get("messages"):
            raise Refusal("invalid", param="messages", message="at least one message is required")
        check_turns(body["messages"])

    def get(self, request):
        if request.path != "/v1/models":
            return None
        models = [{"type": "model", "id": m, "display_name": m, "created_at": "2026-01-01T00:00:00Z"}
                  for m in self.memory.scripts]
        return 200, JSON_TYPE, json.dumps({"data": models, "has_more": False, "first_id": None,
                                           "last_id": None}).encode()

    def whole(self, request, body, behaviour):
        blocks = blocks_of(next(self.numbers), body, behaviour)
        message = envelope(blocks[0], body)
        return {**message, "content": blocks[1], "stop_reason": stop_of(blocks[1], behaviour),
                "usage": usage_of(body, behaviour, len(list(behaviour.texts())))}

    def frames(self, request, body, behaviour):
        return frames(next(self.numbers), body, behaviour)

    def error_frame(self, row):
        return Frame(ERRORS["anthropic"][row]["body"], "error")


def check_turns(messages):
    """What the real one checks of a history: roles, and that thinking comes back as it was given."""
    for index, message in enumerate(messages):
        if message.get("role") not in ("user", "assistant"):
            raise Refusal("bad_request")
        content = message.get("content")
        for place, block in enumerate(content if isinstance(content, list) else []):
            if block.get("type") == "thinking" and block.get("signature") != signature_of(block["thinking"]):
                raise Refusal("invalid", param=f"messages.{index}.content.{place}",
                              message="Invalid `signature` in `thinking` block")
            if block.get("type") == "text" and not block.get("text"):
                raise Refusal("invalid", param=f"messages.{index}",
                              message="text content blocks must be non-empty")


def envelope(number, body):
    return {"id": f"msg_{number:06}", "type": "message", "role": "assistant",
            "model": body["model"], "content": [], "stop_reason": None, "stop_sequence": None}


def tools_of(body, behaviour):
    """As scripted; else the first tool that is offered, until its result is in."""
    if behaviour.tools:
        return behaviour.tools
    last = body["messages"][-1]["content"]
    answered = isinstance(last, list) and any(b.get("type") == "tool_result" for b in last)
    offered = [t for t in body.get("tools") or [] if "input_schema" in t]
    if not offered or answered or (body.get("tool_choice") or {}).get("type") == "none":
        return []
    return [[offered[0]["name"], '{"city": "Zürich"}']]


def blocks_of(number, body, behaviour):
    """(number, the content of the answer)."""
    blocks = []
    if behaviour.thinking:
        blocks.append({"type": "thinking", "thinking": behaviour.thinking,
                       "signature": signature_of(behaviour.thinking)})
    tools = tools_of(body, behaviour)
    if not tools:
        text = behaviour.text if behaviour.repeat == 0 else "".join(behaviour.texts())
        blocks.append({"type": "text", "text": text})
    for index, (name, arguments) in enumerate(tools):
        blocks.append({"type": "tool_use", "id": f"toolu_{number}_{index}", "name": name,
                       "input": json.loads(arguments)})
    return number, blocks


def stop_of(blocks, behaviour):
    used = any(b["type"] == "tool_use" for b in blocks)
    return behaviour.finish or ("tool_use" if used else "end_turn")


def usage_of(body, behaviour, output):
    said = {"input": words(body["messages"]) + words(body.get("system")), "output": output,
            "cache_read": 0, "write_5m": 0, "write_1h": 0, **behaviour.usage}
    return {"input_tokens": said["input"], "cache_read_input_tokens": said["cache_read"],
            "cache_creation_input_tokens": said["write_5m"] + said["write_1h"],
            "cache_creation": {"ephemeral_5m_input_tokens": said["write_5m"],
                               "ephemeral_1h_input_tokens": said["write_1h"]},
            "output_tokens": said["output"], "service_tier": "standard"}


def frames(number, body, behaviour):
    _, blocks = blocks_of(number, body, behaviour)
    usage = usage_of(body, behaviour, 1)  # The real one's placeholder.
    usage["output_tokens"] = 1
    yield named({"type": "message_start", "message": {**envelope(number, body), "usage": usage}})
    if behaviour.has("pings"):
        yield named({"type": "ping"})
    produced = 0
    for index, block in enumerate(blocks):
        yield named({"type": "content_block_start", "index": index, "content_block": opened(block)})
        for delta in deltas(block, behaviour):
            produced += 1
            # An empty piece shows nothing.
            yield named({"type": "content_block_delta", "index": index, "delta": delta},
                        output=any(delta[k] for k in delta if k != "type"))
            if behaviour.has("pings"):
                yield named({"type": "ping"})
        yield named({"type": "content_block_stop", "index": index})
    if not behaviour.has("no_finish"):
        final = usage_of(body, behaviour, produced)
        yield named({"type": "message_delta",
                     "delta": {"stop_reason": stop_of(blocks, behaviour), "stop_sequence": None},
                     "usage": {} if behaviour.has("no_usage") else
                     {"output_tokens": final["output_tokens"]}})
    if not behaviour.has("no_done"):
        yield named({"type": "message_stop"})


def named(data, output=False):
    return Frame(data, data["type"], output)


def opened(block):
    """A block as content_block_start shows it."""
    empty = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""},
             "tool_use": {"input": {}}}
    return {**block, **empty[block["type"]]}


def deltas(block, behaviour):
    match block["type"]:
        case "text":
            for piece in behaviour.texts():
                yield {"type": "text_delta", "text": piece}
        case "thinking":
            yield {"type": "thinking_delta", "thinking": block["thinking"]}
            yield {"type": "signature_delta", "signature": block["signature"]}
        case "tool_use":
            text = json.dumps(block["input"], ensure_ascii=False)
            yield {"type": "input_json_delta", "partial_json": ""}
            for at in range(0, len(text), 7):
                yield {"type": "input_json_delta", "partial_json": text[at:at + 7]}


if __name__ == "__main__":
    main(AnthropicFake())
