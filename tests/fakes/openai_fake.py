"""A fake of OpenAI's API, and of what speaks like it: chat completions, embeddings, responses, models.

Azure's paths too: `/openai/deployments/D/chat/completions?api-version=…` is the model D.
"""

import base64
import hashlib
import itertools
import json
import re
import struct

from behaviour import words
from provider import ERRORS, JSON_TYPE, FakeProvider, Frame, Refusal, main

CREATED = 1_790_000_000
AZURE = re.compile(r"/openai/deployments/([^/]+)/(chat/completions|embeddings)$")


class OpenAiFake(FakeProvider):
    name = "openai"

    def __init__(self):
        super().__init__()
        self.numbers = itertools.count(1)

    def model_of(self, request, body):
        found = AZURE.search(request.path)
        return found.group(1) if found else str(body.get("model", ""))

    def credential(self, request):
        return request.header("api-key") or (request.header("authorization") or "")[len("Bearer "):]

    def own_headers(self):
        return [["openai-organization", "org-Secret42"], ["openai-processing-ms", "12"],
                ["x-request-id", "req_upstream"], ["set-cookie", "__cf_bm=secret; path=/"],
                ["x-ratelimit-remaining-tokens", "149984"]]

    def endpoint(self, request):
        azure = AZURE.search(request.path)
        return azure.group(2) if azure else request.path.removeprefix("/v1/")

    def check(self, request, body):
        if AZURE.search(request.path) and "api-version=" not in request.query:
            raise Refusal("not_found")
        match self.endpoint(request):
            case "chat/completions":
                check_chat(body)
            case "embeddings" | "responses":
                if not body.get("input"):
                    raise Refusal("invalid", param="input", message="Missing required parameter: 'input'.")
            case _:
                raise Refusal("not_found")

    def get(self, request):
        if request.path != "/v1/models":
            return None
        models = [{"id": m, "object": "model", "created": CREATED, "owned_by": "fake"}
                  for m in self.memory.scripts]
        return 200, JSON_TYPE, json.dumps({"object": "list", "data": models}).encode()

    def whole(self, request, body, behaviour):
        kind = self.endpoint(request)
        answer = {"chat/completions": chat, "embeddings": embeddings, "responses": response}[kind]
        return answer(next(self.numbers), self.model_of(request, body), body, behaviour)

    def frames(self, request, body, behaviour):
        stream = response_frames if self.endpoint(request) == "responses" else chat_frames
        return stream(next(self.numbers), self.model_of(request, body), body, behaviour)

    def error_frame(self, row):
        return Frame(ERRORS["openai"][row]["body"])


def check_chat(body):
    if not body.get("messages"):
        raise Refusal("invalid", param="messages", message="Invalid 'messages': empty array.")
    if "stream_options" in body and not body.get("stream"):
        raise Refusal("invalid", param="stream_options",
                      message="The 'stream_options' parameter is only allowed when 'stream' is enabled.")
    if "max_tokens" in body and "max_completion_tokens" in body:
        raise Refusal("invalid", param="max_tokens", message="Setting 'max_tokens' and "
                      "'max_completion_tokens' at the same time is not supported.")


def calls_of(body, behaviour):
    """The tools that the answer calls: as scripted; else the first offered, until its result is in."""
    if behaviour.tools:
        return behaviour.tools
    last = (body.get("messages") or body.get("input") or [{}])[-1]
    answered = isinstance(last, dict) and (
        last.get("role") == "tool" or last.get("type") == "function_call_output")
    offered = [t for t in body.get("tools") or [] if t.get("type") == "function"]
    if not offered or answered or body.get("tool_choice") == "none":
        return []
    first = offered[0].get("function", offered[0])
    return [[first["name"], '{"city": "Zürich"}']]


def usage_of(body, behaviour, pieces):
    prompt = words(body.get("messages") or body.get("input"))
    said = {"prompt": prompt, "completion": pieces, "cached": 0, "reasoning": 0, **behaviour.usage}
    return said


def chat_usage(said):
    return {"prompt_tokens": said["prompt"], "completion_tokens": said["completion"],
            "total_tokens": said["prompt"] + said["completion"],
            "prompt_tokens_details": {"cached_tokens": said["cached"], "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": said["reasoning"], "audio_tokens": 0,
                                          "accepted_prediction_tokens": 0,
                                          "rejected_prediction_tokens": 0}}


