"""The gateways that are compared, and the providers behind them."""

import contextlib
import json
import os
import pathlib
import re
import select
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from harness import BENCH, BUILT, START_TIMEOUT_S, Podium, Process, free_port, pinned  # noqa: E402

GATEWAY = BENCH / "gateway"
QUICK, STREAMS, IDLE = "/v1/chat/completions", "/streams/v1/chat/completions", \
    "/streams/idle/v1/chat/completions"

# A request of a kilobyte and an answer of 650 bytes, as a short turn of a conversation has them.
TURN = ("You are the support assistant of a shop. Answer briefly. " * 4).strip()
REQUEST = {"model": "bench", "messages": [{"role": "system", "content": TURN},
                                           {"role": "user", "content": "Where is my order? " * 35}],
           "temperature": 0.2, "max_tokens": 200, "user": "customer-000042"}
ANSWER = {"id": "chatcmpl-bench", "object": "chat.completion", "created": 1790000000,
          "model": "bench", "choices": [{"index": 0, "message": {
              "role": "assistant", "content": "Your order left our warehouse yesterday. " * 6,
              "refusal": None}, "logprobs": None, "finish_reason": "stop"}],
          "usage": {"prompt_tokens": 200, "completion_tokens": 60, "total_tokens": 260,
                    "prompt_tokens_details": {"cached_tokens": 0}},
          "system_fingerprint": "fp_44709d6fcb"}


def body(model="bench", stream=False, **changed):
    """The request as JSON; a field that is changed to None is left out."""
    more = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    fields = {**REQUEST, "model": model, **more, **changed}
    return json.dumps({name: value for name, value in fields.items() if value is not None}).encode()


def filled(name, directory, **values):
    """A configuration of ours with its @…@ replaced, written to the directory."""
    text = (GATEWAY / f"{name}.in").read_text()
    for key, value in {"DIR": directory, **values}.items():
        text = text.replace(f"@{key}@", str(value))
    path = pathlib.Path(directory) / name
    path.write_text(text)
    return path


def wait_for_port(port, process, name, timeout=START_TIMEOUT_S):
    deadline = time.monotonic() + timeout
    while True:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        if time.monotonic() > deadline or process.child.poll() is not None:
            raise RuntimeError(f"{name} did not start")
        time.sleep(0.05)


class QuickUpstream(Process):
    """The provider that answers at once. On the CPU of the load, as all that is not measured."""

    name, path, body = "direct", QUICK, body()

    def __init__(self, directory):
        self.port = free_port()
        config = filled("upstream.conf", directory, PORT=self.port, ANSWER=json.dumps(ANSWER))
        super().__init__([*pinned("load"), "/usr/sbin/nginx", "-c", config, "-p", directory, "-e",
                          pathlib.Path(directory) / "upstream.error.log"])
        wait_for_port(self.port, self, self.name)


class StreamUpstream(Process):
    """The provider that streams. Two ports: two providers, each with its own connections."""

    name, path = "direct", STREAMS

    def __init__(self, gap_us=1000):
        super().__init__([*pinned("load"), BUILT / "sse_upstream", "--ports", 2, "--gap-us", gap_us],
                         stdout=subprocess.PIPE)
        ready, _, _ = select.select([self.child.stdout], [], [], START_TIMEOUT_S)
        if not ready:
            raise RuntimeError("sse_upstream printed no port")
        self.port, self.second_port = (int(self.child.stdout.readline()) for _ in range(2))


class Proxy(Process):
    """Shared by the gateways: where each of three kinds of calls goes, and with which body."""

    model = "bench"

    def call(self, kind):
        """(path, body) of a call: quick, streams or idle."""
        path = {"quick": QUICK, "streams": STREAMS, "idle": IDLE}[kind]
        return path, body(self.model, kind != "quick")


class NginxProxy(Proxy):
    name = "nginx proxy_pass"

    def __init__(self, directory, quick, streams):
        self.port = free_port()
        config = filled("proxy.conf", directory, PORT=self.port, QUICK=quick.port,
                        STREAMS=streams.port)
        super().__init__([*pinned("server"), "/usr/sbin/nginx", "-c", config, "-p", directory, "-e",
                          pathlib.Path(directory) / "proxy.error.log"])
        wait_for_port(self.port, self, self.name)


class HaProxy(Proxy):
    name = "haproxy"

    def __init__(self, directory, quick, streams):
        self.port = free_port()
        config = filled("haproxy.cfg", directory, PORT=self.port, QUICK=quick.port,
                        STREAMS=streams.port)
        super().__init__([*pinned("server"), "/usr/sbin/haproxy", "-db", "-f", config],
                         stderr=subprocess.DEVNULL)
        wait_for_port(self.port, self, self.name)


