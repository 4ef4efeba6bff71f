"""What both fakes share: scripts and records over HTTP, and answers that go wrong as told.

Control, on the same port (JSON):
    PUT  /_fake/script    {"model": M, "behaviours": [{...}, ...]}
    POST /_fake/release   {"model": M}         lets go on what `hold` holds
    GET  /_fake/requests?model=M               what was received, in order; all without a model
    GET  /_fake/requests?model=M&after=N       without the first N
    DELETE /_fake/requests
"""

import argparse
import asyncio
import dataclasses
import json
import pathlib
import sys
import urllib.parse

from behaviour import Memory
from http_server import Left, serve

ERRORS = json.loads((pathlib.Path(__file__).parent / "errors.json").read_text())
JSON_TYPE = [["Content-Type", "application/json"]]
EVENT_TYPE = [["Content-Type", "text/event-stream; charset=utf-8"], ["Cache-Control", "no-cache"]]


@dataclasses.dataclass
class Frame:
    """One server-sent event."""

    data: object         # A dict, or a text as it is.
    event: str = ""
    output: bool = False  # The caller of a model sees something of it: a token.


class Refusal(Exception):
    """A row of errors.json, with what is filled in."""

    def __init__(self, row, **words):
        super().__init__(row)
        self.row, self.words = row, words


def frame_bytes(frame, behaviour):
    end = b"\r\n" if behaviour.has("crlf") else b"\n"
    colon = b":" if behaviour.has("no_space") else b": "
    text = frame.data if isinstance(frame.data, str) else json.dumps(frame.data, ensure_ascii=False)
    datas = [text]
    if behaviour.has("two_lines") and text.startswith("{"):
        datas = [text[:1], text[1:]]
    lines = [b"event" + colon + frame.event.encode()] if frame.event else []
    lines += [b"data" + colon + part.encode() for part in datas]
    if behaviour.has("comments"):
        lines = [b": keep-alive", b"retry: 3000", b"id: 7", *lines]
    return b"".join(line + end for line in lines) + end


