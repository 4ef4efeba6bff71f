#!/usr/bin/env python3
"""How long after a commit on one replica another one still answers by the old table.

    bench/replicas.py --binary build/release/podium                     on one SQLite file
    bench/replicas.py --binary … --postgres                             on a PostgreSQL of its own
    DATABASE_URL=postgresql://… bench/replicas.py --binary …            on that one
    bench/replicas.py --binary … --postgres --versions 10000            as many rows beside the two
    bench/replicas.py --binary … --postgres --deaf                      the last replica hears no NOTIFY

Three servers share a registry. The first promotes to and fro between two versions, while callers ask
the two others without a pause. Of each promote: from the time of its commit (the database's) to the
end of the last answer that another replica gave by the old version. Clock: one machine's.
"""

import argparse
import contextlib
import http.client
import importlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime

ROOT = pathlib.Path(__file__).resolve().parents[1]
MODELS = ROOT / "tests" / "data" / "models"
CALLERS = 2  # Per replica that is asked: the load, and how finely the last old answer is seen.
SETTLE_S = 0.1
DEAF_SETTLE_S = 1.5  # The poll of the revision comes each second.
PROVIDER = """
providers:
  far: {kind: openai, base_url: "http://127.0.0.1:9/v1", allow_private: true}
"""


class Server:
    def __init__(self, binary, data, name, config, log, environment):
        environment = {**os.environ, **environment, "PODIUM_REPLICA_ID": name}
        self.process = subprocess.Popen(
            [binary, "serve", "--data", data, "--listen", "127.0.0.1:0", "--config", config],
            stdout=subprocess.PIPE, stderr=log, env=environment)
        text = b""
        while not (found := re.search(rb"http://([\d.]+):(\d+)\n", text)):
            chunk = os.read(self.process.stdout.fileno(), 4096)
            if not chunk:
                raise SystemExit(f"server {name} did not start: see its log")
            text += chunk
        self.host, self.port = found.group(1).decode(), int(found.group(2))

    def line(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=120)


def ask(line, method, path, body=None, content="application/json"):
    sent = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
    line.request(method, path, sent, {"Content-Type": content} if sent is not None else {})
    answer = line.getresponse()
    text = answer.read()
    if answer.status >= 300:
        raise SystemExit(f"{method} {path}: {answer.status} {text[:300]}")
    return json.loads(text)