class PodiumGateway(Podium):
    """Podium with all that it has for language models on: routing by the table with a canary, prices,
    usage, the journal, records, metrics. Two providers share each route by halves."""

    def __init__(self, binary, directory, quick, streams, name="podium"):
        self.name = name
        config = pathlib.Path(directory) / "podium.yaml"
        config.write_text("providers:\n" + "".join(
            f"  {name}:\n    kind: openai\n    base_url: http://127.0.0.1:{port}{path}\n"
            "    api_key_env: BENCH_KEY\n    allow_private: true\n    idle_timeout: 10m\n"
            "    first_token_timeout: 1m\n    timeout: 20m\n"
            for name, port, path in (
                ("quick-a", quick.port, "/v1"), ("quick-b", quick.port, "/v1"),
                ("streams-a", streams.port, "/streams/v1"),
                ("streams-b", streams.second_port, "/streams/v1"),
                ("idle-a", streams.port, "/streams/idle/v1"),
                ("idle-b", streams.second_port, "/streams/idle/v1"))))
        super().__init__(binary, directory, env={"PODIUM_CONFIG": str(config),
                                                 "BENCH_KEY": "sk-bench"})
        for route in ("quick", "streams", "idle"):
            self._route(route)

    def _route(self, route):
        ids = []
        for half in ("a", "b"):
            self.must("PUT", "/api/v1/prices", {"provider": f"{route}-{half}", "model": "bench",
                                                "input": "0.15", "output": "0.60"})
            ids.append(self.must("POST", "/api/v1/versions", {
                "route": route, "name": route, "version": half, "provider_key": f"{route}-{half}",
                "upstream_model": "bench"})["model_id"])
        self.must("POST", f"/api/v1/versions/{ids[0]}/activate", {})
        self.must("PUT", f"/api/v1/routes/{route}/canary", {"model_id": ids[1], "traffic_pct": 50})

    def call(self, *arguments, **options):
        """(path, body) of a kind of call; or, as Podium.call, a request that is made."""
        if len(arguments) > 1:
            return super().call(*arguments, **options)
        return QUICK, body(arguments[0], arguments[0] != "quick")


def bases(quick, streams):
    """Kind of call → the base URL of its provider, for gateways that are told one for each."""
    return {"quick": f"http://127.0.0.1:{quick.port}/v1",
            "streams": f"http://127.0.0.1:{streams.port}/streams/v1",
            "idle": f"http://127.0.0.1:{streams.port}/streams/idle/v1"}


class TensorZero(Proxy):
    """TensorZero's gateway from its Python package, its log of calls off: without its database."""

    name = "TensorZero"

    def __init__(self, directory, quick, streams, python):
        config = pathlib.Path(directory) / "tensorzero.toml"
        config.write_text("[gateway.observability]\nenabled = false\n" + "".join(
            f"[models.{name}]\nrouting = [\"fake\"]\n[models.{name}.providers.fake]\n"
            f"type = \"openai\"\nmodel_name = \"bench\"\napi_key_location = \"none\"\n"
            f"api_base = \"{base}/\"\n" for name, base in bases(quick, streams).items()))
        log = pathlib.Path(directory) / "tensorzero.log"
        super().__init__([*pinned("server"), python, GATEWAY / "tensorzero_gateway.py", config],
                         env={**os.environ, "RUST_LOG": "error"}, stdout=log.open("wb"))
        deadline = time.monotonic() + START_TIMEOUT_S
        while not (url := re.search(r"^http://127\.0\.0\.1:(\d+)(/\S+)\n", log.read_text(), re.M)):
            if time.monotonic() > deadline or self.child.poll() is not None:
                raise RuntimeError(f"TensorZero did not start: {log.read_text()[-2000:]}")
            time.sleep(0.05)
        self.port, self.prefix = int(url[1]), url[2]

    def call(self, kind):
        # Without `user`, which it does not know and would warn of in every call.
        return f"{self.prefix}/chat/completions", body(f"tensorzero::model_name::{kind}",
                                                       kind != "quick", user=None)


class LiteLlm(Proxy):
    """LiteLLM's proxy, one worker, its log off; no database, so neither budgets nor keys."""

    name = "LiteLLM"

    def __init__(self, directory, quick, streams, python):
        self.port = free_port()
        config = pathlib.Path(directory) / "litellm.yaml"
        config.write_text("model_list:\n" + "".join(
            f"  - model_name: {name}\n    litellm_params:\n      model: openai/bench\n"
            f"      api_base: {base}\n      api_key: sk-bench\n"
            for name, base in bases(quick, streams).items()))
        super().__init__([*pinned("server"), python.with_name("litellm"), "--config", config, "--port",
                          self.port, "--host", "127.0.0.1", "--num_workers", 1],
                         env={**os.environ, "LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP":
                              "True", "LITELLM_TELEMETRY": "False",
                              # Its check of keys off, as ours: only loopback can ask.
                              "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true"},
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_port(self.port, self, self.name, 120)

    def call(self, kind):
        return QUICK, body(kind, kind != "quick")


class Portkey(Proxy):
    """Portkey's open gateway, told by headers where to go, which is all that it can be told."""

    name = "Portkey"

    def __init__(self, directory, quick, streams, folder):
        self.port = free_port()
        self.hosts = bases(quick, streams)
        script = folder / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
        super().__init__([*pinned("server"), "node", script, f"--port={self.port}", "--headless"],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                         env={**os.environ, "TRUSTED_CUSTOM_HOSTS": "127.0.0.1,localhost"})
        wait_for_port(self.port, self, self.name, 60)

    def call(self, kind):
        return QUICK, body("bench", kind != "quick")

    def headers(self, kind):
        return {"x-portkey-provider": "openai", "x-portkey-custom-host": self.hosts[kind],
                "Authorization": "Bearer sk-bench"}
