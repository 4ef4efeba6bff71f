"""A model cannot take the server down: it crashes, hangs, eats memory or answers NaN, while it is
loaded, warmed up or asked, and everything else goes on.

The scripted models are those of src/runtime/misbehaving_loader.h, in a server that is Podium's own
but for its loader (tests/misbehave). The others are real files in the real binary.
"""

import os
import pathlib
import signal
import threading
import time

import pytest

from conftest import MODELS, Server, clean_environment, metric, scrape, upload, wait_until

PROBATION = 100
# What another route's call may take while a model misbehaves. Far above what it does take, and far
# below the time that a call would wait behind a model that hangs.
UNHARMED_S = 5
LIMITS = {"PODIUM_SERVING_INFERENCE_TIMEOUT": "60s", "PODIUM_SERVING_LOAD_TIMEOUT": "60s",
          "PODIUM_SERVING_LOAD_MEMORY_LIMIT": "64MiB"}
# For those that hang; a good model is in time even where the machine is slow.
HASTY = {**LIMITS, "PODIUM_SERVING_INFERENCE_TIMEOUT": "3s", "PODIUM_SERVING_LOAD_TIMEOUT": "3s"}


@pytest.fixture
def scripted(podium_bin, tmp_path):
    """A server of scripted models with two routes: `other` answers well, `m` has a good primary."""
    binary = pathlib.Path(podium_bin).parent / "tests" / "misbehaving_server"
    assert binary.is_file(), f"{binary} is missing: ninja misbehaving_server makes it"
    started = []

    def make(env=LIMITS):
        made = Server(str(binary), str(tmp_path / "data"), clean_environment(env), [],
                      tmp_path / "serve.log")
        started.append(made)
        for route in ("other", "m"):
            add(made, tmp_path, route, f"{route}1", f"fine load 1 anywhere {route}", activate=True)
        return made

    yield make
    for made in started:
        made.kill()
        # Each learns of its server's end from the system, a moment later.
        wait_until(lambda made=made: leftovers(made) == [], what="no model's process left")


