"""The prediction log under weight: lists, one prediction, and what is computed of all of them."""

import time

from registry_cases import (ASKED, Caller, PostgresServer, SqliteFile, figures, on_postgres,
                            on_sqlite, serve)

ROWS = 1_000_000
COMPARED = 3   # Times: each reads all rows.
HEX = {SqliteFile: "printf('%014x', {0})", PostgresServer: "lpad(to_hex({0}), 14, '0')"}


def predictions(plan):
    """Lists, one, compare and evaluate among 1,000,000 labelled predictions of one route."""
    return on_sqlite(plan, ask_predictions)


def predictions_postgres(plan):
    """The same on PostgreSQL."""
    return on_postgres(plan, ask_predictions)


def fill_predictions(database, first, second, count):
    """One each 50 ms until now: 20,000 sessions of 50 calls, a hundredth failed, all labelled."""
    step = 50_000
    began = int(time.time() * 1e6) - count * step
    row_id = HEX[type(database)].format(f"({began} + {step} * i)") + " || 'a1b2c3d4'"
    numbers = ("WITH RECURSIVE n(i) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT i + 1 FROM n "
               f"WHERE i + 1 < {count}) ")
    version = f"CASE WHEN i % 20000 % 2 = 0 THEN '{first}' ELSE '{second}' END"
    database.sql(
        "INSERT INTO prediction_index (route, id, request_id, unit, unit_kind, assigned, served, "
        "arm, reason, propensity, keep, bucket, generation, outcome, status, latency_us, "
        "cost_nano_usd, request_rows, scores, replica, segment, segment_offset, answered_at) "
        f"{numbers} SELECT 'number', {row_id}, 'request-' || i, 'session-' || (i % 20000), "
        f"'session', {version}, {version}, "
        "CASE WHEN i % 20000 % 2 = 0 THEN 'primary' ELSE 'canary' END, 'split', '0.5', '1', "
        "i % 10000, 7, CASE WHEN i % 100 = 99 THEN 'error' ELSE 'ok' END, "
        "CASE WHEN i % 100 = 99 THEN 500 ELSE 200 END, 300 + i % 977, 1000, 1, "
        "'0.' || (i * 7919 % 100000), 'replica', 'segment', i * 300, "
        f"{began} + {step} * i FROM n")
    database.sql(
        "INSERT INTO prediction_feedback (route, request_id, request_row, label, score, "
        f"prediction, actor, given_at) {numbers} SELECT 'number', 'request-' || i, 0, "
        "CASE WHEN i * 7919 % 100000 > 40000 THEN '1' ELSE '0' END, NULL, NULL, 'bench', "
        f"{began} + {step} * i FROM n")
    return began, f"{began + step * (count // 2):014x}a1b2c3d4"


def ask_predictions(plan, directory, database):
    count = max(20_000, round(ROWS * plan.scale))
    with serve(plan, directory, database.url) as podium:
        first = podium.register("number", "v1", activate=True)
        second = podium.register("number", "v2")
    _, middle = fill_predictions(database, first, second, count)
    with serve(plan, directory, database.url) as podium:
        caller = Caller(podium)
        lists = {
            "list": "/api/v1/predictions",
            "list, 500 a page": "/api/v1/predictions?limit=500",
            "list of a route, a page in the middle":
                f"/api/v1/predictions?route=number&limit=500&cursor={middle}",
            "list of a session": "/api/v1/predictions?unit=session-777",
            "list of a request": "/api/v1/predictions?request_id=request-777",
            "list of a version's errors":
                f"/api/v1/predictions?route=number&version={second}&outcome=error",
            "one": f"/api/v1/predictions/{middle}",
        }
        found = {name: figures([caller.ask("GET", path)[0] for _ in range(plan.times(ASKED))])
                 for name, path in lists.items()}
        day = f"/api/v1/routes/number/compare?since={count // 20 + 3600}s"
        policy = f"/api/v1/routes/number/evaluate?policy={second}%3D100&since={count // 20 + 3600}s"
        for name, path in {"compare": day, "evaluate": policy}.items():
            asked = [caller.ask("GET", path) for _ in range(plan.times(COMPARED))]
            seen = sum(version["n"] for version in asked[0][1]["versions"])
            if seen != count:
                raise RuntimeError(f"{name} has seen {seen} of {count} predictions")
            found[f"{name} of all"] = figures([took for took, _ in asked])
    return {"predictions": count, **found}
