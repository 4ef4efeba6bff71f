"""The registry under weight: lists among many versions, and a promote while retention is at work."""

import contextlib
import http.client
import importlib
import json
import os
import pathlib
import shutil
import sqlite3
import sys
import tempfile
import time
import urllib.parse

from harness import ROOT, Podium, scratch

LIST_ROUTES, LIST_VERSIONS = 1000, 10   # Versions: of each route.
ASKED = 200                             # Times, of each list.
OLD_EVENTS = 1_000_000
CONFIG = """
providers:
  openai: {kind: openai, base_url: "http://127.0.0.1:9", allow_private: true}
costs: {retention: 24h}
"""


def quantile(values, q):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def figures(seconds):
    return {name: round(quantile(seconds, q) * 1000, 2)
            for name, q in (("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99), ("max_ms", 1.0))}


def serve(plan, directory, url=None):
    config = pathlib.Path(directory) / "podium.yaml"
    config.write_text(CONFIG)
    env = {"PODIUM_CONFIG": str(config), **({"DATABASE_URL": url} if url else {})}
    return Podium(plan.podium, directory, env=env)


class SqliteFile:
    url = None

    def __init__(self, directory):
        self.file = pathlib.Path(directory) / "data" / "podium.db"

    def sql(self, statement):
        """Rows, each one column: in the file of a server that has ended."""
        with contextlib.closing(sqlite3.connect(self.file)) as database, database:
            return [row[0] for row in database.execute(statement)]

    def columns(self):
        return self.sql("SELECT name FROM pragma_table_info('model_registry')")


class PostgresServer:
    """Of the benchmark's own, on whatever disk holds temporary files; commits are not synced."""

    def __init__(self):
        sys.path.insert(0, str(ROOT / "tests" / "system"))
        self.server = importlib.import_module("postgres").Postgres()
        self.url = self.server.url

    def sql(self, statement):
        return self.server.sql("podium", statement).split("\n")

    def columns(self):
        return self.sql("SELECT column_name FROM information_schema.columns WHERE table_name = "
                        "'model_registry' AND is_generated = 'NEVER'")


def on_sqlite(plan, ask):
    with scratch() as directory:
        return ask(plan, directory, SqliteFile(directory))


def on_postgres(plan, ask):
    database = PostgresServer()
    try:
        with scratch() as directory:
            return ask(plan, directory, database)
    finally:
        database.server.remove()


class Caller:
    """One kept connection; seconds of each call."""

    def __init__(self, podium):
        self.line = http.client.HTTPConnection("127.0.0.1", podium.port, timeout=120)

    def ask(self, method, path, body=None):
        sent = None if body is None else json.dumps(body)
        began = time.perf_counter()
        self.line.request(method, path, sent, {"Content-Type": "application/json"} if sent else {})
        answer = self.line.getresponse()
        text = answer.read()
        took = time.perf_counter() - began
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]!r}")
        return took, json.loads(text)


def fill_lists(podium, database, routes):
    """One version of each route through the API, the others as rows beside it while nobody serves."""
    caller = Caller(podium)
    for number in range(routes):
        row = {"route": f"route-{number:04}", "name": f"model-{number:04}", "version": "v0",
               "model_id": f"m{number:04}-0", "provider_key": "openai", "upstream_model": "m",
               "metrics": {"auc": number / routes, "loss": 0.1}, "tags": {"team": f"t{number % 7}"}}
        caller.ask("POST", "/api/v1/versions", row)
        caller.ask("POST", f"/api/v1/versions/{row['model_id']}/activate", {})
    podium.__exit__(None, None, None)
    columns = database.columns()
    for version in range(1, LIST_VERSIONS):
        changed = {"model_id": f"substr(model_id, 1, 6) || '{version}'", "version": f"'v{version}'",
                   "status": "'standby'", "created_at": f"created_at + {version}",
                   "parent_id": "model_id"}
        database.sql(
            f"INSERT INTO model_registry ({', '.join(columns)}) SELECT "
            f"{', '.join(changed.get(name, name) for name in columns)} FROM model_registry "
            "WHERE version = 'v0'")
    return int(database.sql("SELECT count(*) FROM model_registry")[0])


def lists(plan):
    """Lists and searches among 10,000 versions of 1,000 routes: milliseconds over one connection."""
    return on_sqlite(plan, ask_lists)


def lists_postgres(plan):
    """The same on PostgreSQL."""
    return on_postgres(plan, ask_lists)


def fill_models(caller, count):
    """Registered models with ten versions each, as MLflow's clients make them."""
    for number in range(count):
        name = f"registered-{number:04}"
        caller.ask("POST", "/api/2.0/mlflow/registered-models/create",
                   {"name": name, "tags": [{"key": "team", "value": f"t{number % 7}"}]})
        for _ in range(LIST_VERSIONS):
            caller.ask("POST", "/api/2.0/mlflow/model-versions/create",
                       {"name": name, "source": f"s3://bucket/{name}", "run_id": f"run{number}"})


def ask_lists(plan, directory, database):
    routes = max(20, round(LIST_ROUTES * plan.scale))
    with serve(plan, directory, database.url) as podium:
        versions = fill_lists(podium, database, routes)
    with serve(plan, directory, database.url) as podium:
        caller = Caller(podium)
        fill_models(caller, routes)
        _, half = caller.ask("GET", "/api/v1/versions?limit=500")
        cursor = urllib.parse.quote(half["next_cursor"] or "")
        _, then = caller.ask("GET", "/api/v1/audit?limit=1")
        at = then["items"][0]["at"]
        middle = f"{routes // 2:04}"
        asked = {
            "versions": "/api/v1/versions",
            "versions, 500 a page": "/api/v1/versions?limit=500",
            "versions, a later page": f"/api/v1/versions?limit=500&cursor={cursor}",
            "versions of a route": f"/api/v1/versions?route=route-{middle}",
            "versions of a name": f"/api/v1/versions?name=model-{middle}",
            "primaries": "/api/v1/versions?status=primary&limit=500",
            "canaries (none)": "/api/v1/versions?status=canary",
            "a version": f"/api/v1/versions/m{middle}-5",
            "two versions beside each other": f"/api/v1/versions/m{middle}-0/diff?to=m{middle}-5",
            "routes, 500 a page": "/api/v1/routes?limit=500",
            "a route": f"/api/v1/routes/route-{middle}",
            "a route as of a moment": f"/api/v1/routes/route-{middle}/as-of?at={at}",
            "audit": "/api/v1/audit?limit=500",
            "audit of a route": f"/api/v1/audit?route=route-{middle}",
            **{f"MLflow: {what}": f"/api/2.0/mlflow/{path}" for what, path in {
                "a model": f"registered-models/get?name=registered-{middle}",
                "models": "registered-models/search?max_results=100",
                "models by a tag": "registered-models/search?max_results=100&filter="
                                   + urllib.parse.quote("tags.team = 't3'"),
                "versions of a model": "model-versions/search?filter="
                                       + urllib.parse.quote(f"name = 'registered-{middle}'"),
                "versions of a run": "model-versions/search?filter="
                                     + urllib.parse.quote(f"run_id = 'run{routes // 2}'"),
                "all versions": "model-versions/search?max_results=200",
            }.items()},
        }
        found = {name: figures([caller.ask("GET", path)[0] for _ in range(plan.times(ASKED))])
                 for name, path in asked.items()}
    return {"routes": routes, "versions": versions, **found}


def fill_events(directory, count):
    """Events of two days ago, each with a daily sum that stays."""
    database = sqlite3.connect(pathlib.Path(directory) / "data" / "podium.db")
    old = (int(time.time()) - 2 * 86400) * 1_000_000
    database.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
        "INSERT INTO cost_events (event_id, model_id, version_id, route, provider_key, "
        "upstream_model, request_id, user_id, key_id, workflow_run_id, kind, attempt, status, "
        "uncached_input, cache_read, cache_write_5m, cache_write_1h, audio_input, output_text, "
        "output_reasoning, images, calls, estimated, contradictory, cost_nano_usd, price_id, "
        "created_at) SELECT hex(randomblob(12)), 'gpt', 'v', 'chat', 'openai', 'gpt', "
        "hex(randomblob(8)), '', '', '', 'primary', 0, 'ok', 100, 0, 0, 0, 0, 50, 0, 0, 1, 0, 0, "
        "1000, NULL, ? + i FROM n", (count, old))
    database.commit()
    database.close()