def leftovers(server):
    """Processes of models; once their server is gone there must be none."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            binary = os.readlink(entry / "exe")
        except OSError:
            continue
        if b"model-host" in words and binary == str(pathlib.Path(server.binary).resolve()):
            found.append(entry.name)
    return found


def add(server, folder, route, model_id, script, activate=False):
    """Registers a scripted model; does not wait for it unless it is to serve."""
    file = folder / f"{model_id}.onnx"
    file.write_text(script)
    stored = upload(server, file)
    answer = server.post("/api/v1/versions",
                         {"route": route, "version": model_id, "model_id": model_id,
                          "artifact_uri": stored["artifact_uri"], "sha256": stored["sha256"]})
    assert answer.status == 201, answer
    if activate:
        server.wait_ready(model_id)
        answer = server.post(f"/api/v1/versions/{model_id}/activate")
        assert answer.status == 200, answer


def row_of(server, model_id):
    return server.get(f"/api/v1/versions/{model_id}").json


def failed(server, model_id, *words):
    """The row of a version once it is FAILED; its error must hold the words."""
    def look():
        row = row_of(server, model_id)
        return row if row["load_state"] == "failed" else None
    row = wait_until(look, what=f"{model_id} failed")
    for word in words:
        assert word in row["load_error"], row
    return row


def make_canary(server, model_id, share):
    # Forced: what is tried here need not have the primary's signature.
    body = {"model_id": model_id, "traffic_pct": share, "force": True}
    answer = server.put("/api/v1/routes/m/canary", body, headers={"X-Podium-Actor": "tester"})
    assert answer.status == 200, answer


def aborted(server, model_id, *words):
    """The canary is a standby version, by an audited mutation of `podium` itself."""
    wait_until(lambda: row_of(server, model_id)["status"] == "standby",
               what=f"{model_id} no canary any more")
    entry = next(e for e in server.get("/api/v1/audit?limit=20").json["items"]
                 if e["kind"] == "abort")
    assert entry["actor"] == "podium" and entry["route"] == "m", entry
    for word in words:
        assert word in entry["reason"], entry


class Others:
    """Asks the other route without a pause; at its end all answers must have been good."""

    def __init__(self, server):
        self.server = server
        self.ended = threading.Event()
        self.asked, self.slowest, self.bad = 0, 0.0, []
        self.thread = threading.Thread(target=self.ask)

    def ask(self):
        with self.server.line(timeout=UNHARMED_S) as line:
            while not self.ended.wait(0.002):
                start = time.monotonic()
                answer = line.predict("other", [[self.asked]])
                self.slowest = max(self.slowest, time.monotonic() - start)
                if answer.status != 200 or answer.json["predictions"] != [self.asked]:
                    self.bad.append(answer)
                self.asked += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        assert self.bad == [] and self.asked > 0 and self.slowest < UNHARMED_S, vars(self)


DEEDS = [
    ("segv", "crashed with SIGSEGV"),
    ("abort", "crashed with SIGABRT"),
    ("overflow", "crashed with SIGSEGV"),
    ("exit", "exit code 7"),
    ("hang", "took longer than 3 s"),
    ("eat", "needed more than 64 MiB"),
]


@pytest.mark.parametrize("phase, words", [("load", "while loading"),
                                          ("warm-up", "while warming up")])
@pytest.mark.parametrize("deed, reason", DEEDS)
def test_before_it_serves(scripted, tmp_path, deed, reason, phase, words):
    """The version is FAILED with its reason, now and after a restart; nobody else notices."""
    server = scripted(HASTY if deed == "hang" else LIMITS)
    pid = server.process.pid
    with Others(server):
        add(server, tmp_path, "m", "bad", f"{deed} {phase}")
        failed(server, "bad", reason, words)
        answer = server.put("/api/v1/routes/m/canary", {"model_id": "bad", "traffic_pct": 5})
        # One that hangs is tried again, since the machine may be to blame; the change waits for it.
        assert answer.status == (504 if deed == "hang" else 422), answer
        assert "bad" in answer.json["detail"], answer
    assert server.process.poll() is None and server.process.pid == pid
    server.restart()
    failed(server, "bad", reason, words)
    server.wait_ready("m1")
    assert server.predict("m", [[3]]).json["predictions"] == [3]


@pytest.mark.parametrize("deed, status, reason", [
    ("segv", 503, "crashed with SIGSEGV while answering (inference 100)"),
    ("abort", 503, "crashed with SIGABRT while answering (inference 100)"),
    ("overflow", 503, "crashed with SIGSEGV while answering (inference 100)"),
    ("exit", 503, "exit code 7 while answering (inference 100)"),
    ("hang", 504, "took longer than 3 s while answering (inference 100)"),
    ("eat", 503, "needed more memory than one call may use while answering"),
])
def test_at_the_hundredth_inference(scripted, tmp_path, deed, status, reason):
    # What one call may take is counted from what the loaded model has, not from the load's limit.
    greedy = {**LIMITS, "PODIUM_SERVING_CALL_MEMORY_LIMIT": "64MiB"}
    server = scripted({"eat": greedy, "hang": HASTY}.get(deed, LIMITS))
    pid = server.process.pid
    add(server, tmp_path, "m", "bad", f"{deed} run {PROBATION}")
    server.wait_ready("bad")
    make_canary(server, "bad", 100)
    with Others(server), server.line() as line:
        for number in range(1, PROBATION):
            answer = line.predict("m", [[number]])
            assert (answer.status, answer.json["version"]) == (200, "bad"), (number, answer)
        answer = line.predict("m", [[100]])
        assert answer.status == status, answer
        failed(server, "bad", reason)
        aborted(server, "bad", reason)
        answer = line.predict("m", [[101]])
        assert (answer.status, answer.json["version"]) == (200, "m1"), answer
    assert server.process.poll() is None and server.process.pid == pid
    server.restart()
    failed(server, "bad", reason, "podium version retry bad")
    server.wait_ready("m1")
    assert server.predict("m", [[3]]).json["version"] == "m1"


def test_calls_that_hang_hold_up_none_but_their_own(scripted, tmp_path):
    """More of them at once than the pool runs, and for longer than anybody else would wait."""
    server = scripted({**LIMITS, "PODIUM_SERVING_INFERENCE_TIMEOUT": "8s"})
    add(server, tmp_path, "m", "bad", "hang run 1")
    server.wait_ready("bad")
    make_canary(server, "bad", 100)
    answers = []
    callers = [threading.Thread(target=lambda: answers.append(server.predict("m", [[1]]).status))
               for _ in range(8)]
    for caller in callers:
        caller.start()
    wait_until(lambda: metric(scrape(server), "podium_inference_queue") > 0, what="calls that wait")
    with Others(server):
        for caller in callers:
            caller.join()
    # Who was first hung; the others waited for it, and are told that the version is gone.
    assert sorted(answers) == [503] * 7 + [504]
    failed(server, "bad", "took longer than 8 s while answering (inference 1)")
    aborted(server, "bad", "took longer than 8 s")


def test_a_model_that_never_returns_cannot_keep_the_server_from_ending(scripted, tmp_path):
    server = scripted({**HASTY, "PODIUM_SERVER_DRAIN_TIMEOUT": "1s"})
    add(server, tmp_path, "m", "bad", "deaf run 1 server")
    server.wait_ready("bad")
    make_canary(server, "bad", 100)
    with server.line() as line:
        for number in range(PROBATION):
            assert line.predict("m", [[number]]).status == 200, number
    with server.connect() as connection, Others(server):
        body = b'{"rows": [[1]]}'
        connection.sendall(b"POST /predict/m HTTP/1.1\r\nHost: localhost\r\n"
                           b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        failed(server, "bad", "took longer than 3 s while answering and did not stop when told to")
        aborted(server, "bad", "did not stop when told to")
        assert server.predict("m", [[3]]).json["version"] == "m1"
    assert server.stop() == 0
    server.start()
    failed(server, "bad", "did not stop when told to")


def test_a_load_that_never_returns_cannot_keep_the_server_from_ending(scripted, tmp_path):
    server = scripted({**HASTY, "PODIUM_SERVER_DRAIN_TIMEOUT": "1s"})
    add(server, tmp_path, "m", "bad", "deaf load 1 server")
    wait_until(lambda: row_of(server, "bad")["load_state"] == "loading", what="the load begun")
    with Others(server) as others:
        assert server.predict("m", [[3]]).json["version"] == "m1"
        wait_until(lambda: others.asked > 10, what="answers of the other route")
    assert server.stop() == 0


def test_calls_that_wait_for_a_model_do_not_outlast_the_drain(scripted, tmp_path):
    server = scripted({**LIMITS, "PODIUM_SERVER_DRAIN_TIMEOUT": "1s",
                       "PODIUM_SERVING_INFERENCE_TIMEOUT": "10m"})
    add(server, tmp_path, "m", "bad", "hang run 1")
    server.wait_ready("bad")
    make_canary(server, "bad", 100)
    connections = [server.connect() for _ in range(8)]
    for connection in connections:
        connection.sendall(b"POST /predict/m HTTP/1.1\r\nHost: localhost\r\n"
                           b"Content-Length: 15\r\n\r\n" + b'{"rows": [[1]]}')
    wait_until(lambda: metric(scrape(server), "podium_inference_queue") > 0, what="calls that wait")
    assert server.stop() == 0  # The inference has ten minutes, the stop has two.
    for connection in connections:
        connection.close()
    server.start()
    server.wait_ready("bad")  # To be stopped is no harm of its own.


def test_nan_is_an_answer(scripted, tmp_path):
    """What a number means is the caller's to judge; JSON has no NaN, so it reads null."""
    server = scripted()
    add(server, tmp_path, "m", "odd", f"nan run {PROBATION}")
    server.wait_ready("odd")
    make_canary(server, "odd", 100)
    with Others(server), server.line() as line:
        for number in range(1, PROBATION):
            assert line.predict("m", [[number]]).json["predictions"] == [number]
        answer = line.predict("m", [[1]])
        assert (answer.status, answer.json["predictions"]) == (200, [None]), answer
        assert line.predict("m", [[2]]).json == {"predictions": [2], "model": "odd",
                                                 "version": "odd"}
    assert row_of(server, "odd")["load_state"] == "ready"


