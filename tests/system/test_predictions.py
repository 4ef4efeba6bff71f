"""The prediction log: written, read back by ordinary tools, joined with what turned out to be true, compared."""

import csv
import gzip
import io
import json
import math
import pathlib
import subprocess
import sys
import threading

import pytest

from conftest import EXAMPLES, MODELS, done, make_two, metric, refused, scrape, wait_until

LOGGED = """
predictions:
  log: true
  payloads: all
  segment_age: 1s
"""


@pytest.fixture
def logged(make_server):
    return make_server(config=LOGGED)


def predictions(server, count=None, **query):
    """The list, newest first; with `count`, once the index has so many."""
    text = "&".join(f"{name}={value}" for name, value in {"limit": 500, **query}.items())

    def listed():
        items = done(server.get(f"/api/v1/predictions?{text}"))["items"]
        return items if count is None or len(items) >= count else None
    found = wait_until(listed, what=f"{count} predictions") if count else listed()
    assert count is None or len(found) == count
    return found


def segments(server):
    return sorted(pathlib.Path(server.data).glob("predictions/date=*/*.ndjson.gz"))


def lines_of(server):
    """All lines of the closed segments, as any tool reads them."""
    return [json.loads(line) for file in segments(server) for line in gzip.open(file, "rt")]


def ask(server, rows, session=None, headers=None, route="number"):
    sent = {**({"X-Session-Id": session} if session else {}), **(headers or {})}
    return server.predict(route, rows, headers=sent)


# ---- The log.

def test_nothing_is_logged_until_somebody_says_so(server, register):
    make_two(server, register)
    assert done(ask(server, [[1]]))
    server.stop()
    assert segments(server) == []
    server.start()
    assert predictions(server) == []