class FakeProvider:
    """Subclasses say what a path means and how this provider words an answer."""

    name = ""

    def __init__(self):
        self.memory = Memory()

    # What a subclass gives.
    def model_of(self, request, body):
        raise NotImplementedError

    def credential(self, request):
        raise NotImplementedError

    def check(self, request, body):
        """Raises Refusal for what the real one would not take either."""

    def whole(self, request, body, behaviour):
        raise NotImplementedError

    def frames(self, request, body, behaviour):
        """Yields the Frames of a stream; nothing of them goes wrong here."""
        raise NotImplementedError

    def error_frame(self, row):
        raise NotImplementedError

    def get(self, request):
        """The answer to a GET, or None."""

    async def handle(self, request, exchange):
        if request.provider == "_fake":
            return await self.control(request, exchange)
        if request.method == "GET":
            return await self.send_whole(exchange, self.get(request) or self.refusal("not_found"))
        try:
            body = json.loads(request.body)
        except ValueError:
            return await self.send_whole(exchange, self.refusal("bad_json"))
        model = self.model_of(request, body)
        exchange.entry = self.memory.record(request, model)
        behaviour = self.memory.next(model)
        exchange.split = behaviour.split
        try:
            await self.answer(request, body, model, behaviour, exchange)
            exchange.entry["done"] = True
        except Left:
            exchange.entry["left"] = True
            raise

    async def answer(self, request, body, model, behaviour, exchange):
        await self.pause(behaviour, "head", behaviour.head_delay, model, exchange)
        if behaviour.fault in ("close", "reset", "stall") and behaviour.at == "head":
            await self.break_off(behaviour, exchange)
        try:
            if behaviour.key and self.credential(request) != behaviour.key:
                raise Refusal("auth")
            if behaviour.error:
                raise Refusal(behaviour.error)
            self.check(request, body)
        except Refusal as refused:
            status, headers, text = self.refusal(refused.row, model=model, **refused.words)
            headers = headers + list(map(list, behaviour.headers.items()))
            return await self.send_whole(exchange, (status, headers, text))
        headers = [*self.own_headers(), *map(list, behaviour.headers.items())]
        if body.get("stream"):
            return await self.stream(request, body, model, behaviour, exchange, headers)
        text = json.dumps(self.whole(request, body, behaviour), ensure_ascii=False).encode()
        await self.send_broken(exchange, behaviour, model, headers, text)

    def own_headers(self):
        return []

    def refusal(self, row, model="", **words):
        found = ERRORS[self.name].get(row) or ERRORS["any"][row]
        body = found["body"]
        text = body if isinstance(body, str) else json.dumps(body)
        for key, value in {"model": model, **words}.items():
            text = text.replace("{" + key + "}", value)
        kind = "text/html" if isinstance(body, str) else "application/json"
        headers = [["Content-Type", kind], *self.own_headers()]
        headers += [[n, v] for n, v in found.get("headers", {}).items()]
        return found["status"], headers, text.encode()

    async def send_whole(self, exchange, answer):
        status, headers, text = answer
        await exchange.head(status, headers, len(text))
        await exchange.body(text)

    async def send_broken(self, exchange, behaviour, model, headers, text):
        await self.pause(behaviour, 0, behaviour.first_delay, model, exchange)
        if behaviour.fault in ("malformed", "error"):
            text = b'{"id": "x", "choices": [{' + b"\xff\xfe" * 3
        if behaviour.fault == "giant":
            text = text[:-1] + b', "padding": "' + b"x" * behaviour.giant_bytes + b'"}'
        await exchange.head(200, JSON_TYPE + headers, len(text))
        if behaviour.fault in ("close", "reset", "stall", "end"):
            await exchange.body(text[:len(text) // 2 if behaviour.at == "half" else behaviour.at])
            await self.break_off(behaviour, exchange)
        await exchange.body(text)

    async def stream(self, request, body, model, behaviour, exchange, headers):
        await exchange.head(200, EVENT_TYPE + headers)
        tokens = 0
        for frame in self.frames(request, body, behaviour):
            if frame.output:
                delay = behaviour.gap if tokens else behaviour.first_delay
                await self.pause(behaviour, tokens, delay, model, exchange)
                if behaviour.fault and behaviour.at == tokens:
                    if not await self.go_wrong(behaviour, exchange):
                        return
                tokens += 1
            await exchange.body(frame_bytes(frame, behaviour))
        await self.pause(behaviour, "end", 0, model, exchange)
        await exchange.end()

    async def go_wrong(self, behaviour, exchange):
        """Does what the fault says; True: the stream goes on."""
        if behaviour.fault == "giant":
            giant = Frame({"object": "giant", "padding": "x" * behaviour.giant_bytes})
            await exchange.body(frame_bytes(giant, behaviour))
            return True
        if behaviour.fault == "malformed":
            await exchange.body(frame_bytes(Frame('{"id": "x", "choices": [{'), behaviour))
            return True
        if behaviour.fault == "error":
            await exchange.body(frame_bytes(self.error_frame("server"), behaviour))
        if behaviour.fault in ("error", "end"):
            await exchange.end()
            return False
        await self.break_off(behaviour, exchange)

    async def break_off(self, behaviour, exchange):
        if behaviour.fault == "stall":
            await exchange.wait(asyncio.Event().wait())
        exchange.close(reset=behaviour.fault == "reset")

    async def pause(self, behaviour, where, delay, model, exchange):
        if delay:
            await exchange.wait(asyncio.sleep(delay))
        if behaviour.hold == where:
            await exchange.wait(self.memory.gates[model].wait())

    async def control(self, request, exchange):
        said = json.loads(request.body or b"{}")
        asked = dict(urllib.parse.parse_qsl(request.query))
        memory, out = self.memory, {}
        match request.method, request.path:
            case "PUT", "/script":
                memory.script(said["model"], said["behaviours"])
            case "POST", "/release":
                memory.gates[said["model"]].set()
            case "GET", "/requests":
                found = [e for e in memory.received if asked.get("model") in (None, e["model"])]
                out = found[int(asked.get("after", 0)):]
            case "DELETE", "/requests":
                memory.received.clear()
            case _:
                return await self.send_whole(exchange, (404, JSON_TYPE, b"{}"))
        await self.send_whole(exchange, (200, JSON_TYPE, json.dumps(out).encode()))


async def run(provider, port):
    server, port = await serve(provider.handle, port)
    print(f"http://127.0.0.1:{port}", flush=True)
    # Whoever started us ends us by closing our stdin, however it ended itself.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


def main(provider):
    parser = argparse.ArgumentParser(description=f"A fake of {provider.name}'s API: prints its address, "
                                                 "serves until its stdin ends.")
    parser.add_argument("--port", type=int, default=0)
    asyncio.run(run(provider, parser.parse_args().port))
