"""`podium chat`: what it shows, what it says when things go wrong, and that it obeys no model."""

import re

import pytest

from conftest import clean_environment, make_two
from llm_gateway import anthropic_fake, fakes, gateway, openai_fake  # noqa: F401
from terminal import Terminal

SAID = "Grüße, 世界 👋 from afar."
ASK = "Say hello, please."


@pytest.fixture
def chat(gateway, podium):
    def call(*args, **options):
        return podium("chat", *args, server=gateway.server, **options)
    return call


@pytest.mark.parametrize("provider", ["main", "claude"])
@pytest.mark.parametrize("flags", [[], ["--no-stream"]])
def test_an_answer_and_who_gave_it(gateway, chat, provider, flags):
    route = gateway.route(provider, {"text": SAID, "pieces": 9})
    ended = chat(route, ASK, *flags)
    assert ended.code == 0, ended
    assert ended.out == SAID + "\n"
    line = ended.err.strip()
    assert re.fullmatch(rf"{route}, version 1 \({provider}/m-\d+\), 1 attempt, 3 \+ \d+ tokens, "
                        rf"cost unknown, {'' if flags else 'first token [0-9.]+ s, '}total [0-9.]+ s",
                        line), line


def test_what_it_sends(gateway, chat):
    route = gateway.route("main")
    ended = chat(route, "Say", "hello,", "please.", "--system", "Be brief.", "--max-tokens", 50,
                 "--temperature", "0.5", "--session", "alice")
    assert ended.code == 0, ended
    row = gateway.server.get(f"/api/v1/versions?route={route}").json["items"][0]
    (received,) = gateway.fakes.openai.received(row["upstream_model"])
    assert received["json"] == {
        "model": row["upstream_model"], "stream": True, "stream_options": {"include_usage": True},
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": ASK}],
        "max_completion_tokens": 50, "temperature": 0.5}


def test_json_is_one_object_with_everything(gateway, chat):
    route = gateway.route("main", {"text": SAID})
    model = gateway.server.get(f"/api/v1/versions?route={route}").json["items"][0]["upstream_model"]
    gateway.server.put("/api/v1/prices", {"provider": "main", "model": model, "input": "1000",
                                          "output": "2000"})
    for flags in (["--json"], ["--json", "--no-stream"], ["-o", "json"]):
        told = chat(route, ASK, *flags).json
        assert told["text"] == SAID and told["finish_reason"] == "stop"
        assert (told["route"], told["version"], told["provider"], told["model"]) == (
            route, "1", "main", model)
        usage = told["usage"]
        assert usage["input_tokens"] == 3 and usage["output_tokens"] > 0
        assert told["cost_usd"] == round(usage["input_tokens"] * 0.001
                                         + usage["output_tokens"] * 0.002, 6)
        assert told["attempts"] == 1 and told["request_id"]
        assert (told["first_token_ms"] is None) == ("--no-stream" in flags)
        assert told["total_ms"] >= (told["first_token_ms"] or 0)
        assert "error" not in told


def test_a_version_can_be_forced_and_a_fallback_is_told(gateway, chat):
    route = gateway.name("r")
    good = gateway.script("backup", {"text": "good"})
    bad = gateway.script("main", {"error": "overloaded"})
    gateway.version(route, "backup", good, "good")
    gateway.version(route, "main", bad, "bad")
    ended = chat(route, ASK)
    assert (ended.code, ended.out) == (0, "good\n"), ended
    assert re.search(r"version good \(backup/m-\d+\), \d attempts, fell back \(previous_primary\)",
                     ended.err), ended.err
    assert chat(route, ASK, "--version", "good", "--json").json["reason"] == "override"
    refused = chat(route, ASK, "--version", "bad")
    assert refused.code != 0 and refused.out == ""
    assert refused.err.startswith("error: ") and "{" not in refused.err, refused.err


@pytest.mark.parametrize("fault", ["close", "error", "malformed", "end"])
def test_a_cut_answer_is_never_taken_for_a_whole_one(gateway, chat, fault):
    route = gateway.route("main", {"text": "one two three four", "fault": fault, "at": 2})
    ended = chat(route, ASK)
    assert ended.code == 1, ended
    assert ended.out.startswith("one two") and "four" not in ended.out and ended.out.endswith("\n")
    assert "error: the answer was cut: " in ended.err and "request id: " in ended.err, ended.err
    told = chat(route, ASK, "--json")
    assert told.code == 1
    assert told.json["text"].startswith("one two") and "cut" in told.json["error"]


