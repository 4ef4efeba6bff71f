"""What operators see and do: probes, metrics, logs, stopping, and a registry that is gone."""

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading

import pytest

from conftest import (MODELS, clean_environment, done, make_two, metric, refused, registry_file, scrape,
                      wait_until)

ONE = MODELS / "constant_one.onnx"
SLOW = MODELS / "slow.onnx"
LONG = 20000  # Rounds of the slow model: several seconds on any machine.
# Every inference on the pool, one at a time: what runs and what waits can be told apart.
ONE_AT_A_TIME = {"PODIUM_SERVING_INLINE_LIMIT": "0us", "PODIUM_SERVING_INFERENCE_THREADS": "1",
                 "PODIUM_SERVING_INFERENCE_TIMEOUT": "10m"}


@pytest.fixture
def two(server, register):
    """Route `number`: n1 is the primary and answers 1, n2 is a shadow and answers 2."""
    return make_two(server, register, status="shadow")


def set_share(server, percent):
    done(server.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": percent}))


# ---- Probes and status.

def test_probes(two):
    """An orchestrator restarts or unroutes by these two answers alone."""
    health, ready = two.get("/healthz"), two.get("/readyz")
    assert (health.status, health.text) == (200, "ok\n")
    assert ready.status == 200 and ready.text.endswith("ready\n"), ready
    assert "[-]" not in ready.text
    assert two.request("HEAD", "/healthz").status == 200


def test_status(two):
    """One look must tell which build, which table, and whether anything is wrong."""
    status = done(two.get("/api/v1/status"))
    assert (status["routes"], status["versions"], status["ready"], status["failed"]) == (1, 2, 2, 0)
    assert status["version"] and status["replica"] and status["uptime_s"] > 0
    assert (status["stale"], status["trouble"], status["faults"]) == (False, None, [])
    active = done(two.get("/internal/models/active?type=number"))
    assert status["generation"] == active["generation"]


# ---- Metrics.

def test_metrics_count_by_route_version_canary_and_outcome(two, register):
    """M1: a dashboard compares primary and canary by these labels and by nothing else."""
    register(two, "fragile", MODELS / "fails_above_two.onnx", "7", activate=True)
    for _ in range(3):
        assert two.predict("number", [[0]]).status == 200
    set_share(two, 100)
    for _ in range(5):
        assert two.predict("number", [[0]]).status == 200
    assert two.predict("fragile", [[1]]).status == 200
    assert two.predict("fragile", [[3]]).status == 500
    refused(two.predict("number", [["x"]]), 400)
    refused(two.predict("nowhere", [[0]]), 404)

    samples = scrape(two)
    requests = {key: value for key, value in samples.items() if key[0] == "podium_requests_total"}
    assert {frozenset(dict(labels)) for _, labels in requests} == \
        {frozenset({"route", "model_version", "canary", "outcome"})}

    def count(**labels):
        return metric(samples, "podium_requests_total", **labels)

    assert count(route="number", model_version="1", canary="false", outcome="ok") == 3
    assert count(route="number", model_version="2", canary="true", outcome="ok") == 5
    assert count(route="number") == 8
    assert count(route="fragile", model_version="7", outcome="ok") == 1
    assert count(route="fragile", model_version="7", outcome="error") == 1
    duration = "podium_request_duration_seconds"
    assert metric(samples, duration + "_count", route="number", canary="true") == 5
    assert metric(samples, duration + "_sum", route="number", canary="true") > 0
    buckets = {dict(labels)["le"]: value for (name, labels), value in samples.items()
               if name == duration + "_bucket" and {("route", "number"), ("canary", "true")} <= labels}
    ordered = [buckets[le] for le in sorted(buckets, key=float)]
    assert ordered == sorted(ordered) and buckets["+Inf"] == 5 and len(buckets) > 5
    rejected = "podium_rejected_requests_total"
    assert metric(samples, rejected, code="invalid_argument") == 1
    assert metric(samples, rejected, code="not_found") == 1
    assert metric(samples, "podium_route_weight_ratio", route="number", canary="true") == 1
    assert metric(samples, "podium_snapshot_revision") == done(two.get("/api/v1/status"))["generation"]
    assert metric(samples, "podium_build_info") == 1


def test_metrics_of_a_version(two):
    """M1: the figures on which somebody decides whether to promote."""
    before = done(two.get("/api/v1/metrics/versions/n1"))
    assert (before["request_count"], before["last_updated"]) == (0, None)
    set_share(two, 100)
    for _ in range(20):
        assert two.predict("number", [[0]]).status == 200
    shown = done(two.get("/api/v1/metrics/versions/n2"))
    assert {"model_id", "request_count", "error_count", "error_rate", "latency",
            "last_updated"} <= set(shown)
    assert (shown["model_id"], shown["route"], shown["version"]) == ("n2", "number", "2")
    assert (shown["request_count"], shown["canary_request_count"]) == (20, 20)
    assert (shown["error_count"], shown["error_rate"]) == (0, 0)
    latency = shown["latency"]
    assert 0 < latency["p50"] <= latency["p95"] <= latency["p99"] < 60_000
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", shown["last_updated"])
    listed = done(two.get("/api/v1/metrics/versions"))["items"]
    # The list names those that saw traffic.
    assert {item["model_id"]: item["request_count"] for item in listed} == {"n2": 20}
    refused(two.get("/api/v1/metrics/versions/nobody"), 404, "nobody")
    refused(two.delete("/api/v1/metrics/versions/nobody"), 404, "nobody")

    assert done(two.delete("/api/v1/metrics/versions/n2"))["request_count"] == 0
    assert done(two.get("/api/v1/metrics/versions/n2"))["request_count"] == 0
    assert two.predict("number", [[0]]).status == 200
    assert done(two.get("/api/v1/metrics/versions/n2"))["request_count"] == 1
    # A counter that goes back would look like a restart to Prometheus.
    assert metric(scrape(two), "podium_requests_total", model_version="2", outcome="ok") == 21


def test_an_error_counts_as_one(server, register):
    """M1: an error rate that forgets the model's own failures promotes a broken model."""
    register(server, "fragile", MODELS / "fails_above_two.onnx", "7", model_id="f", activate=True)
    for value in (0, 1, 3, 2):
        server.predict("fragile", [[value]])
    shown = done(server.get("/api/v1/metrics/versions/f"))
    assert (shown["request_count"], shown["error_count"], shown["error_rate"]) == (4, 1, 0.25)


# ---- Logs.

def log_lines(server):
    return [json.loads(line) for line in server.log_text.splitlines()]


def test_logs_are_one_json_object_per_line(two):
    """A line that a collector cannot parse is lost, and it is always the interesting one."""
    assert two.post("/api/v1/versions/n2/promote", {"reason": "say \"go\"\\n"},
                    headers={"X-Request-Id": "find-me"}).status == 200
    refused(two.post("/api/v1/versions/no%22body%0a/promote"), 404)
    refused(two.post("/api/v1/versions", {"route": "a\nb\u2028\"", "version": "1"}), 400)
    two.raw(b"GET /\xff HTTP/1.1\r\n\r\n")
    two.stop()
    lines = log_lines(two)
    for line in lines:
        assert {"ts", "level", "msg"} <= set(line), line
        assert line["level"] in ("debug", "info", "warning", "error")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line["ts"])
    changed = [line for line in lines if line.get("request_id") == "find-me"]
    assert [(line["kind"], line["from"], line["to"]) for line in changed] == [("promote", "n1", "n2")]
    assert any(line.get("status") == 404 for line in lines)
    # Normal traffic leaves none: at 10,000 requests a second it would be all there is.
    assert len(lines) < 20