def logprobs_of(pieces):
    return {"content": [{"token": p, "logprob": -0.25, "bytes": list(p.encode()), "top_logprobs": []}
                        for p in pieces], "refusal": None}


def chat(number, model, body, behaviour):
    pieces, calls = list(behaviour.texts()), calls_of(body, behaviour)
    message = {"role": "assistant", "content": None if calls else "".join(pieces), "refusal": None,
               "annotations": []}
    if behaviour.thinking:
        message["reasoning_content"] = behaviour.thinking
    if calls:
        message["tool_calls"] = [tool_call(number, i, *c) for i, c in enumerate(calls)]
    finish = behaviour.finish or ("tool_calls" if calls else "stop")
    choices = [{"index": i, "message": message, "logprobs": logprobs_of(pieces)
                if body.get("logprobs") else None, "finish_reason": finish}
               for i in range(body.get("n") or 1)]
    answer = {"id": f"chatcmpl-{number}", "object": "chat.completion", "created": CREATED,
              "model": model, "choices": choices, "service_tier": "default",
              "system_fingerprint": "fp_44709d6fcb"}
    if not behaviour.has("no_usage"):
        answer["usage"] = chat_usage(usage_of(body, behaviour, len(pieces) * len(choices)))
    return answer


def tool_call(number, index, name, arguments):
    return {"id": f"call_{number}_{index}", "type": "function",
            "function": {"name": name, "arguments": arguments}}


def chat_deltas(number, body, behaviour):
    """(delta, is output) of one choice, in order, without the finish."""
    yield {"role": "assistant", "content": "", "refusal": None}, False
    if behaviour.thinking:
        yield {"reasoning_content": behaviour.thinking}, True
    calls = calls_of(body, behaviour)
    for index, (name, arguments) in enumerate(calls):
        yield {"tool_calls": [{"index": index, **tool_call(number, index, name, "")}]}, True
        for at in range(0, len(arguments), 7):
            yield {"tool_calls": [{"index": index,
                                   "function": {"arguments": arguments[at:at + 7]}}]}, True
    if not calls:
        for piece in behaviour.texts():
            yield {"content": piece}, True


def chat_frames(number, model, body, behaviour):
    options = body.get("stream_options") or {}
    asked = options.get("include_usage") and not behaviour.has("no_usage")
    head = {"id": f"chatcmpl-{number}", "object": "chat.completion.chunk", "created": CREATED,
            "model": model, "service_tier": "default", "system_fingerprint": "fp_44709d6fcb"}

    def frame(choices, output=False, usage=None):
        return Frame({**head, "choices": choices, **({"usage": usage} if asked else {})},
                     output=output)

    if behaviour.has("choices_null"):
        yield Frame({**head, "choices": None, "prompt_filter_results": []})
    choices = body.get("n") or 1
    produced = 0
    for delta, output in chat_deltas(number, body, behaviour):
        for index in range(choices):
            choice = {"index": index, "delta": delta, "finish_reason": None}
            if body.get("logprobs"):
                choice["logprobs"] = logprobs_of([delta["content"]]) if output else None
            produced += output
            yield frame([choice], output)
    said = chat_usage(usage_of(body, behaviour, produced))
    finish = behaviour.finish or ("tool_calls" if calls_of(body, behaviour) else "stop")
    if behaviour.has("usage_with_content"):
        yield frame([{"index": 0, "delta": {"content": "!"}, "finish_reason": finish}], True, said)
    else:
        if not behaviour.has("no_finish"):
            for index in range(choices):
                yield frame([{"index": index, "delta": {}, "finish_reason": finish}])
        if asked:
            yield frame([], usage=said)
    if not behaviour.has("no_done"):
        yield Frame("[DONE]")


def embeddings(number, model, body, behaviour):
    inputs = body["input"] if isinstance(body["input"], list) else [body["input"]]
    data = []
    for index, text in enumerate(inputs):
        seed = hashlib.sha256(json.dumps(text).encode()).digest()
        vector = [(b - 128) / 128 for b in itertools.islice(itertools.cycle(seed),
                                                            body.get("dimensions") or 8)]
        if body.get("encoding_format") == "base64":
            vector = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
        data.append({"object": "embedding", "index": index, "embedding": vector})
    prompt = usage_of(body, behaviour, 0)["prompt"]
    return {"object": "list", "data": data, "model": model,
            "usage": {"prompt_tokens": prompt, "total_tokens": prompt}}