def events_left(directory):
    database = sqlite3.connect(f"file:{pathlib.Path(directory)}/data/podium.db?mode=ro", uri=True)
    (count,) = database.execute("SELECT count(*) FROM cost_events").fetchone()
    database.close()
    return count


@contextlib.contextmanager
def scratch_on_disk():
    """What a commit waits for is a disk, so here memory would flatter."""
    path = tempfile.mkdtemp(prefix="podium-bench-", dir=os.environ.get("TMPDIR", "/var/tmp"))
    try:
        yield pathlib.Path(path)
    finally:
        shutil.rmtree(path, ignore_errors=True)


def retention(plan):
    """A promote and its rollback, answer included, while 1,000,000 cost events are being deleted."""
    count = max(20_000, round(OLD_EVENTS * plan.scale))
    with scratch_on_disk() as disk:
        with serve(plan, disk) as podium:
            podium.register("number", "v1", activate=True)
            second = podium.register("number", "v2")
            undisturbed = figures(promotes(Caller(podium), second, lambda n: n < 100))
        fill_events(disk, count)
        with serve(plan, disk) as podium:
            began, left = time.monotonic(), [count]

            def going_on(done):
                if done % 20 == 0:
                    left[0] = events_left(disk)
                return left[0] > 0 and done < 20_000
            times = promotes(Caller(podium), second, going_on)
            took = time.monotonic() - began
    return {"events": count, "seconds": round(took, 1), "left": left[0], "promotes": len(times),
            "undisturbed": undisturbed, "meanwhile": figures(times)}


def promotes(caller, version, going_on):
    """Seconds of each promote; canary and rollback in between are not counted."""
    times = []
    while going_on(len(times)):
        caller.ask("PUT", "/api/v1/routes/number/canary", {"model_id": version, "traffic_pct": 0})
        times.append(caller.ask("POST", f"/api/v1/versions/{version}/promote", {})[0])
        caller.ask("POST", "/api/v1/routes/number/rollback", {})
    return times
