"""The table decides which model answers: canary, promotion, rollback, explain, while calls go on."""

import collections
import concurrent.futures
import threading

from conftest import done, likely, wait_until
from llm_gateway import anthropic_fake, fakes, gateway, openai_fake  # noqa: F401
from test_llm_streams import open_stream, read_until

CALLERS = 4
ASK = [{"role": "user", "content": "Say hello, please."}]


def two_versions(gateway, old, new):
    """A route whose primary says "old", and a second version that says "new": (route, ids)."""
    route = gateway.name("r")
    first = gateway.version(route, old, gateway.script(old, {"text": "old"}), "1")
    second = gateway.version(route, new, gateway.script(new, {"text": "new"}), "2", activate=False)
    return route, first["model_id"], second["model_id"]


def said(gateway, route, session):
    answer = gateway.openai().chat.completions.with_raw_response.create(
        model=route, messages=ASK, extra_headers={"X-Session-Id": session})
    return answer.parse().choices[0].message.content, answer.headers


def test_a_canary_of_another_provider_gets_its_share_and_keeps_its_sessions(gateway):
    route, _, second = two_versions(gateway, "main", "claude")
    done(gateway.server.put(f"/api/v1/routes/{route}/canary", {"model_id": second,
                                                               "traffic_pct": 50}))
    seen = {}
    for turn in range(2):
        for number in range(40):
            text, headers = said(gateway, route, f"session-{number}")
            assert headers["x-podium-canary"] == {"old": "false", "new": "true"}[text]
            assert headers["x-podium-version"] == {"old": "1", "new": "2"}[text]
            assert (text == "new") == (int(headers["x-podium-bucket"]) < 5000)
            assert seen.setdefault(number, text) == text
    least, most = likely(40, 0.5)
    assert least <= list(seen.values()).count("new") <= most


def test_promote_and_rollback_move_traffic_without_a_failure(gateway):
    """Callers ask without pause, in both modes; each answer is whole and of one version, and after
    the verb has answered, of the new one alone."""
    route, _, second = two_versions(gateway, "main", "claude")
    stop, wrong, count = threading.Event(), [], collections.Counter()

    def call(streamed):
        client = gateway.openai()
        while not stop.is_set():
            try:
                if streamed:
                    chunks = client.chat.completions.create(model=route, messages=ASK, stream=True)
                    text = "".join(c.choices[0].delta.content or "" for c in chunks)
                else:
                    text = client.chat.completions.create(
                        model=route, messages=ASK).choices[0].message.content
                count[text] += 1
                if text not in ("old", "new"):
                    wrong.append(text)
            except Exception as error:  # Whatever it is, a caller has seen it.
                wrong.append(error)

    with concurrent.futures.ThreadPoolExecutor(CALLERS) as pool:
        lanes = [pool.submit(call, n % 2 == 0) for n in range(CALLERS)]
        try:
            for _ in range(3):
                wait_until(lambda now=count["old"]: count["old"] > now + 8, what="calls of the old")
                done(gateway.server.put(f"/api/v1/routes/{route}/canary",
                                        {"model_id": second, "traffic_pct": 10}))
                done(gateway.server.post(f"/api/v1/versions/{second}/promote"))
                assert said(gateway, route, "s")[0] == "new"
                wait_until(lambda now=count["new"]: count["new"] > now + 8, what="calls of the new")
                done(gateway.server.post(f"/api/v1/routes/{route}/rollback"))
                assert said(gateway, route, "s")[0] == "old"
        finally:
            stop.set()
        for lane in lanes:
            lane.result()
    assert wrong == []


def test_a_stream_stays_with_the_version_that_began_it(gateway):
    """INV-14: a promotion in the middle of an answer does not change who gives it."""
    route = gateway.name("r")
    model = gateway.script("main", {"text": "onetwo", "pieces": 2, "hold": 1})
    gateway.version(route, "main", model, "1")
    second = gateway.version(route, "claude", gateway.script("claude", {"text": "new"}), "2",
                             activate=False)["model_id"]
    done(gateway.server.put(f"/api/v1/routes/{route}/canary", {"model_id": second, "traffic_pct": 0}))
    with open_stream(gateway, "chat", route) as caller:
        got = read_until(caller, b"one")
        done(gateway.server.post(f"/api/v1/versions/{second}/promote"))
        assert said(gateway, route, "s")[0] == "new"
        gateway.fakes.openai.release(model)
        assert b"two" in read_until(caller, b"[DONE]", got)


def test_an_override_picks_the_version(gateway):
    route, _, _ = two_versions(gateway, "main", "claude")
    for version, text in (("1", "old"), ("2", "new")):
        answer = gateway.openai().chat.completions.create(
            model=route, messages=ASK, extra_headers={"X-Podium-Model-Version": version})
        assert answer.choices[0].message.content == text


def test_what_failed_is_counted_against_the_version_that_failed(gateway):
    """The canary fails, the primary answers: the failure is the canary's, the caller sees none."""
    route = gateway.name("r")
    gateway.version(route, "main", gateway.script("main", {"text": "old"}), "1")
    bad = gateway.version(route, "main", gateway.script("main", {"error": "auth"}), "2",
                          activate=False)["model_id"]
    done(gateway.server.put(f"/api/v1/routes/{route}/canary", {"model_id": bad, "traffic_pct": 100}))
    text, headers = said(gateway, route, "s")
    assert (text, headers["x-podium-version"], headers["x-podium-attempts"]) == ("old", "1", "2")
    assert gateway.metric("podium_requests_total", route=route, model_version="2",
                          outcome="error") == 1
    assert gateway.metric("podium_requests_total", route=route, model_version="1",
                          outcome="ok") == 1