def test_a_prediction_is_in_the_list_and_in_a_file_for_other_tools(logged, register):
    make_two(logged, register)
    done(logged.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": 30}))
    answers = [ask(logged, [[1]], f"user-{i}") for i in range(80)]
    rows = predictions(logged, 80)
    by_request = {row["request_id"]: row for row in rows}
    assert len(by_request) == 80
    for i, answer in enumerate(answers):
        row = by_request[answer.headers["x-request-id"]]
        canary = answer.headers["x-podium-canary"] == "true"
        assert row["unit"] == f"user-{i}" and row["unit_kind"] == "session"
        assert row["assigned"] == row["served"] == answer.headers["x-podium-model"]
        assert row["arm"] == ("canary" if canary else "primary")
        assert row["propensity"] == (0.3 if canary else 0.7)
        assert str(row["bucket"]) == answer.headers["x-podium-bucket"]
        assert (row["outcome"], row["status"], row["keep"]) == ("ok", 200, 1)
        assert row["scores"] == [2 if canary else 1]
        assert row["latency_us"] > 0
    assert {row["arm"] for row in rows} == {"primary", "canary"}

    wait_until(lambda: len(lines_of(logged)) == 80, what="closed segments")
    for line in lines_of(logged):
        row = by_request[line["request_id"]]
        assert line["id"] == row["id"] and line["assigned"] == row["assigned"]
        assert line["request"] == {"rows": [[1]]}
        assert line["answer"]["predictions"] == row["scores"]
    samples = scrape(logged)
    assert metric(samples, "podium_predictions_total", fate="logged") == 80
    assert metric(samples, "podium_predictions_total", fate="full") == 0
    assert metric(samples, "podium_predictions_indexed_total") == 80


def test_one_prediction_shows_what_was_asked_and_answered(logged, register):
    make_two(logged, register)
    ask(logged, [[1], [1]], headers={"X-Request-Id": "mine"})
    (row,) = predictions(logged, 1)
    whole = done(logged.get(f"/api/v1/predictions/{row['id']}"))
    assert whole["payloads_here"] and whole["path"] == "/predict/number"
    assert whole["request"] == {"rows": [[1], [1]]}
    assert whole["rows"] == 2 and whole["scores"] == [1, 1] and whole["feedback"] == []
    wait_until(lambda: segments(logged), what="a closed segment")
    assert done(logged.get(f"/api/v1/predictions/{row['id']}"))["request"] == whole["request"]
    refused(logged.get("/api/v1/predictions/none"), 404)
    refused(logged.get("/api/v1/predictions/..%2Fx"), 400)


def test_the_list_is_filtered_and_comes_in_pages(logged, register):
    make_two(logged, register)
    for i in range(5):
        ask(logged, [[1]], "alice" if i % 2 else "bob")
    assert ask(logged, [["x"]], "eve").status == 400
    predictions(logged, 6)
    assert len(predictions(logged, unit="alice")) == 2
    (failed,) = predictions(logged, outcome="refused")
    assert failed["unit"] == "eve" and failed["status"] == 400
    assert predictions(logged, route="other") == []
    assert len(predictions(logged, version="n1")) == 6
    assert predictions(logged, version="n2") == []
    assert len(predictions(logged, since="1h")) == 6
    assert predictions(logged, until="1h") == []
    seen, cursor = [], ""
    while True:
        page = done(logged.get(f"/api/v1/predictions?limit=4{cursor}"))
        seen += [row["id"] for row in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(set(seen)) == 6 and seen == sorted(seen, reverse=True)
    for query, word in [("limit=0", "limit"), ("cursor=X", "cursor"), ("outcome=fine", "outcome"),
                        ("since=yesterday", "since"), ("colour=red", "colour")]:
        refused(logged.get(f"/api/v1/predictions?{query}"), 400, word)


def test_a_killed_server_loses_no_line_that_was_written(make_server, register):
    server = make_server(config="predictions: {log: true, segment_age: 1h}\n")
    make_two(server, register)
    for i in range(200):
        ask(server, [[1]], f"u{i}")
    predictions(server, 200)
    (open_file,) = pathlib.Path(server.data).glob("predictions/date=*/*.ndjson.open")
    assert segments(server) == []
    server.kill()
    with open(open_file, "ab") as file:  # As a line that was half written.
        file.write(b'{"id":"half')
    server.start()
    wait_until(lambda: len(lines_of(server)) == 200, what="the repaired segment")
    wait_until(lambda: not open_file.exists(), what="the end of the open one")
    predictions(server, 200)
    wait_until(lambda: metric(scrape(server), "podium_predictions_damaged_total") == 1,
               what="the count of the half line")


def test_what_is_to_be_kept_out_is_nowhere_on_the_disk(make_server, register):
    server = make_server(config="""
predictions:
  log: true
  units: hashed
  routes:
    number: {payloads: request, redact: [/rows/*/0]}
    other: {log: false}
""")
    make_two(server, register)
    register(server, "other", MODELS / "constant_one.onnx", "1", activate=True)
    ask(server, [[4711.25]], "alice@example.com")
    assert done(ask(server, [[4711.25]], "alice@example.com", route="other"))
    (row,) = predictions(server, 1)
    assert row["route"] == "number" and len(row["unit"]) == 32
    whole = done(server.get(f"/api/v1/predictions/{row['id']}"))
    assert whole["request"] == {"rows": [["[redacted]"]]} and whole["answer"] is None
    server.stop()
    for file in pathlib.Path(server.data).glob("predictions/**/*"):
        text = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else b""
        assert b"4711" not in text and b"alice" not in text
    (line,) = lines_of(server)
    assert line["request"] == {"rows": [["[redacted]"]]}


def test_a_wrong_setting_is_named(podium_bin, tmp_path):
    for text, word in [("redact: [rows]", "predictions.redact"), ("share: 2", "predictions.share"),
                       ("payloads: some", "predictions.payloads")]:
        file = tmp_path / "podium.yaml"
        file.write_text(f"predictions: {{log: true, {text}}}\n")
        ended = subprocess.run([podium_bin, "check", str(file)], capture_output=True, text=True)
        assert ended.returncode == 1 and word in ended.stdout + ended.stderr, ended


# ---- Feedback.

def test_feedback_comes_early_late_and_twice(logged, register):
    make_two(logged, register)
    early = done(logged.post("/api/v1/feedback",
                             {"route": "number", "request_id": "r1", "label": True}))
    assert early["new"] == 1 and not early["items"][0]["known"]
    ask(logged, [[1]], headers={"X-Request-Id": "r1"})
    ask(logged, [[1]], headers={"X-Request-Id": "r2"})
    rows = {row["request_id"]: row for row in predictions(logged, 2)}
    assert done(logged.get(f"/api/v1/predictions/{rows['r1']['id']}"))["feedback"][0]["label"] == 1

    late = {"id": rows["r2"]["id"], "label": 0, "score": 0.5}
    answer = done(logged.post("/api/v1/feedback", late))
    assert answer["items"][0]["known"] and answer["items"][0]["request_id"] == "r2"
    assert done(logged.post("/api/v1/feedback", late))["same"] == 1
    answer = done(logged.post("/api/v1/feedback", {"request_id": "r2", "label": 1}))
    assert answer["replaced"] == 1  # The route is known by the request.
    (kept,) = done(logged.get(f"/api/v1/predictions/{rows['r2']['id']}"))["feedback"]
    assert (kept["label"], kept["score"], kept["actor"]) == (1, None, "local")


def test_feedback_comes_in_lists(logged):
    items = [{"route": "r", "request_id": f"q{i}", "label": i % 2} for i in range(300)]
    assert done(logged.post("/api/v1/feedback", items))["new"] == 300
    lines = "\n".join(json.dumps(item) for item in items).encode()
    answer = logged.request("POST", "/api/v1/feedback", lines, {"Content-Type": "application/x-ndjson"})
    assert done(answer)["same"] == 300
    refused(logged.post("/api/v1/feedback", items * 4), 413)


NO_FEEDBACK = [
    ({}, "request_id"),
    ({"request_id": "q", "route": "r"}, "label"),
    ({"request_id": "q", "id": "x", "label": 1}, "one of the two"),
    ({"request_id": "q", "label": 1}, "route"),
    ({"request_id": "q", "route": "r", "label": "spam"}, "label"),
    ({"request_id": "q", "route": "r", "label": 1, "row": 1.5}, "row"),
    ({"request_id": "q", "route": "r", "label": 1, "row": -1}, "row"),
    ({"request_id": "q", "route": "r", "label": 1, "colour": 2}, "colour"),
    ([{"request_id": "q", "route": "r", "label": 1}, 5], "item 2"),
    ([{"request_id": "q", "route": "r", "label": 1}] * 2, "twice"),
    ([], "no item"),
]


def test_what_is_no_feedback_is_refused_whole(logged):
    for body, word in NO_FEEDBACK:
        refused(logged.request("POST", "/api/v1/feedback", json.dumps(body).encode(),
                               {"Content-Type": "application/json"}), 400, word)
    refused(logged.post("/api/v1/feedback", {"id": "nobody", "label": 1}), 404)
    refused(logged.request("POST", "/api/v1/feedback", b"x", {"Content-Type": "text/plain"}), 415)


# ---- Compare.

def log_loss(labels, scores):
    """As scikit-learn has it: a score of exactly 0 or 1 is cut by the eps of doubles."""
    eps = sys.float_info.epsilon
    sure = [min(max(s, eps), 1 - eps) for s in scores]
    return -sum(math.log(s if l else 1 - s) for l, s in zip(labels, sure)) / len(labels)


def auc(labels, scores):
    """By all pairs, as it is defined."""
    ones = [s for l, s in zip(labels, scores) if l]
    zeros = [s for l, s in zip(labels, scores) if not l]
    return sum((a > b) + 0.5 * (a == b) for a in ones for b in zeros) / (len(ones) * len(zeros))


def test_compare_gives_the_figures_of_the_demos_own_data(logged, register):
    data = json.loads((EXAMPLES / "tumour.rows.json").read_text())
    register(logged, "tumour", EXAMPLES / "tumour-v1.onnx", "1", model_id="t1", activate=True)
    register(logged, "tumour", EXAMPLES / "tumour-v2.onnx", "2", model_id="t2")
    done(logged.put("/api/v1/routes/tumour/canary", {"model_id": "t2", "traffic_pct": 50}))
    told = {"t1": ([], []), "t2": ([], [])}
    feedback = []
    count = 120
    with logged.line() as line:
        for i in range(count):
            answer = line.predict("tumour", [data["rows"][i]], {"X-Session-Id": f"s{i}"})
            labels, scores = told[answer.headers["x-podium-model"]]
            labels.append(data["labels"][i])
            scores.append(done(answer)["outputs"]["probabilities"][0][1])
            feedback.append({"route": "tumour", "request_id": answer.headers["x-request-id"],
                             "label": data["labels"][i]})
        # One that chance did not assign: it must change nothing.
        line.predict("tumour", [data["rows"][0]], {"X-Podium-Model-Version": "2"})
    done(logged.post("/api/v1/feedback", feedback))
    predictions(logged, count + 1)
    report = done(logged.get("/api/v1/routes/tumour/compare?since=1h"))
    assert report["labels"] == "binary" and report["overrides"] == 1 and report["complete"]
    assert [version["model_id"] for version in report["versions"]] == ["t1", "t2"]
    for version in report["versions"]:
        labels, scores = told[version["model_id"]]
        said = [s >= 0.5 for s in scores]
        hits = sum(1 for l, s in zip(labels, said) if l and s)
        want = {"auc": auc(labels, scores),
                "accuracy": sum(l == s for l, s in zip(labels, said)) / len(labels),
                "precision": hits / sum(said), "recall": hits / sum(labels),
                "log_loss": log_loss(labels, scores),
                "error_rate": 0}
        assert version["n"] == version["labelled"] == len(labels)
        for name, value in want.items():
            assert version[name]["value"] == pytest.approx(value, abs=1e-6), name
            assert version[name]["low"] <= version[name]["value"] <= version[name]["high"], name
        assert version["latency_p50_ms"]["value"] > 0
        assert version["cost_usd"] is None
    refused(logged.get("/api/v1/routes/nobody/compare"), 404)
    refused(logged.get("/api/v1/routes/tumour/compare?threshold=x"), 400, "threshold")
    strict = done(logged.get("/api/v1/routes/tumour/compare?threshold=0.9"))
    assert strict["versions"][0]["recall"]["value"] <= report["versions"][0]["recall"]["value"]


def test_evaluate_says_what_another_split_would_have_earned(logged, register, podium):
    make_two(logged, register)
    none = logged.get("/api/v1/routes/number/evaluate?policy=2%3D100")
    refused(none, 422, "predictions")
    done(logged.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": 50}))
    worth = {"n1": [], "n2": []}
    feedback = []
    with logged.line() as line:
        for i in range(400):
            answer = line.predict("number", [[1]], {"X-Session-Id": f"s{i}"})
            model = answer.headers["x-podium-model"]
            score = (2 if model == "n2" else 1) + i % 3
            worth[model].append(score)
            feedback.append({"route": "number", "request_id": answer.headers["x-request-id"], "score": score})
    done(logged.post("/api/v1/feedback", feedback))
    predictions(logged, 400)
    ended = podium("log", "evaluate", "number", "--policy", "2=100", "--reward", "score", "-o", "json", server=logged)
    report = ended.json
    want = sum(worth["n2"]) / len(worth["n2"])
    assert report["snips"]["value"] == pytest.approx(want, abs=1e-9)
    assert report["ips"]["value"] == pytest.approx(sum(worth["n2"]) * 2 / 400, abs=1e-9)
    assert report["snips"]["low"] < want < report["snips"]["high"]
    assert report["n"] == 400 and report["max_weight"] == 2 and report["share_without_propensity"] == 0
    assert report["ess"] == pytest.approx(len(worth["n2"]), abs=1e-6)
    assert report["logged"]["value"] == pytest.approx(sum(map(sum, worth.values())) / 400, abs=1e-9)
    text = podium("log", "evaluate", "number", "--policy", "1=50,2=50", server=logged)
    assert text.code == 0 and "doubly robust" in text.out and "effective sample" in text.out, text
    for query, word in [("policy=2%3D90", "add up"), ("policy=2", "percent"), ("", "percent"), ("policy=2%3D100&clip=-1", "clip"),
                        ("policy=2%3D50,n2%3D50", "twice"), ("policy=2%3D100&reward=luck", "reward")]:
        refused(logged.get(f"/api/v1/routes/number/evaluate?{query}"), 400, word)
    refused(logged.get("/api/v1/routes/nobody/evaluate?policy=2%3D100"), 404)


# ---- The command line.

def test_the_log_verbs(logged, register, podium):
    make_two(logged, register)
    for i in range(3):
        ask(logged, [[1]], f"u{i}", {"X-Request-Id": f"r{i}"})
    rows = predictions(logged, 3)
    ended = podium("log", "list", "number", server=logged)
    assert ended.code == 0 and "r2" in ended.out and "primary" in ended.out, ended
    ended = podium("feedback", "number", "r1", "--label", "1", server=logged)
    assert ended.code == 0 and "1 new" in ended.out, ended
    ended = podium("log", "get", rows[0]["id"], "-o", "json", server=logged)
    assert ended.json["request"] == {"rows": [[1]]}

    ended = podium("log", "export", "number", server=logged)
    exported = [json.loads(line) for line in ended.out.splitlines()]
    assert [row["request_id"] for row in exported] == ["r2", "r1", "r0"]
    assert exported[1]["feedback"][0]["label"] == 1
    ended = podium("log", "export", "number", "--format", "csv", server=logged)
    table = list(csv.DictReader(io.StringIO(ended.out)))
    assert [row["label"] for row in table] == ["", "1", ""] or \
        [float(row["label"] or -1) for row in table] == [-1, 1, -1]
    assert {row["score"] for row in table} == {"1.0"} or {row["score"] for row in table} == {"1"}

    ended = podium("log", "replay", "number", "--version", "1", "-o", "json", server=logged)
    assert [one["result"] for one in ended.json] == ["same"] * 3, ended
    ended = podium("log", "replay", "number", "--version", "2", "--limit", "1", "-o", "json",
                   "--request", "r0", server=logged)
    (one,) = ended.json
    assert (one["result"], one["largest_difference"]) == ("differs", 1)

    predictions(logged, 7)
    report = podium("compare", "number", "-o", "json", server=logged).json
    assert report["versions"][0]["n"] == 3 and report["overrides"] == 4
    ended = podium("compare", "number", server=logged)
    assert "latency p50" in ended.out and "1 (primary)" in ended.out, ended
    assert podium("compare", "nobody", server=logged).code == 5


def test_tail_shows_what_comes(make_server, register, podium_bin):
    logged = make_server(config=LOGGED + "server: {cores: 1}\n")  # Of two cores one may be late.
    make_two(logged, register)
    process = subprocess.Popen([podium_bin, "log", "tail", "--server", logged.addr, "-o", "json"],
                               stdout=subprocess.PIPE, text=True)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(iter(process.stdout.readline, "")))
    reader.start()
    try:
        for i in range(3):
            ask(logged, [[1]], headers={"X-Request-Id": f"t{i}"})
        wait_until(lambda: len(lines) >= 3, what="the tail")
        ask(logged, [[1]], headers={"X-Request-Id": "t3"})
        wait_until(lambda: len(lines) >= 4, what="one more line")
    finally:
        process.terminate()
        process.wait()
        reader.join()
    assert [json.loads(line)["request_id"] for line in lines] == ["t0", "t1", "t2", "t3"]