@pytest.mark.parametrize("script, words", [
    ("segv load 1 server", "crashed the server with SIGSEGV while loading"),
    ("abort warm-up 1 server", "crashed the server with SIGABRT while warming up"),
])
def test_what_shows_only_in_the_server_happens_once(scripted, tmp_path, script, words):
    """The process cannot be saved, but the next one knows what ended it."""
    server = scripted()
    add(server, tmp_path, "m", "bad", script)
    server.process.wait(120)
    server.start()
    failed(server, "bad", words)
    for route in ("m", "other"):
        server.wait_ready(f"{route}1")
        assert server.predict(route, [[3]]).status == 200
    # An operator may try again. It does it again, and is found again.
    with pytest.raises(OSError):
        server.post("/api/v1/versions/bad/retry")
    server.process.wait(120)
    server.start()
    failed(server, "bad", words)


def test_a_canary_that_ended_the_server_is_aborted_at_the_next_start(scripted, tmp_path):
    server = scripted()
    add(server, tmp_path, "m", "bad", "segv run 5 server")
    server.wait_ready("bad")
    make_canary(server, "bad", 100)
    with server.line() as line:
        for number in range(PROBATION + 4):
            assert line.predict("m", [[number]]).status == 200, number
        with pytest.raises(OSError):
            line.predict("m", [[0]])
    assert server.process.wait(120) == -signal.SIGSEGV
    server.start()
    reason = "crashed the server with SIGSEGV in an inference"
    failed(server, "bad", reason)
    aborted(server, "bad", reason)
    server.wait_ready("m1")
    assert server.predict("m", [[3]]).json["version"] == "m1"
    # A retry loads it; it must prove itself from the start, in its own process.
    assert server.post("/api/v1/versions/bad/retry").status == 200
    server.wait_ready("bad")
    make_canary(server, "bad", 100)
    for number in range(10):
        assert server.predict("m", [[number]]).json["version"] == "bad"


