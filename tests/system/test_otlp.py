"""OpenTelemetry as an operator has it: a collector, Podium between a caller and a provider.

What is exported is read by the protocol's own definition; see tests/fakes/otlp_collector.py.
"""

import itertools
import pathlib
import socket
import sys
import time

import pytest

from conftest import MODELS, ROOT, metric, scrape, wait_until
from llm_gateway import (CALLERS_KEY, KEYS, SECRETS, Gateway, anthropic_fake, body_of,  # noqa: F401
                         fakes, openai_fake, provider_config)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "fakes"))
from otlp_collector import Collector, metrics_of, traces_of  # noqa: E402

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{CALLER}-01"
COLLECTOR_KEY = "collector-credential-71d0"
SERVER, CLIENT, ERROR = 2, 3, 2
PROMPT = "Say hello, please."  # Of body_of.
USER = "user-that-nobody-may-see"
NUMBERS = itertools.count(100_000)  # The fakes remember: no model's name is used twice.
NOW = {"OTEL_BSP_SCHEDULE_DELAY": "50", "OTEL_METRIC_EXPORT_INTERVAL": "100"}


@pytest.fixture
def collector():
    with Collector() as running:
        yield running


def gateway_of(server, fakes):  # noqa: F811
    gateway = Gateway(server, fakes)
    gateway.numbers = NUMBERS
    return gateway


@pytest.fixture
def traced(make_server, fakes, collector):  # noqa: F811
    """A gateway that exports to the collector; called with more environment."""
    def make(routes=(), **env):
        server = make_server(env={**KEYS, **NOW, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **env},
                             config=provider_config(fakes, routes=routes))
        return gateway_of(server, fakes)
    return make


def below(spans, parent, kind):
    return [span for span in spans if span.parent == parent and span.kind == kind]


def call_span(collector, trace=TRACE):
    """The server span of the one call of a trace, once it and all below it are there."""
    return wait_until(lambda: next((s for s in collector.spans()
                                    if s.trace == trace and s.kind == SERVER), None),
                      what="the call's span")