@pytest.mark.parametrize("args,code,words", [
    (["nothng", ASK], 5, "there is no route nothng"),
    (["number", ASK], 1, "number"),
    (["--version", "9", "number", ASK], 5, "no version 9"),
    (["number", "--temperature", "2.1", ASK], 2, "temperature"),
    (["number", "--temperature", "nan", ASK], 2, "temperature"),
    (["number", "--max-tokens", "0", ASK], 2, "max-tokens"),
    (["number", " "], 2, "the question is empty"),
    ([], 2, "ROUTE"),
])
def test_an_error_says_what_is_wrong(server, register, podium, args, code, words):
    make_two(server, register)
    ended = podium("chat", *args, server=server)
    assert ended.code == code and ended.out == "", ended
    assert ended.err.startswith("error: ") and words in ended.err and '{"' not in ended.err, ended.err


def test_where_nobody_listens(podium, server):
    server.stop()
    ended = podium("chat", "any", ASK, server=server)
    assert ended.code == 7 and "no Podium server answers" in ended.err, ended


def test_a_question_can_be_piped(gateway, chat):
    route = gateway.route("main", {"text": "ok"})
    assert chat(route, stdin="Say hello, please.\n").out == "ok\n"
    assert chat(route, stdin="\n").code == 2
    row = gateway.server.get(f"/api/v1/versions?route={route}").json["items"][0]
    (received,) = gateway.fakes.openai.received(row["upstream_model"])
    assert received["json"]["messages"] == [{"role": "user", "content": ASK}]


def test_the_answer_comes_while_the_model_still_speaks(gateway, podium_bin):
    route = gateway.route("main", {"text": "one two", "pieces": 2, "hold": 1})
    row = gateway.server.get(f"/api/v1/versions?route={route}").json["items"][0]
    terminal = talk(podium_bin, gateway, route, ASK)
    try:
        terminal.read_until(lambda said: b"one" in said)
        assert b"two" not in terminal.bytes
        gateway.fakes.openai.release(row["upstream_model"])
        terminal.read_until(lambda said: False)
        assert terminal.process.wait(120) == 0
    finally:
        terminal.close()


def talk(podium_bin, gateway, *args, width=80, height=24):
    env = clean_environment({"PODIUM_ADDR": gateway.server.addr, "TERM": "xterm"})
    return Terminal([podium_bin, "chat", *args], env, width, height)


def test_no_model_steers_the_terminal(gateway, podium_bin, chat):
    nasty = "a\x1b[2J\x1b]0;title\x07b\rc\x9bd\u202e"
    route = gateway.route("main", {"text": nasty})
    terminal = talk(podium_bin, gateway, route, ASK)
    try:
        terminal.read_until(lambda said: False)
        assert terminal.process.wait(120) == 0
    finally:
        terminal.close()
    said = terminal.bytes.decode()
    assert "a^[[2J^[]0;title^Gb^Mc<U+009B>d<U+202E>" in said, said
    # What is left is ours: the pale line.
    assert re.findall(r"\x1b[^m]*m", said) == ["\x1b[2m", "\x1b[0m"] == re.findall(r"\x1b...", said)
    piped = chat(route, ASK).out  # A file gets what was said; Python reads CR as a line's end.
    assert piped == nasty.replace("\r", "\n") + "\n"


def test_a_conversation_on_a_terminal(gateway, podium_bin):
    model = gateway.script("main", {"text": "first"}, {"error": "overloaded"}, {"error": "overloaded"},
                           {"text": "second"}, {"text": "third"})
    route = gateway.name("r")
    gateway.version(route, "main", model)
    terminal = talk(podium_bin, gateway, route)

    def ask(line, until):
        seen = len(terminal.bytes)
        terminal.type(line + "\r")
        terminal.read_until(lambda said: until in said[seen:] and said.endswith(b"> "))
    try:
        terminal.read_until(lambda said: said.endswith(b"> "))
        ask("one?", b"first")
        ask("two?", b"error: ")
        ask("", b"> ")
        ask("/help", b"/reset forgets")
        ask("three?", b"second")
        ask("/reset", b"begun anew")
        ask("four?", b"third")
        terminal.type("/exit\r")
        terminal.read_until(lambda said: False)
        assert terminal.process.wait(120) == 0
    finally:
        terminal.close()
    heard = [[m["content"] for m in entry["json"]["messages"]]
             for entry in gateway.fakes.openai.received(model)]
    # What got no answer was never asked; a new beginning knows nothing.
    assert heard == [["one?"], ["one?", "first", "two?"], ["one?", "first", "two?"],
                     ["one?", "first", "three?"], ["four?"]], heard


@pytest.mark.parametrize("end", ["\x04", "\x03"])
def test_a_conversation_ends_with_a_key(gateway, podium_bin, end):
    terminal = talk(podium_bin, gateway, gateway.route("main"))
    try:
        terminal.read_until(lambda said: said.endswith(b"> "))
        terminal.type(end)
        terminal.read_until(lambda said: False)
        assert terminal.process.wait(120) == (0 if end == "\x04" else 130)
    finally:
        terminal.close()