def test_the_log_level_is_a_setting(make_server, register):
    """Debugging needs more lines, a quiet night fewer."""
    server = make_server(env={"PODIUM_LOG_LEVEL": "error"})
    register(server, "number", ONE, "1", activate=True)
    server.stop()
    assert log_lines(server) == []


# ---- Stopping.

def closed(server):
    """No new connection is taken any more."""
    try:
        server.connect().close()
        return False
    except (ConnectionRefusedError, ConnectionResetError):  # Reset: it closed while we knocked.
        return True


def long_call(server, rounds, answers):
    """A thread with one prediction of the slow model; its outcome is appended to `answers`."""
    def call():
        try:
            answers.append(server.predict("slow", [[rounds]], timeout=300))
        except (OSError, http.client.HTTPException) as error:
            answers.append(error)
    thread = threading.Thread(target=call)
    thread.start()
    return thread


def one_runs_one_waits(server, rounds, answers):
    callers = [long_call(server, rounds, answers) for _ in range(2)]
    # Seen once it may be the first one on its way to its thread; seen this often, it is the second.
    wait_until(lambda: all(metric(scrape(server), "podium_inference_queue") == 1
                           for _ in range(20)),
               what="an inference that waits behind another")
    return callers


def exit_code(server):
    """The exit code, without a further signal."""
    server.process.wait(120)
    return server.stop()