def test_a_kill_condemns_nobody(scripted, tmp_path):
    """Most servers that die of SIGKILL were killed by a person."""
    server = scripted()
    with server.line() as line:
        for number in range(PROBATION + 10):
            assert line.predict("m", [[number]]).status == 200
    for _ in range(4):
        server.kill()
        wait_until(lambda: leftovers(server) == [], what="no model's process left")
        server.start()
        server.wait_ready("m1")
        server.wait_ready("other1")
    assert server.predict("m", [[3]]).status == 200
    assert metric(scrape(server), "podium_quarantined_artifacts") == 0


def test_a_signal_to_a_models_process_condemns_no_model(scripted, tmp_path):
    """A service manager signals all processes of a service; a person, or the system when memory
    runs out, kills one."""
    server = scripted()
    assert server.predict("m", [[1]]).status == 200
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        children = leftovers(server)
        assert children != []
        for child in children:
            os.kill(int(child), number)
        assert server.predict("m", [[2]]).json["predictions"] == [2]
        assert leftovers(server) == children
    for child in leftovers(server):
        os.kill(int(child), signal.SIGKILL)
    wait_until(lambda: leftovers(server) == [], what="no model's process left")
    answer = server.predict("m", [[3]])
    assert answer.status in (200, 503), answer
    assert server.predict("m", [[4]]).json == {"predictions": [4], "model": "m1", "version": "m1"}
    assert metric(scrape(server), "podium_quarantined_artifacts") == 0


def test_a_call_may_take_more_than_the_load(scripted, tmp_path):
    """A model that loads in little memory answers within serving.call_memory_limit."""
    server = scripted()
    add(server, tmp_path, "m", "big", "feast run 1")
    server.wait_ready("big")
    make_canary(server, "big", 100)
    for number in range(3):
        assert server.predict("m", [[number]]).json["version"] == "big", number
    assert metric(scrape(server), "podium_quarantined_artifacts") == 0


