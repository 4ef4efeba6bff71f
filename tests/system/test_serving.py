"""Models in the process: what they answer, how they come and go, and what happens when they fail."""

import http.client
import json
import pathlib
import select
import shutil
import threading

import pytest

from conftest import EXAMPLES, MODELS, done, metric, refused, scrape, upload, wait_until

ONE = MODELS / "constant_one.onnx"
TWO = MODELS / "constant_two.onnx"
SLOW = MODELS / "slow.onnx"
# Rounds of the slow model: several seconds on any machine, ended with the server.
LONG = 20000
PATIENT = {"PODIUM_SERVING_INFERENCE_TIMEOUT": "10m"}


def silently(call, *args):
    """For callers whose server is taken away from under them."""
    try:
        call(*args)
    except (OSError, http.client.HTTPException):
        pass


def failed(server, model_id):
    """The row of a version once its load has failed."""
    def look():
        row = done(server.get(f"/api/v1/versions/{model_id}"))
        assert row["load_state"] != "ready", row
        return row if row["load_state"] == "failed" else None
    return wait_until(look, what=f"{model_id} failed")


def registered(server, route, version, uri, **fields):
    answer = server.post("/api/v1/versions", {"route": route, "version": version,
                                              "artifact_uri": uri, **fields})
    assert answer.status == 201, answer
    return answer.json


# ---- Rows in, predictions out.

@pytest.mark.parametrize("model, rows, predictions, outputs", [
    ("identity_fp32", [[0.1, -2, 1e-3]], [[0.1, -2, 0.001]], None),
    ("identity_fp32", [[16777216, 3.4028235e38]], [[16777216, 3.4028235e38]], None),
    ("two_outputs", [[1, 2], [4, 3]], [3, 7], {"label": [1, 0]}),
    ("two_outputs", [{"x": [1, 2]}], [3], {"label": [1]}),
    ("fixed_batch", [[3, 4]], [[6, 8]], None),
    ("multi_input", [[1.5, 7, "ä"], [2, -8, ""]], [1.5, 2], {"b_out": [7, -8],
                                                             "s_out": ["ä", ""]}),
    ("multi_input", [{"s": "x", "a": [1.5], "b": 9007199254740993}], [1.5],
     {"b_out": [9007199254740993], "s_out": ["x"]}),
    ("all_types", [[True, -128, -32768, -2147483648, -9223372036854775808, 255, 65535, 4294967295,
                    18446744073709551615, 0.5, 1e-300, "\u0000\"\\/"]], [True],
     {"int8_out": [-128], "int16_out": [-32768], "int32_out": [-2147483648],
      "int64_out": [-9223372036854775808], "uint8_out": [255], "uint16_out": [65535],
      "uint32_out": [4294967295], "uint64_out": [18446744073709551615], "fp32_out": [0.5],
      "fp64_out": [1e-300], "bytes_out": ["\u0000\"\\/"]}),
])
def test_values_survive_the_way_through(server, register, model, rows, predictions, outputs):
    """A number that is rounded, or a column that is swapped, is a wrong answer that looks right."""
    register(server, "m", MODELS / f"{model}.onnx", "1", model_id="m1", activate=True)
    answer = done(server.predict("m", rows))
    assert answer["predictions"] == predictions
    assert answer.get("outputs") == outputs
    assert (answer["model"], answer["version"]) == ("m1", "1")
    assert set(answer) <= {"predictions", "outputs", "model", "version"}