def test_stopping_lets_running_requests_end(make_server, register):
    """F1: a deployment that cuts requests off costs an error for each of them."""
    server = make_server(env={**ONE_AT_A_TIME, "PODIUM_SERVER_DRAIN_TIMEOUT": "300s"})
    register(server, "slow", SLOW, "1", activate=True)
    answers = []
    callers = one_runs_one_waits(server, 1500, answers)
    server.process.send_signal(signal.SIGTERM)
    wait_until(lambda: closed(server), what="the end of new connections")
    assert server.process.poll() is None  # It waits for the two.
    for caller in callers:
        caller.join()
    assert [getattr(answer, "status", answer) for answer in answers] == [200, 200]
    assert [answer.json["predictions"] for answer in answers] == [[1500], [1500]]
    assert exit_code(server) == 0


def test_while_it_stops_it_is_not_ready(make_server, register):
    """A balancer that still asks must learn that this one is going, not time out on it."""
    server = make_server(env={**ONE_AT_A_TIME, "PODIUM_SERVER_DRAIN_TIMEOUT": "300s"})
    register(server, "slow", SLOW, "1", activate=True)
    answers = []
    callers = one_runs_one_waits(server, 1500, answers)
    head = f"GET %s HTTP/1.1\r\nHost: {server.addr}\r\n"
    with server.connect() as connection:
        # The second head has begun, so the connection is not idle when the end comes.
        connection.sendall((head % "/healthz" + "\r\n" + head % "/readyz").encode())
        assert b"200 OK" in connection.recv(65536)
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: closed(server), what="the end of new connections")
        connection.sendall(b"\r\n")
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    assert received.startswith(b"HTTP/1.1 503 ") and b"draining" in received
    assert b"connection: close" in received.lower()
    for caller in callers:
        caller.join()
    assert exit_code(server) == 0


def test_a_second_signal_ends_at_once(make_server, register):
    """Who presses Ctrl-C twice does not want to wait for anything."""
    server = make_server(env={**ONE_AT_A_TIME, "PODIUM_SERVER_DRAIN_TIMEOUT": "300s"})
    register(server, "slow", SLOW, "1", activate=True)
    answers = []
    callers = one_runs_one_waits(server, LONG, answers)
    server.process.send_signal(signal.SIGTERM)
    wait_until(lambda: closed(server), what="the end of new connections")
    assert server.stop(signal.SIGTERM) == 130
    for caller in callers:
        caller.join()
    assert not any(getattr(answer, "status", None) == 200 for answer in answers)


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_stopping_does_not_wait_for_idle_connections(two, sig):
    """Kept-alive connections would hold up every deployment until their timeout."""
    with two.line() as line:
        assert line.predict("number", [[0]]).status == 200
        assert two.stop(sig) == 0


# ---- A registry that is gone.