# ---- Real files in the real binary.

@pytest.fixture
def real(make_server, register):
    """Route `other` answers what it is sent; the primary of route `m` answers 1."""
    server = make_server(env={**HASTY, "PODIUM_SERVING_LOAD_TIMEOUT": "10s",
                              "PODIUM_SERVING_CALL_MEMORY_LIMIT": "64MiB"})
    register(server, "other", MODELS / "identity_fp32.onnx", "1", activate=True)
    register(server, "m", MODELS / "constant_one.onnx", "1", model_id="m1", activate=True)
    return server


@pytest.mark.parametrize("model, words", [
    ("slow_on_zeros", "took longer than 10 s while warming up"),
    ("hungry_on_zeros", "needed more than 64 MiB of memory while warming up"),
])
def test_a_real_model_that_cannot_warm_up(real, register, model, words):
    with Others(real):
        register(real, "m", MODELS / f"{model}.onnx", "bad", model_id="bad", wait=False)
        failed(real, "bad", words)


@pytest.mark.parametrize("model, harmful, status, words", [
    ("slow", 100000, 504, "took longer than 3 s while answering (inference 100)"),
    ("hungry", 100, 503, "needed more memory than one call may use while answering"),
])
def test_a_real_model_at_its_hundredth_inference(real, register, model, harmful, status, words):
    register(real, "m", MODELS / f"{model}.onnx", "bad", model_id="bad")
    make_canary(real, "bad", 100)
    with Others(real), real.line() as line:
        for number in range(1, PROBATION):
            assert line.predict("m", [[1]]).json["version"] == "bad", number
        assert line.predict("m", [[harmful]]).status == status
        failed(real, "bad", words)
        aborted(real, "bad", words)
        assert line.predict("m", [[harmful]]).json["version"] == "1"
    real.restart()
    failed(real, "bad", words)


def test_a_proven_model_is_held_to_its_limits(real, register):
    """Too much memory is one call's error; three calls in a row without an end are the model's."""
    for name in ("hungry", "slow"):
        register(real, name, MODELS / f"{name}.onnx", "1", model_id=name, activate=True)
        with real.line() as line:
            for _ in range(PROBATION):
                assert line.predict(name, [[1]]).status == 200
    with Others(real):
        for _ in range(4):
            answer = real.predict("hungry", [[100]])
            assert answer.status == 500 and "serving.call_memory_limit" in answer.text, answer
            assert real.predict("hungry", [[1]]).status == 200
        for _ in range(3):
            answer = real.predict("slow", [[100000]])
            assert answer.status == 504 and "serving.inference_timeout" in answer.text, answer
        failed(real, "slow", "took longer than 3 s while answering, 3 times in a row")
    assert metric(scrape(real), "podium_inference_timeouts_total") == 3


def test_nan_from_zeros_is_a_warning(real, register):
    row = register(real, "m", MODELS / "ratio.onnx", "odd", model_id="odd")
    assert row["load_warning"] == 'answered NaN to zeros in output "y"'
    make_canary(real, "odd", 100)
    assert real.predict("m", [[0], [2]]).json["predictions"] == [None, 1]


def test_verify_artifact_tells_beforehand(podium):
    good = podium("verify-artifact", MODELS / "constant_one.onnx")
    assert (good.code, good.err) == (0, "") and "loads and answers" in good.out
    odd = podium("verify-artifact", MODELS / "ratio.onnx")
    assert odd.code == 0 and 'warning: it answered NaN to zeros in output "y"' in odd.out
    bad = podium("verify-artifact", MODELS / "hungry_on_zeros.onnx", env=LIMITS)
    assert bad.code == 1 and "it needed more than 64 MiB of memory while warming up" in bad.err
    bad = podium("verify-artifact", MODELS / "slow_on_zeros.onnx", "-o", "json", env=HASTY)
    assert bad.code == 1 and bad.json["verdict"] == "timeout", bad