def response_items(number, body, behaviour):
    """The output items of a response, whole."""
    items = []
    if behaviour.thinking:
        items.append({"id": f"rs_{number}", "type": "reasoning",
                      "summary": [{"type": "summary_text", "text": behaviour.thinking}]})
    for index, (name, arguments) in enumerate(calls_of(body, behaviour)):
        items.append({"id": f"fc_{number}_{index}", "type": "function_call", "status": "completed",
                      "call_id": f"call_{number}_{index}", "name": name, "arguments": arguments})
    if not any(i["type"] == "function_call" for i in items):
        text = "".join(behaviour.texts())
        items.append({"id": f"msg_{number}", "type": "message", "status": "completed",
                      "role": "assistant",
                      "content": [{"type": "output_text", "text": text, "annotations": [],
                                   "logprobs": []}]})
    return items


def response(number, model, body, behaviour, status="completed", items=None):
    if items is None:
        items = response_items(number, body, behaviour)
    said = usage_of(body, behaviour, behaviour.pieces)
    usage = {"input_tokens": said["prompt"],
             "input_tokens_details": {"cached_tokens": said["cached"], "cache_write_tokens": 0},
             "output_tokens": said["completion"],
             "output_tokens_details": {"reasoning_tokens": said["reasoning"]},
             "total_tokens": said["prompt"] + said["completion"]}
    return {"id": f"resp_{number}", "object": "response", "created_at": CREATED, "status": status,
            "error": None, "incomplete_details": None, "instructions": body.get("instructions"),
            "max_output_tokens": body.get("max_output_tokens"), "model": model, "output": items,
            "parallel_tool_calls": True, "previous_response_id": None,
            "reasoning": {"effort": None, "summary": None}, "store": True, "temperature": 1.0,
            "text": {"format": {"type": "text"}}, "tool_choice": "auto",
            "tools": body.get("tools") or [], "top_p": 1.0, "truncation": "disabled",
            "usage": None if status != "completed" or behaviour.has("no_usage") else usage,
            "user": None, "metadata": {}}


def response_frames(number, model, body, behaviour):
    sequence = itertools.count()

    def frame(kind, output=False, **fields):
        return Frame({"type": kind, "sequence_number": next(sequence), **fields}, kind, output)

    begun = response(number, model, body, behaviour, "in_progress", [])
    yield frame("response.created", response=begun)
    yield frame("response.in_progress", response=begun)
    for index, item in enumerate(response_items(number, body, behaviour)):
        place = {"output_index": index}
        if item["type"] == "message":
            yield from message_frames(frame, place, item, behaviour)
        elif item["type"] == "function_call":
            yield from call_frames(frame, place, item)
        else:
            yield frame("response.output_item.added", item={**item, "summary": []}, **place)
            yield frame("response.output_item.done", item=item, **place)
    if not behaviour.has("no_done"):
        whole = response(number, model, body, behaviour)
        yield frame("response.completed", response=whole)


def message_frames(frame, place, item, behaviour):
    part = {"item_id": item["id"], **place, "content_index": 0}
    empty = {**item["content"][0], "text": ""}
    yield frame("response.output_item.added", **place,
                item={**item, "status": "in_progress", "content": []})
    yield frame("response.content_part.added", part=empty, **part)
    for piece in behaviour.texts():
        yield frame("response.output_text.delta", True, delta=piece, logprobs=[], **part)
    text = item["content"][0]["text"]
    yield frame("response.output_text.done", text=text, logprobs=[], **part)
    yield frame("response.content_part.done", part=item["content"][0], **part)
    yield frame("response.output_item.done", item=item, **place)


def call_frames(frame, place, item):
    part = {"item_id": item["id"], **place}
    yield frame("response.output_item.added", True, **place,
                item={**item, "status": "in_progress", "arguments": ""})
    for at in range(0, len(item["arguments"]), 7):
        yield frame("response.function_call_arguments.delta", True,
                    delta=item["arguments"][at:at + 7], **part)
    yield frame("response.function_call_arguments.done", arguments=item["arguments"],
                name=item["name"], **part)
    yield frame("response.output_item.done", item=item, **place)


if __name__ == "__main__":
    main(OpenAiFake())