FILES = ("podium.db", "podium.db-wal", "podium.db-shm")


def test_traffic_goes_on_without_the_registry(two):
    """INV-8, B5: the data plane never depends on the control plane being well; nor may a change be
    acknowledged that lands in a file which nobody will ever read again."""
    set_share(two, 40)
    data = pathlib.Path(two.data)
    failures = metric(scrape(two), "podium_table_read_failures_total")
    for name in FILES:
        (data / name).rename(data / (name + ".away"))
    wait_until(lambda: done(two.get("/api/v1/status"))["trouble"], what="the trouble to be seen")
    assert metric(scrape(two), "podium_table_read_failures_total") > failures
    with two.line() as line:
        seen = set()
        for number in range(300):
            answer = line.predict("number", [[0]], {"X-Session-Id": str(number)})
            assert answer.status == 200, answer
            seen.add(answer.headers["x-podium-canary"])
        assert seen == {"true", "false"}
    for answer in (two.post("/api/v1/versions/n2/promote"),
                   two.post("/api/v1/routes/number/rollback"),
                   two.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": 1}),
                   two.post("/api/v1/versions", {"route": "number", "version": "9",
                                                 "artifact_uri": "file:x"})):
        refused(answer, 503, "registry file")
    assert done(two.get("/internal/models/active?type=number"))["traffic_pct"] == 40
    assert two.get("/readyz").status == 200 and "not readable" in two.get("/readyz").text
    wait_until(lambda: "cannot be read" in two.log_text, what="the log's line of it")
    # Put back, it goes on where it was.
    for name in FILES:
        (data / (name + ".away")).rename(data / name)
    wait_until(lambda: not done(two.get("/api/v1/status"))["trouble"], what="the end of the trouble")
    assert done(two.post("/api/v1/versions/n2/promote"))["status"] == "primary"
    two.restart()
    two.wait_ready("n2")
    assert done(two.predict("number", [[0]]))["predictions"] == [2]


def test_a_view_that_grows_old_is_called_stale(make_server, register):
    """B4: who reads the figures must see that the table may say something else by now."""
    server = make_two(make_server(env={"PODIUM_REGISTRY_CACHE_TTL": "1s"}), register,
                      status="shadow")
    wait_until(lambda: metric(scrape(server), "podium_snapshot_stale") == 0, what="a fresh view")
    for name in FILES:
        (pathlib.Path(server.data) / name).rename(pathlib.Path(server.data) / (name + ".away"))
    wait_until(lambda: done(server.get("/api/v1/status"))["stale"], what="a stale view")
    samples = scrape(server)
    assert metric(samples, "podium_snapshot_stale") == 1
    assert metric(samples, "podium_snapshot_age_seconds") > 1
    assert server.predict("number", [[0]]).status == 200


def test_a_locked_registry_does_not_hold_up_traffic(two):
    """INV-8: a backup tool that locks the file must not be heard by any caller."""
    holder = registry_file(two)
    holder.execute("BEGIN IMMEDIATE")
    answers = []
    change = threading.Thread(
        target=lambda: answers.append(two.post("/api/v1/versions/n2/promote", timeout=120)))
    change.start()
    wait_until(lambda: metric(scrape(two), "podium_admin_pending", verb="promote") == 1,
               what="the change to wait")
    for _ in range(50):
        assert two.predict("number", [[0]]).status == 200
    assert done(two.get("/api/v1/versions/n2"))["status"] == "shadow"  # Reads go on as well.
    holder.execute("COMMIT")
    holder.close()
    change.join()
    assert answers[0].status == 200, answers


@pytest.mark.full
def test_a_registry_that_stays_locked_is_503(two):
    """A change that waits for ever leaves its author in doubt whether it will still happen."""
    holder = registry_file(two)
    holder.execute("BEGIN IMMEDIATE")
    refused(two.post("/api/v1/versions/n2/promote", timeout=120), 503, "locked")
    holder.execute("COMMIT")
    holder.close()
    assert done(two.get("/api/v1/versions/n2"))["status"] == "shadow"