@pytest.mark.parametrize("model, rows, where, words", [
    ("two_outputs", [[1, 2, 3]], "/rows/0", ["row 0", "3 columns", "2"]),
    ("two_outputs", [[1, 2], [1]], "/rows/1", ["row 1", "1 columns", "2"]),
    ("two_outputs", [[1, "2"]], "/rows/0/1", ["row 0", "column 1", "number", "\"2\""]),
    ("two_outputs", [[1, None]], "/rows/0/1", ["null"]),
    ("two_outputs", [[1, True]], "/rows/0/1", ["true"]),
    ("two_outputs", [[1, [2]]], "/rows/0/1", ["array"]),
    ("two_outputs", [[1, 1e39]], "/rows/0/1", ["1e+39"]),
    ("two_outputs", [], "/rows", ["empty"]),
    ("two_outputs", [5], "/rows/0", ["row 0", "5"]),
    ("two_outputs", {"x": 1}, "/rows", ["array of rows"]),
    ("two_outputs", [[1, 2], {"x": [1, 2]}], "/rows/1", ["row 1", "alike"]),
    ("two_outputs", [{"y": [1, 2]}], "/rows/0/y", ["\"y\""]),
    ("fixed_batch", [[1, 2], [3, 4]], "/rows", ["exactly 1 row", "2 are given"]),
    ("multi_input", [[1, 2]], "/rows/0", ["3", "a, b, s"]),
    ("multi_input", [[1, 2.5, "x"]], "/rows/0/1", ["\"b\"", "whole number", "2.5"]),
    ("multi_input", [[1, 2, 3]], "/rows/0/2", ["\"s\"", "string"]),
    ("multi_input", [{"a": 1, "b": 2}], "/rows/0", ["lacks", "\"s\""]),
    ("all_types", [[True, 128, 0, 0, 0, 0, 0, 0, 0, 0, 0, ""]], "/rows/0/1", ["int8", "128"]),
    ("all_types", [[True, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, ""]], "/rows/0/5", ["uint8", "-1"]),
])
def test_rows_that_do_not_fit_are_refused_by_place(server, register, model, rows, where, words):
    """A caller with a thousand rows must be told which cell of which row it is."""
    register(server, "m", MODELS / f"{model}.onnx", "1", model_id="m1", activate=True)
    answer = server.predict("m", rows)
    refused(answer, 400, *words)
    assert answer.json["where"] == where
    # The caller's mistake says nothing of the version.
    assert done(server.get("/api/v1/metrics/versions/m1"))["error_count"] == 0


def test_rows_by_column_name(server, register):
    """Rows from a data frame come by name: a column in another order must not be another feature."""
    examples = json.loads((EXAMPLES / "tumour.rows.json").read_text())
    signature = json.loads((EXAMPLES / "tumour-v2.signature.json").read_text())
    register(server, "tumour", EXAMPLES / "tumour-v2.onnx", "2", activate=True)
    columns, rows = signature["columns"], examples["rows"][:40]
    in_order = done(server.predict("tumour", rows))
    named = [dict(zip(columns, row)) for row in rows]
    shuffled = [dict(reversed(row.items())) for row in named]
    assert done(server.predict("tumour", named)) == in_order
    assert done(server.predict("tumour", shuffled)) == in_order
    assert len(set(in_order["predictions"])) == 2  # Both labels: equality above means something.
    wrong = dict(named[0])
    wrong[columns[0] + "s"] = wrong.pop(columns[0])
    refused(server.predict("tumour", [wrong]), 400, columns[0] + "s", columns[0])
    lacking = dict(named[0])
    del lacking[columns[3]]
    refused(server.predict("tumour", [named[0], lacking]), 400, "row 1", columns[3])


def test_a_run_that_fails(server, register):
    """An error of the model is the model's: counted, shown, and nobody else's trouble."""
    register(server, "m", MODELS / "fails_above_two.onnx", "1", model_id="m1", activate=True)
    assert done(server.predict("m", [[0], [1], [2]]))["predictions"] == [10, 20, 30]
    answer = server.predict("m", [[3]])
    refused(answer, 500, "Gather")
    counted = done(server.get("/api/v1/metrics/versions/m1"))
    assert (counted["request_count"], counted["error_count"]) == (2, 1)
    assert done(server.predict("m", [[1]]))["predictions"] == [20]


# ---- Long inferences.