def test_golden_files_are_otlp():
    data = ROOT / "src" / "telemetry" / "testdata"
    traces = traces_of((data / "traces.json").read_bytes())
    assert len(traces.resource_spans[0].scope_spans[0].spans) == 2
    metrics = metrics_of((data / "metrics.json").read_bytes())
    names = [m.name for m in metrics.resource_metrics[0].scope_metrics[0].metrics]
    assert names == ["gen_ai.client.operation.duration", "gen_ai.client.token.usage",
                     "gen_ai.client.operation.time_to_first_chunk",
                     "gen_ai.client.operation.time_per_output_chunk", "gen_ai.server.request.duration",
                     "gen_ai.server.time_to_first_token", "gen_ai.server.time_per_output_token"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_is_one_trace_from_caller_to_provider(traced, collector, stream):
    gateway = traced(OTEL_SERVICE_NAME="podium-test",
                     OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=t%20est")
    model = gateway.script("main", {})
    route = gateway.name("r")
    row = gateway.version(route, "main", model)
    answer = gateway.post("chat", body_of("chat", route, stream) | {"user": USER},
                          headers={"traceparent": TRACEPARENT, "tracestate": "a=1,b=2"})
    assert answer.status == 200, answer
    [received] = gateway.fakes.openai.received(model)
    sent = {name.lower(): value for name, value in received["headers"]}
    call = call_span(collector)
    [attempt] = below(collector.spans(), call.id, CLIENT)

    # The chain: caller > call > attempt > what the provider was told.
    assert (call.trace, call.parent) == (TRACE, CALLER)
    assert sent["traceparent"] == f"00-{TRACE}-{attempt.id}-01"
    assert sent["tracestate"] == "a=1,b=2"
    assert call.start <= attempt.start + 1000 and attempt.end <= call.end + 1000

    assert (call.name, attempt.name) == (f"chat {route}", f"chat {model}")
    assert call.attrs["gen_ai.operation.name"] == attempt.attrs["gen_ai.operation.name"] == "chat"
    assert call.attrs["gen_ai.request.model"] == route
    assert attempt.attrs["gen_ai.request.model"] == model
    assert attempt.attrs["gen_ai.provider.name"] == "openai"
    assert attempt.attrs["podium.provider"] == "main"
    assert attempt.attrs["podium.attempt"] == call.attrs["podium.attempts"] == 1
    assert attempt.attrs["podium.version"] == call.attrs["podium.version"] == row["model_id"]
    assert attempt.attrs["podium.generation"] == call.attrs["podium.generation"] > 0
    assert attempt.attrs["gen_ai.usage.input_tokens"] > 0
    assert attempt.attrs["gen_ai.usage.output_tokens"] > 0
    assert attempt.attrs["gen_ai.response.model"]
    for span in (call, attempt):
        assert span.attrs["gen_ai.response.finish_reasons"] == ["stop"]
    assert (attempt.attrs["server.address"], attempt.attrs["server.port"]) == (
        "127.0.0.1", gateway.fakes.openai.port)
    assert call.attrs["http.response.status_code"] == 200
    assert ("gen_ai.response.time_to_first_chunk" in attempt.attrs) == stream
    assert call.status == attempt.status == 0
    assert call.resource["service.name"] == "podium-test"
    assert call.resource["deployment.environment.name"] == "t est"

    # Nothing of what was said, by whom, or with which keys.
    gateway.server.stop()
    exported = b"".join(body for _, _, body in collector.received)
    for secret in (*SECRETS, PROMPT, USER, "Hello"):
        assert secret.encode() not in exported, secret


def test_each_attempt_is_a_span_below_the_call(traced, collector):
    gateway = traced(routes=[("otlp-chain", "claude", "otlp-chain-good")])
    route = "otlp-chain"
    gateway.version(route, "main", gateway.script("main", {"error": "server"}))
    answer = gateway.post("chat", body_of("chat", route), headers={"traceparent": TRACEPARENT})
    assert answer.status == 200, answer
    call = call_span(collector)
    attempts = below(collector.spans(), call.id, CLIENT)
    assert call.attrs["podium.attempts"] == len(attempts) >= 2
    assert [a.attrs["podium.attempt"] for a in attempts] == list(range(1, len(attempts) + 1))
    *failed, last = attempts
    for each in failed:
        assert (each.status, each.attrs["error.type"]) == (ERROR, "server"), each
        assert each.attrs["gen_ai.provider.name"] == "openai"
    assert last.status == 0 and last.attrs["gen_ai.provider.name"] == "anthropic"
    assert call.status == 0 and call.attrs["podium.provider"] == "claude"


def test_a_stream_that_breaks_is_an_error_of_call_and_attempt(traced, collector):
    gateway = traced()
    route = gateway.route("main", {"fault": "reset", "at": 2})
    answer = gateway.post("chat", body_of("chat", route, True), headers={"traceparent": TRACEPARENT})
    assert answer.status == 200
    call = call_span(collector)
    [attempt] = below(collector.spans(), call.id, CLIENT)
    assert call.status == attempt.status == ERROR
    assert call.attrs["error.type"] == attempt.attrs["error.type"] == "unreadable"
    assert call.attrs["http.response.status_code"] == 200


def test_without_a_caller_a_trace_begins_here_and_no_tracestate_comes_along(traced, collector):
    gateway = traced()
    route = gateway.name("r")
    model = gateway.script("main", {})
    gateway.version(route, "main", model)
    for headers in ({}, {"traceparent": "00-nonsense-01", "tracestate": "a=1"}):
        assert gateway.post("chat", body_of("chat", route), headers=headers).status == 200
    spans = wait_until(lambda: (found := collector.spans()) and len(found) == 4 and found)
    roots = [span for span in spans if span.kind == SERVER]
    assert len({span.trace for span in roots}) == 2 and all(span.parent == "" for span in roots)
    told = [{n.lower(): v for n, v in entry["headers"]}
            for entry in gateway.fakes.openai.received(model)]
    assert {each["traceparent"].split("-")[1] for each in told} == {span.trace for span in roots}
    assert not any("tracestate" in each for each in told)


def test_who_samples_decides(traced, collector):
    gateway = traced(OTEL_TRACES_SAMPLER="parentbased_always_off")
    route = gateway.name("r")
    model = gateway.script("main", {})
    gateway.version(route, "main", model)
    quiet = TRACEPARENT[:-1] + "0"
    for headers in ({}, {"traceparent": quiet}, {"traceparent": TRACEPARENT}):
        assert gateway.post("chat", body_of("chat", route), headers=headers).status == 200
    call = call_span(collector)
    gateway.server.stop()
    assert {span.trace for span in collector.spans()} == {TRACE}
    assert len(collector.spans()) == 2 and call.parent == CALLER
    told = [{n.lower(): v for n, v in entry["headers"]}["traceparent"]
            for entry in gateway.fakes.openai.received(model)]
    assert [each[-2:] for each in told] == ["00", "00", "01"]
    assert told[1].split("-")[1] == TRACE and told[1] != quiet, "a span of ours all the same"


def test_predictions_are_spans_too(traced, collector, register):
    gateway = traced(OTEL_TRACES_SAMPLER="parentbased_always_off")
    register(gateway.server, "number", MODELS / "constant_one.onnx", "1", activate=True)
    for rows, headers in (([[1.0]], {}), ([[1.0]], {"traceparent": TRACEPARENT}),
                          ("no rows", {"traceparent": f"00-{TRACE}-{'1' * 16}-01"})):
        gateway.server.request("POST", "/predict/number", {"rows": rows}, headers=headers)
    spans = wait_until(lambda: (found := collector.spans()) and len(found) == 2 and found)
    good, bad = sorted(spans, key=lambda span: span.start)
    assert (good.trace, good.parent, good.kind, good.name) == (TRACE, CALLER, SERVER, "predict number")
    assert good.attrs["podium.version"] and good.attrs["http.response.status_code"] == 200
    assert not any(name.startswith("gen_ai.") for name in good.attrs)
    assert bad.attrs["http.response.status_code"] == 400 and bad.status == 0


def test_metrics_arrive_with_the_conventions_names(traced, collector):
    gateway = traced(OTEL_EXPORTER_OTLP_HEADERS=f"x-collector-key={COLLECTOR_KEY}")
    route = gateway.name("r")
    model = gateway.script("main", {"gap": 0.01})  # Its pieces come one by one.
    gateway.version(route, "main", model)
    for stream in (False, True, True):
        assert gateway.post("chat", body_of("chat", route, stream)).status == 200

    def of(name, **wanted):
        return [point for attrs, point in collector.points(name)
                if wanted.items() <= attrs.items()]

    labels = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
              "gen_ai.request.model": model, "server.port": gateway.fakes.openai.port}
    # What is said of a call when all is over, so that an export which has it has the rest as well.
    wait_until(lambda: [p for p in of("gen_ai.server.request.duration", **{"gen_ai.request.model": route})
                        if p.count == 3], what="three calls in the metrics")
    [duration] = wait_until(lambda: [p for p in of("gen_ai.client.operation.duration", **labels)
                                     if p.count == 3], what="three attempts in the metrics")
    assert list(duration.explicit_bounds)[:2] == [0.01, 0.02] and duration.sum > 0
    assert 0 < duration.start_time_unix_nano < duration.time_unix_nano
    for token_type in ("input", "output"):
        [tokens] = of("gen_ai.client.token.usage", **labels, **{"gen_ai.token.type": token_type})
        assert tokens.count == 3 and tokens.sum > 0
    [first] = of("gen_ai.client.operation.time_to_first_chunk", **labels)
    assert first.count == 2
    [between] = of("gen_ai.client.operation.time_per_output_chunk", **labels)
    assert between.count >= 2 and between.sum > 0
    [each] = of("gen_ai.server.time_per_output_token", **{"gen_ai.request.model": route})
    assert each.count == 2 and each.explicit_bounds[0] == 0.01
    [served] = of("gen_ai.server.request.duration", **{"gen_ai.request.model": route})
    assert served.count == 3
    [token] = of("gen_ai.server.time_to_first_token", **{"gen_ai.request.model": route})
    assert token.count == 2 and token.explicit_bounds[0] == 0.001
    headers, _ = collector.requests("/v1/metrics")[0]
    assert headers["x-collector-key"] == COLLECTOR_KEY
    assert headers["content-type"] == "application/json"
    wait_until(lambda: metric(scrape(gateway.server), "podium_otlp_exports_total",
                              signal="metrics", outcome="ok") > 0, what="a count of exports")
    # Invariant 15: the collector's credential is a secret too.
    assert COLLECTOR_KEY not in gateway.server.log_text
    assert COLLECTOR_KEY not in gateway.server.get("/metrics").text


def test_a_busy_collector_is_asked_again(traced, collector):
    gateway = traced()
    collector.answer((503, {"Retry-After": "0"}), (429, {"Retry-After": "0"}))
    route = gateway.route("main", {})
    assert gateway.post("chat", body_of("chat", route)).status == 200
    wait_until(lambda: metric(scrape(gateway.server), "podium_otlp_exports_total",
                              outcome="retried") == 2, what="two tries that came to nothing")
    wait_until(lambda: len({span.id for span in collector.spans()}) == 2)
    assert metric(scrape(gateway.server), "podium_otlp_dropped_spans_total") == 0


def test_a_collector_that_is_away_costs_spans_and_nothing_else(make_server, fakes):  # noqa: F811
    with socket.socket() as nobody:  # Bound and not listening: every connection is refused.
        nobody.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        server = make_server(env={**KEYS, **NOW, "OTEL_EXPORTER_OTLP_ENDPOINT": address},
                             config=provider_config(fakes))
        gateway = gateway_of(server, fakes)
        route = gateway.route("main", {})
        for _ in range(20):
            assert gateway.post("chat", body_of("chat", route)).status == 200
        wait_until(lambda: metric(scrape(server), "podium_otlp_exports_total", signal="traces",
                                  outcome="retried") > 0)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 10
    assert "telemetry does not reach its collector" in server.log_text
    assert server.log_text.count("telemetry does not reach its collector") <= 2  # One a signal.


def test_a_collector_that_hangs_delays_neither_calls_nor_the_stop(traced, collector):
    gateway = traced()
    collector.hold()
    route = gateway.route("main", {})
    assert gateway.post("chat", body_of("chat", route)).status == 200
    wait_until(lambda: collector.requests("/v1/traces"), what="an export that hangs")
    for _ in range(20):
        assert gateway.post("chat", body_of("chat", route)).status == 200
    began = time.monotonic()
    assert gateway.server.stop() == 0
    assert time.monotonic() - began < 10  # Two seconds for the flush, of ten that an export has.


def test_what_waits_is_sent_when_the_server_stops(traced, collector):
    gateway = traced(OTEL_BSP_SCHEDULE_DELAY="3600000", OTEL_METRIC_EXPORT_INTERVAL="3600000")
    route = gateway.route("main", {})
    assert gateway.post("chat", body_of("chat", route)).status == 200
    assert not collector.received
    assert gateway.server.stop() == 0
    assert len(collector.spans()) == 2
    assert collector.points("gen_ai.client.operation.duration")


def test_without_a_collector_headers_are_passed_on_as_they_came(make_server, fakes, collector):  # noqa: F811
    server = make_server(env={**KEYS, "OTEL_SDK_DISABLED": "true",
                              "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url},
                         config=provider_config(fakes))
    gateway = gateway_of(server, fakes)
    route = gateway.name("r")
    model = gateway.script("main", {})
    gateway.version(route, "main", model)
    sent = {"traceparent": TRACEPARENT, "tracestate": "a=1"}
    assert gateway.post("chat", body_of("chat", route), headers=sent).status == 200
    [received] = gateway.fakes.openai.received(model)
    told = {name.lower(): value for name, value in received["headers"]}
    assert {name: told[name] for name in sent} == sent
    assert "podium_otlp" not in server.get("/metrics").text
    server.stop()
    assert not collector.received


def test_a_variable_that_is_wrong_is_a_warning(make_server, collector):
    server = make_server(env={"OTEL_TRACES_SAMPLER": "jaeger_remote", "OTEL_SERVICE_NAME": "",
                              "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url})
    assert server.get("/healthz").status == 200
    wait_until(lambda: "telemetry.traces_sampler" in server.log_text, what="the warning")