# ---- What does not start.

def serve(podium_bin, *args, **kw):
    return subprocess.run([podium_bin, "serve", *map(str, args)], env=clean_environment({}),
                          stdin=subprocess.DEVNULL, timeout=120, capture_output=True, text=True, **kw)


def test_a_port_in_use(two, podium_bin, tmp_path):
    """Two servers on one port would each get half of the requests, from two tables."""
    ended = serve(podium_bin, "--data", tmp_path / "second", "--listen", two.addr)
    assert ended.returncode == 1, ended
    assert str(two.port) in ended.stderr and "in use" in ended.stderr
    assert "--listen" in ended.stderr  # The way out.
    assert two.predict("number", [[0]]).status == 200


def test_a_port_that_another_program_holds(podium_bin, tmp_path):
    """The same for a neighbour that is no podium."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        ended = serve(podium_bin, "--data", tmp_path / "data", "--listen", f"127.0.0.1:{port}")
    assert ended.returncode == 1, ended
    assert str(port) in ended.stderr and "in use" in ended.stderr


def test_a_data_directory_that_cannot_be_made(podium_bin, tmp_path):
    """A server without its registry would start empty and answer 404 to everybody."""
    (tmp_path / "file").write_text("in the way")
    ended = serve(podium_bin, "--data", tmp_path / "file" / "data", "--listen", "127.0.0.1:0")
    assert ended.returncode == 1, ended
    assert "directory" in ended.stderr and str(tmp_path / "file") in ended.stderr
    assert ended.stdout == ""


@pytest.fixture
def foreign_place(podium_bin):
    """(directory that this user may read but not write, binary, options for subprocess)."""
    with tempfile.TemporaryDirectory() as name:
        place = pathlib.Path(name)
        data = place / "data"
        (data / "artifacts").mkdir(parents=True)
        (data / "cache").mkdir()
        binary, options = podium_bin, {}
        if os.geteuid() == 0:  # To whom no mode is a bar: somebody else tries.
            place.chmod(0o755)
            for file in pathlib.Path(podium_bin).parent.glob("libonnxruntime*"):
                shutil.copy(file, place)
            binary, options = shutil.copy(podium_bin, place), {"user": 65534, "group": 65534}
        for directory in (data / "artifacts", data / "cache", data):
            directory.chmod(0o555)
        yield data, str(binary), options
        for directory in (data, data / "artifacts", data / "cache"):
            directory.chmod(0o755)


def test_a_data_directory_that_is_read_only(foreign_place):
    """Found at the first change, weeks later, it would be a much worse surprise."""
    data, binary, options = foreign_place
    ended = serve(binary, "--data", data, "--listen", "127.0.0.1:0", **options)
    assert ended.returncode == 1, ended
    assert "podium.db" in ended.stderr, ended
    assert "ermission" in ended.stderr or "writ" in ended.stderr or "read-only" in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize("content, words", [
    (b"not a database, but somebody's notes about one. " * 100, "not a SQLite database"),
    (None, "podium.db"),
])
def test_a_registry_file_that_is_none(podium_bin, tmp_path, content, words):
    """Starting over in its place would destroy what somebody kept there."""
    file = tmp_path / "podium.db"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    ended = serve(podium_bin, "--data", tmp_path, "--listen", "127.0.0.1:0")
    assert ended.returncode == 1, ended
    assert words in ended.stderr
    assert content is None or file.read_bytes() == content


def test_a_registry_of_a_newer_podium(two, podium_bin):
    """An older program that writes into a newer table ruins what it does not understand."""
    two.stop()
    database = registry_file(two)
    database.execute("INSERT INTO schema_migrations VALUES (999, 'later', 0)")
    database.close()
    ended = serve(podium_bin, "--data", two.data, "--listen", "127.0.0.1:0")
    assert ended.returncode == 1, ended
    assert "999" in ended.stderr and "newer" in ended.stderr