def quick_while_slow(server):
    """Quick predictions are answered while a slow one, sent before them, still runs."""
    body = json.dumps({"rows": [[LONG]]}).encode()
    head = (f"POST /predict/slow HTTP/1.1\r\nHost: {server.addr}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode()
    with server.connect() as slow, server.line() as line:
        slow.sendall(head + body)
        for _ in range(100):
            answer = line.predict("quick", [[0]])
            assert answer.status == 200, answer
        ended, _, _ = select.select([slow], [], [], 0)
        assert not ended, "the slow prediction was over first: nothing was shown"
        assert line.request("GET", "/healthz").status == 200


def test_a_long_inference_does_not_block_a_quick_route(make_server, register):
    """One heavy model would make every route on its core as slow as itself."""
    server = make_server(env={**PATIENT, "PODIUM_SERVER_CORES": "1",
                              "PODIUM_SERVING_INLINE_LIMIT": "0us"})
    register(server, "slow", SLOW, "1", activate=True)
    register(server, "quick", ONE, "1", activate=True)
    quick_while_slow(server)


def test_a_model_that_turns_out_slow_leaves_the_core(make_server, register):
    """What a warm-up on zeros costs says little: live traffic that takes long must count, too."""
    server = make_server(env={**PATIENT, "PODIUM_SERVER_CORES": "1"})
    register(server, "slow", SLOW, "1", activate=True)
    register(server, "quick", ONE, "1", activate=True)
    for _ in range(3):
        assert server.predict("slow", [[100]]).status == 200
    quick_while_slow(server)


def test_a_full_queue_is_503_and_nothing_else(make_server, register):
    """INV-16: without a bound a slow model collects requests until the memory is gone."""
    server = make_server(env={**PATIENT, "PODIUM_SERVING_INLINE_LIMIT": "0us",
                              "PODIUM_SERVING_INFERENCE_THREADS": "1",
                              "PODIUM_SERVING_INFERENCE_QUEUE": "1"})
    register(server, "slow", SLOW, "1", activate=True)
    callers = []

    def one_runs_and_one_waits():
        # One look may see the first on its way to its thread; twenty see one that waits.
        if all(metric(scrape(server), "podium_inference_queue") == 1 for _ in range(20)):
            return True
        caller = threading.Thread(target=silently, args=(server.predict, "slow", [[LONG]]))
        caller.start()
        callers.append(caller)
        return False

    wait_until(one_runs_and_one_waits, what="an inference that waits behind another")
    answer = server.predict("slow", [[0]])
    refused(answer, 503)
    assert answer.headers["retry-after"]
    assert metric(scrape(server), "podium_rejected_requests_total", code="unavailable") >= 1
    server.kill()
    for caller in callers:
        caller.join()


# ---- Loads that fail.

@pytest.mark.parametrize("model", ["corrupt", "not_a_model", "fails_on_zeros"])
def test_a_version_that_does_not_load_changes_nothing(server, register, model):
    """F2: a broken file must cost the one who sent it, not those who are being served."""
    register(server, "m", ONE, "1", activate=True)
    register(server, "m", MODELS / f"{model}.onnx", "2", model_id="bad", wait=False)
    row = failed(server, "bad")
    assert row["load_error"] and row["status"] == "standby"
    refused(server.post("/api/v1/versions/bad/activate"), 422, "bad", row["load_error"])
    assert done(server.predict("m", [[0]]))["predictions"] == [1]
    wait_until(lambda: done(server.get("/api/v1/status"))["failed"] == 1, what="the count of one")
    assert metric(scrape(server), "podium_version_ready", model_version="2", state="failed") == 0
    assert server.get("/readyz").status == 200


def test_a_wrong_checksum_never_serves(server, register):
    """The checksum is the only thing that ties a row to the bytes that were tested."""
    register(server, "m", ONE, "1", activate=True)
    stored = upload(server, TWO)
    registered(server, "m", "2", stored["artifact_uri"], sha256="0" * 64, model_id="m2")
    row = failed(server, "m2")
    assert "0" * 64 in row["load_error"] and stored["sha256"] in row["load_error"]
    refused(server.post("/api/v1/versions/m2/activate"), 422, "m2", "0" * 64)
    assert done(server.predict("m", [[0]]))["predictions"] == [1]


def test_a_file_that_changed_after_registration_never_serves(server, register):
    """A model overwritten in place would be served under the old one's name and metrics."""
    register(server, "m", ONE, "1", activate=True)
    stored = upload(server, TWO)
    file = pathlib.Path(server.data) / "artifacts" / f"{stored['sha256']}.onnx"
    file.write_bytes(SLOW.read_bytes())
    registered(server, "m", "2", stored["artifact_uri"], sha256=stored["sha256"], model_id="m2")
    assert stored["sha256"] in failed(server, "m2")["load_error"]
    refused(server.post("/api/v1/versions/m2/activate"), 422, "m2")


@pytest.mark.parametrize("uri", [
    "file:///etc/hostname", "/etc/hostname", "../podium.db", "file:../podium.db",
    "file:%2e%2e/podium.db", "file:link.onnx", "file:folder/x.onnx", "http://127.0.0.1/x.onnx",
    "file://elsewhere/x.onnx", "s3://bucket/x.onnx", "ftp:x",
])
def test_an_artifact_from_elsewhere_is_refused(server, register, tmp_path, uri):
    """N2: who may register must not thereby read every file, or reach every host, of the machine."""
    register(server, "m", ONE, "1", activate=True)
    outside = tmp_path / "outside"
    outside.mkdir()
    shutil.copy(TWO, outside / "x.onnx")
    artifacts = pathlib.Path(server.data) / "artifacts"
    (artifacts / "link.onnx").symlink_to(outside / "x.onnx")
    (artifacts / "folder").symlink_to(outside)
    answer = server.post("/api/v1/versions", {"route": "m", "version": "2", "artifact_uri": uri,
                                              "model_id": "m2"})
    if answer.status == 201:
        error = failed(server, "m2")["load_error"]
        assert "artifact_uri" in error and "outside" not in error, error
        refused(server.post("/api/v1/versions/m2/activate"), 422, "artifact_uri")
    else:
        refused(answer, 400, "artifact_uri")
    assert done(server.predict("m", [[0]]))["predictions"] == [1]


def test_an_artifact_below_a_configured_root_is_read(make_server, tmp_path):
    """Those who keep models on a shared disk must not have to copy them by hand."""
    shared = tmp_path / "shared models"
    shared.mkdir()
    shutil.copy(TWO, shared / "x.onnx")
    server = make_server(config=f"serving:\n  artifact_roots: [\"{shared}\"]\n")
    registered(server, "m", "1", f"file://{str(shared).replace(' ', '%20')}/x.onnx", model_id="m1")
    server.wait_ready("m1")
    assert done(server.post("/api/v1/versions/m1/activate"))["status"] == "primary"
    assert done(server.predict("m", [[0]]))["predictions"] == [2]


def test_a_version_whose_file_comes_later(server, register):
    """A pipeline that registers first and copies afterwards must not have to register again."""
    register(server, "m", ONE, "1", activate=True)
    registered(server, "m", "2", "file:later.onnx", model_id="m2")
    assert "later.onnx" in failed(server, "m2")["load_error"]
    shutil.copy(TWO, pathlib.Path(server.data) / "artifacts" / "later.onnx")
    assert done(server.post("/api/v1/versions/m2/activate"))["load_state"] == "ready"
    assert done(server.predict("m", [[0]]))["predictions"] == [2]


def test_a_lazy_version_is_loaded_when_it_is_wanted(server, register):
    """A registry of a thousand old versions must not fill the memory, yet each can come back."""
    register(server, "m", ONE, "1", model_id="m1", activate=True)
    stored = upload(server, TWO)
    registered(server, "m", "2", stored["artifact_uri"], sha256=stored["sha256"], model_id="m2",
               load="lazy")
    assert done(server.get("/api/v1/versions/m2"))["load_state"] != "ready"
    done(server.put("/api/v1/routes/m/canary", {"model_id": "m2", "traffic_pct": 100}))
    assert done(server.predict("m", [[0]]))["predictions"] == [2]


# ---- Versions that are not ready while they hold a role.

def lose(server, *model_files):
    """Stops the server, takes every copy of those artifacts away, starts it again."""
    gone = [upload(server, file)["sha256"] for file in model_files]
    server.stop()
    for name in gone:
        (pathlib.Path(server.data) / "artifacts" / f"{name}.onnx").unlink()
        (pathlib.Path(server.data) / "cache" / name).unlink()
    server.start()


def test_a_canary_that_is_not_ready_gets_no_traffic(server, register):
    """F2: its share must go to the primary, not into errors, and the figures must show it."""
    register(server, "m", ONE, "1", model_id="m1", activate=True)
    register(server, "m", TWO, "2", model_id="m2")
    done(server.put("/api/v1/routes/m/canary", {"model_id": "m2", "traffic_pct": 100}))
    assert done(server.predict("m", [[0]]))["predictions"] == [2]
    lose(server, TWO)
    server.wait_ready("m1")
    failed(server, "m2")
    for _ in range(10):
        answer = server.predict("m", [[0]])
        assert done(answer)["predictions"] == [1]
        assert answer.headers["x-podium-reason"] == "primary_fallback"
        assert (answer.headers["x-podium-canary"], answer.headers["x-podium-attempts"]) == \
            ("false", "2")
    # What was asked for stays asked for: nobody's share is changed behind their back.
    assert done(server.get("/internal/models/active?type=m"))["traffic_pct"] == 100
    assert done(server.get("/api/v1/metrics/versions/m2"))["not_served_count"] == 10
    assert metric(scrape(server), "podium_not_served_total", model_version="2") == 10


def test_a_route_without_a_ready_version_fails_alone(server, register):
    """F2: one lost file must not take the other routes, or the health of the process, with it."""
    register(server, "m", ONE, "1", model_id="m1", activate=True)
    register(server, "other", TWO, "1", model_id="o1", activate=True)
    lose(server, ONE)
    server.wait_ready("o1")
    failed(server, "m1")
    answer = server.predict("m", [[0]])
    refused(answer, 503, "m", "ready")
    assert int(answer.headers["retry-after"]) >= 1
    assert done(server.predict("other", [[0]]))["predictions"] == [2]
    wait_until(lambda: server.get("/readyz").status == 200, what="readiness")
    # The way out: another version.
    register(server, "m", SLOW, "2", activate=True)
    assert done(server.predict("m", [[0]]))["predictions"] == [0]


def test_the_previous_primary_helps_out(server, register):
    """The chain of classical routes: the version that served a minute ago beats no answer."""
    register(server, "m", ONE, "1", model_id="m1", activate=True)
    register(server, "m", TWO, "2", model_id="m2", status="shadow")
    done(server.post("/api/v1/versions/m2/promote"))
    lose(server, TWO)
    server.wait_ready("m1")
    failed(server, "m2")
    answer = server.predict("m", [[0]])
    assert done(answer)["predictions"] == [1]
    assert answer.headers["x-podium-reason"] == "previous_primary"


# ---- Restarts.

def test_a_restart_needs_no_source(server, register):
    """F1: what was once loaded must come back although the place it came from is gone."""
    register(server, "m", ONE, "1", model_id="m1", activate=True)
    server.stop()
    shutil.rmtree(pathlib.Path(server.data) / "artifacts")
    server.start()
    server.wait_ready("m1")
    assert done(server.predict("m", [[0]]))["predictions"] == [1]


def test_a_damaged_copy_is_made_anew(server, register):
    """A disk that flipped a bit in the cache must not serve a different model."""
    register(server, "m", ONE, "1", model_id="m1", activate=True)
    name = upload(server, ONE)["sha256"]
    server.stop()
    copy = pathlib.Path(server.data) / "cache" / name
    copy.write_bytes(TWO.read_bytes())
    server.start()
    server.wait_ready("m1")
    assert done(server.predict("m", [[0]]))["predictions"] == [1]


def test_a_killed_server_comes_back_as_acknowledged(server, register):
    """What was answered with 200 has happened, whatever becomes of the process a moment later."""
    register(server, "m", ONE, "1", model_id="m1", activate=True)
    register(server, "m", TWO, "2", model_id="m2", status="shadow")
    acknowledged, started = [], threading.Event()

    def switch():
        try:
            with server.line() as line:
                while True:
                    for path in ("/api/v1/versions/m2/promote", "/api/v1/routes/m/rollback"):
                        answer = line.request("POST", path, {})
                        assert answer.status == 200, answer
                        acknowledged.append(answer.json["change"]["revision"])
                        if len(acknowledged) == 20:
                            started.set()
        except Exception:  # However the death of the server shows on this side.
            started.set()

    switcher = threading.Thread(target=switch)
    switcher.start()
    started.wait(120)
    server.kill()
    switcher.join()
    assert len(acknowledged) >= 20
    server.start()
    rows, more = [], ""
    while more is not None:  # As many as there was time for.
        page = done(server.get(f"/api/v1/audit?limit=500{more}"))
        rows += page["items"]
        more = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    kept = [row["revision"] for row in rows]
    # All that was acknowledged, and at most the one that was under way.
    assert set(acknowledged) <= set(kept) and kept[0] - acknowledged[-1] in (0, 1)
    expected = rows[0]["to"]
    statuses = {r["model_id"]: r["status"] for r in done(server.get("/api/v1/versions"))["items"]}
    assert statuses == {"m1": "shadow", "m2": "shadow", expected: "primary"}
    server.wait_ready(expected)
    assert done(server.predict("m", [[0]]))["model"] == expected


def test_a_deleted_version_leaves_the_memory(server, register):
    """F1: versions that nobody wants would otherwise pile up until the process is killed."""
    register(server, "m", ONE, "1", model_id="m1", activate=True)
    register(server, "m", TWO, "2", model_id="m2")
    assert metric(scrape(server), "podium_version_ready", route="m") == 2
    done(server.delete("/api/v1/versions/m2"))
    wait_until(lambda: metric(scrape(server), "podium_version_ready", route="m") == 1,
               what="the memory free")