def fill(line, routes, versions):
    """The rest of the table: remote versions, which take no memory."""
    for number in range(versions):
        ask(line, "POST", "/api/v1/versions", {
            "route": f"filler-{number % routes}", "version": str(number // routes),
            "provider_key": "far", "upstream_model": "m"})


def register(line, version, file):
    stored = ask(line, "POST", "/api/v1/artifacts", (MODELS / file).read_bytes(),
                 "application/octet-stream")
    ask(line, "POST", "/api/v1/versions", {
        "route": "number", "version": version, "model_id": f"n{version}",
        "artifact_uri": stored["artifact_uri"], "sha256": stored["sha256"]})


class Caller(threading.Thread):
    """Asks one replica again and again; keeps when it last answered by each version."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.last, self.calls, self.over = server, {}, 0, False

    def run(self):
        line = self.server.line()
        body = json.dumps({"rows": [[0]]}).encode()
        while not self.over:
            line.request("POST", "/predict/number", body, {"Content-Type": "application/json"})
            answer = line.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise SystemExit(f"a live call failed: {answer.status} {text[:200]}")
            self.last[answer.getheader("x-podium-version")] = time.time()
            self.calls += 1


def committed_at(changed):
    return datetime.fromisoformat(changed["change"]["at"].replace("Z", "+00:00")).timestamp()


def measure(line, replicas, promotes, settle):
    """Of each replica that is asked: seconds from each commit to its last old answer."""
    delays, late = {name: [] for name in replicas}, 0
    for number in range(promotes):
        new, old = ("2", "1") if number % 2 == 0 else ("1", "2")
        changed = ask(line, "POST", f"/api/v1/versions/n{new}/activate", {})
        at = committed_at(changed)
        late += not all(one["applied"] for one in changed["replicas"])
        time.sleep(settle)  # Whoever still answers by the old version has done so by then.
        for name, callers in replicas.items():
            delays[name].append(max(0.0, max(one.last.get(old, 0) for one in callers) - at))
    return delays, late


def quantile(values, q):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(ROOT / "build" / "release" / "podium"))
    parser.add_argument("--promotes", type=int, default=200)
    parser.add_argument("--replicas", type=int, default=3)
    parser.add_argument("--routes", type=int, default=1000)
    parser.add_argument("--versions", type=int, default=0, help="besides the two that are promoted")
    parser.add_argument("--postgres", action="store_true", help="start a PostgreSQL for it")
    parser.add_argument("--deaf", action="store_true", help="the last replica listens elsewhere")
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        if arguments.postgres:
            sys.path.insert(0, str(ROOT / "tests" / "system"))
            database = importlib.import_module("postgres").Postgres()
            stack.callback(database.remove)
            os.environ["DATABASE_URL"] = database.url
        if arguments.deaf and not os.environ.get("DATABASE_URL", "").startswith("postgres"):
            parser.error("--deaf is about NOTIFY: it needs PostgreSQL")
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        config = pathlib.Path(folder) / "podium.yaml"
        config.write_text(PROVIDER)
        data = str(pathlib.Path(folder) / "data")
        with open(pathlib.Path(folder) / "log", "wb") as log:
            servers = [Server(arguments.binary, data, f"r{n}", str(config), log,
                              elsewhere() if arguments.deaf and n == arguments.replicas - 1 else {})
                       for n in range(arguments.replicas)]
            try:
                run(arguments, servers)
            finally:
                for server in servers:
                    server.process.terminate()
                for server in servers:
                    server.process.wait()


def elsewhere():
    """Notices stay within a database: whoever listens in another one of the server hears none."""
    return {"DATABASE_DIRECT_URL": os.environ["DATABASE_URL"].replace("/podium?", "/postgres?")}


def run(arguments, servers):
    line = servers[0].line()
    fill(line, arguments.routes, arguments.versions)
    register(line, "1", "constant_one.onnx")
    register(line, "2", "constant_two.onnx")
    for version in ("2", "1"):  # Both are loaded everywhere before the clock runs.
        ask(line, "POST", f"/api/v1/versions/n{version}/activate", {})
    replicas = {f"r{n}": [Caller(server) for _ in range(CALLERS)]
                for n, server in enumerate(servers) if n > 0}
    callers = [caller for some in replicas.values() for caller in some]
    for caller in callers:
        caller.start()
    delays, late = measure(line, replicas, arguments.promotes,
                           DEAF_SETTLE_S if arguments.deaf else SETTLE_S)
    for caller in callers:
        caller.over = True
    for caller in callers:
        caller.join()
    database = "PostgreSQL" if os.environ.get("DATABASE_URL", "").startswith("postgres") else "SQLite"
    print(f"{database}, {arguments.replicas} replicas, {arguments.versions + 2} versions of "
          f"{arguments.routes + 1} routes, {arguments.promotes} promotes, "
          f"{sum(caller.calls for caller in callers)} calls meanwhile; "
          f"{late} answers came before every replica had it")
    deaf = f"r{arguments.replicas - 1}" if arguments.deaf else None
    for name, seconds in delays.items():
        print(f"{name}{' (hears no notices)' if name == deaf else ''}: commit to its last old answer, ms: "
              f"p50 {quantile(seconds, 0.5) * 1e3:.1f}, p90 {quantile(seconds, 0.9) * 1e3:.1f}, "
              f"p99 {quantile(seconds, 0.99) * 1e3:.1f}, worst {max(seconds) * 1e3:.1f}")


if __name__ == "__main__":
    main()
