"""kill -9 at random moments: what was answered is there, once; what was not is whole or not there.

The seed is printed; PODIUM_KILL_SEED sets it. The moments themselves depend on the machine.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
import types

import pytest

from conftest import MODELS, ROOT, done, upload, wait_until
from soundness import check_file

ONE = MODELS / "constant_one.onnx"
SCHEMA_1 = ROOT / "tests" / "data" / "registry" / "schema-1.sql"
SEED = int(os.environ.get("PODIUM_KILL_SEED", time.time_ns() % 1_000_000))

LANES = 2                  # Servers at once, each with its own writers.
ROUNDS_ON_ONE_FILE = 50
ROUNDS, ROUNDS_FULL = 200, 2000
ANSWERS = 3                # That a round has at least, however slow the machine, before its kill.
EARLIEST_S, LATEST_S = 0.005, 0.15


def pause(seconds):
    """The random moment: nothing that could be waited for."""
    threading.Event().wait(seconds)


class Writers:
    """The process of kill_writers.py, which outlives the servers."""

    def __init__(self, journal, seed):
        self.journal = journal
        self.journal.touch()
        self.process = subprocess.Popen(
            [sys.executable, pathlib.Path(__file__).with_name("kill_writers.py"), journal,
             str(seed)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def write_to(self, server, number, artifact):
        """Lets them begin; comes back when they are at it."""
        before = self.journal.stat().st_size
        order = {"address": server.addr, "round": number, "artifact": artifact}
        print(json.dumps(order), file=self.process.stdin, flush=True)

        def at_it():
            with open(self.journal, "rb") as journal:
                journal.seek(before)
                return journal.read().count(b"\n") >= ANSWERS
        wait_until(at_it, what="the first answers of a round")

    def wait_until_they_noticed(self):
        assert self.process.stdout.readline() == "ended\n"

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def lines(self):
        return [json.loads(line) for line in self.journal.read_text().splitlines()]


def what_was_lost(registry, journal):
    """The requests of the journal whose answer the file does not bear out, with the reason."""
    rows, events = registry.by_request, registry.events_by_request
    lost = []
    for line in journal:
        found, sent = rows.get(line["id"], []), events.get(line["id"], [])
        if len(found) != len(sent) or len(found) > 1:
            lost.append((line, f"{len(found)} audit rows, {len(sent)} events"))
        elif line["status"] in (200, 201, 202) and line["changed"]:
            if [row["revision"] for row in found] != [line["revision"]]:
                lost.append((line, f"answered, but there is {found}"))
            elif (found[0]["kind"], found[0]["route"]) != (line["kind"], line["route"]):
                lost.append((line, f"answered, but it is {found}"))
        elif line["status"] is not None and line["status"] < 500 and found:
            lost.append((line, f"refused or without effect, but there is {found}"))
    return lost


def check_service(server, registry):
    """The server goes on with what the file says."""
    status = done(server.get("/api/v1/status"))
    assert (status["generation"], status["trouble"], status["faults"]) == \
        (registry.revision, None, []), status
    primaries = {route: model_id for model_id, (route, role, _) in registry.versions.items()
                 if role == "primary"}
    shown = {row["route"]: row["primary"]["model_id"]
             for row in done(server.get("/api/v1/routes"))["items"] if row["primary"]}
    assert shown == primaries


def after_a_kill(server, journal):
    """Starts the server anew and compares: (what the file holds, what was lost)."""
    server.start()
    registry = check_file(pathlib.Path(server.data) / "podium.db")
    check_service(server, registry)
    known = {line["id"] for line in journal}
    assert registry.by_request.keys() <= known, "changes that nobody asked for"
    return registry, what_was_lost(registry, journal)


def rounds_on_one_file(make_server, folder, seed, count):
    """`count` kills of servers on one data directory."""
    folder.mkdir()
    chance = random.Random(seed)
    server = make_server(data=folder / "data")
    stored = upload(server, ONE)
    artifact = {"artifact_uri": stored["artifact_uri"], "sha256": stored["sha256"]}
    writers = Writers(folder / "journal", seed)
    result = types.SimpleNamespace(open=[], lost=[], acknowledged=0, landed=0)
    try:
        for number in range(count):
            writers.write_to(server, number, artifact)
            pause(chance.uniform(EARLIEST_S, LATEST_S))
            killed = time.monotonic()
            server.kill()
            writers.wait_until_they_noticed()
            journal = writers.lines()
            registry, lost = after_a_kill(server, journal)
            result.lost += lost
            unanswered = [line["id"] for line in journal if line["id"].startswith(f"{number}-")
                          and line["status"] is None and line["sent"] and line["sent"] < killed]
            result.open.append(len(unanswered))
            result.landed += len(registry.by_request.keys() & set(unanswered))
            if lost:
                break
        result.acknowledged = sum(1 for line in journal if line["status"] in (200, 201, 202))
        result.kinds = {row["kind"] for row in registry.audit}
    finally:
        writers.close()
        server.kill()
    return result


def run_rounds(make_server, tmp_path, rounds):
    seeds = [SEED + number for number in range(rounds // ROUNDS_ON_ONE_FILE)]
    with concurrent.futures.ThreadPoolExecutor(LANES) as lanes:
        runs = [lanes.submit(rounds_on_one_file, make_server, tmp_path / str(seed), seed,
                             ROUNDS_ON_ONE_FILE) for seed in seeds]
        return [run.result() for run in runs]


def check_rounds(results, rounds, figure):
    in_flight = [count for result in results for count in result.open]
    acknowledged = sum(result.acknowledged for result in results)
    landed = sum(result.landed for result in results)
    lost = [item for result in results for item in result.lost]
    figure(f"kill -9 (seed {SEED}): {len(in_flight)} rounds, {sum(in_flight)} in flight "
           f"({landed} of them landed), {acknowledged} acknowledged, {len(lost)} lost")
    assert not lost, lost[:5]
    assert len(in_flight) == rounds
    # Else the kills have met an idle server and shown nothing.
    assert sum(in_flight) > rounds and statistics.median(in_flight) > 0, in_flight
    # Both before and after a commit.
    assert 0 < landed < sum(in_flight)
    assert acknowledged > rounds
    for result in results:
        assert result.kinds >= {"register", "activate", "ramp", "promote", "rollback", "abort",
                                "retire", "delete"}, result.kinds


def test_what_was_answered_survives_kill_9(make_server, tmp_path, figure):
    """INV-1, INV-2: eight writers on seven routes, and the process gone at any moment."""
    check_rounds(run_rounds(make_server, tmp_path, ROUNDS), ROUNDS, figure)


@pytest.mark.full
def test_what_was_answered_survives_many_kills(make_server, tmp_path, figure):
    """The same for long."""
    check_rounds(run_rounds(make_server, tmp_path, ROUNDS_FULL), ROUNDS_FULL, figure)


# ---- Kills in the middle of something else than a change.

UPLOAD_ROUNDS = 12
LOAD_ROUNDS = 6
START_ROUNDS = 24


def files_of(folder):
    return {file.name: file for file in folder.iterdir()}


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def check_artifacts(server, answered):
    """Every file of the directory is whole and has its name; nothing that was answered is missing."""
    files = files_of(pathlib.Path(server.data) / "artifacts")
    for name, file in files.items():
        assert name == sha256(file.read_bytes()) + ".onnx"
    assert {f"{digest}.onnx" for digest in answered} <= files.keys()


def send_artifacts(server, chance, ended):
    """Uploads until the server is gone: [digest, bytes handed over, answered]."""
    while True:
        content = chance.randbytes(chance.randrange(1, 4_000_000))
        line = [sha256(content), 0, False]
        ended.append(line)
        try:
            with server.connect() as connection:
                connection.sendall(b"POST /api/v1/artifacts HTTP/1.1\r\nHost: " +
                                   server.addr.encode() + b"\r\nConnection: close\r\n"
                                   b"Content-Type: application/octet-stream\r\n"
                                   b"Content-Length: %d\r\n\r\n" % len(content))
                for start in range(0, len(content), 65536):
                    connection.sendall(content[start:start + 65536])
                    line[1] = start
                line[2] = connection.recv(65536).startswith(b"HTTP/1.1 201 ")
        except OSError:
            pass
        if not line[2]:
            return


def test_kill_9_during_uploads(make_server, figure):
    """A half-written model must never stand under a name that a version could be given."""
    chance = random.Random(SEED)
    server = make_server()
    answered, cut = set(), 0
    for number in range(UPLOAD_ROUNDS):
        ended = []
        threads = [threading.Thread(target=send_artifacts, args=(
            server, random.Random(f"{SEED}-{number}-{lane}"), ended)) for lane in range(3)]
        for thread in threads:
            thread.start()
        wait_until(lambda seen=ended, least=number % 2: sum(line[2] for line in tuple(seen)) >= least,
                   what="the first answer")
        wait_until(lambda seen=ended: any(line[1] and not line[2] for line in tuple(seen)),
                   what="an upload under way")
        pause(chance.uniform(EARLIEST_S, LATEST_S))
        server.kill()
        for thread in threads:
            thread.join()
        answered |= {digest for digest, _, was_answered in ended if was_answered}
        cut += sum(1 for _, sent, was_answered in ended if sent and not was_answered)
        server.start()
        check_artifacts(server, answered)
    figure(f"kill -9 during uploads (seed {SEED}): {UPLOAD_ROUNDS} rounds, {cut} cut, "
           f"{len(answered)} answered, 0 lost")
    assert cut > 0 and answered


def padded(model_file, path, chance, size=8_000_000):
    """The same model in a larger file: its doc_string (field 6 of ModelProto) is `size` letters."""
    text = chance.randbytes(size // 2).hex().encode()
    length, varint = len(text), b""
    while length > 127:
        varint += bytes([length & 127 | 128])
        length >>= 7
    path.write_bytes(model_file.read_bytes() + b"\x32" + varint + bytes([length]) + text)
    return path


def test_kill_9_during_loads(make_server, register, tmp_path, figure):
    """A cut copy in the cache must not be served, nor keep the version from being loaded."""
    chance = random.Random(SEED)
    server = make_server()
    register(server, "other", ONE, "1", model_id="other", activate=True)
    cache = pathlib.Path(server.data) / "cache"
    seen = []
    for number in range(LOAD_ROUNDS):
        model_id = f"m{number}"
        file = padded(ONE, tmp_path / "padded.onnx", chance)
        digest = sha256(file.read_bytes())
        register(server, "large", file, number, wait=False, model_id=model_id)
        pause(number * 0.02)
        seen.append(done(server.get(f"/api/v1/versions/{model_id}"))["load_state"])
        server.kill()
        server.start()
        assert done(server.get(f"/api/v1/versions/{model_id}"))["artifact_sha256"] == digest
        server.wait_ready(model_id)
        server.wait_ready("other")
        for name, copy in files_of(cache).items():
            assert ".proof-" in name or name == sha256(copy.read_bytes())
        assert done(server.post(f"/api/v1/versions/{model_id}/activate"))["status"] == "primary"
        assert done(server.predict("large", [[0]]))["predictions"] == [1]
        if number > 0:  # One at a time, so that a start has one large file to look at.
            done(server.post(f"/api/v1/versions/m{number - 1}/retire"))
    during = {state: seen.count(state) for state in sorted(set(seen))}
    figure(f"kill -9 during loads (seed {SEED}): {LOAD_ROUNDS} rounds, killed when {during}")
    assert set(seen) - {"ready", "failed"}, seen
    check_file(pathlib.Path(server.data) / "podium.db")


def killed_start(server, after_s, file=None):
    """Starts the server and kills it soon, or soon after `file` is there; whether it had said that
    it serves."""
    process = subprocess.Popen(
        [server.binary, "serve", "--data", server.data, "--listen", "127.0.0.1:0"],
        env=server.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL)
    if file is not None:
        wait_until(file.exists, what=f"{file}")
    pause(after_s)
    process.kill()
    said, _ = process.communicate()
    return b"http://" in said


def prepare(data, kind, used):
    if kind == "of schema 1":
        data.mkdir()
        database = sqlite3.connect(data / "podium.db")
        database.executescript(SCHEMA_1.read_text())
        database.close()
    elif kind == "used":
        shutil.copytree(used, data)


def test_kill_9_during_the_start(make_server, register, tmp_path, figure):
    """A registry that is half made, half migrated or half recovered must open the next time."""
    server = make_server()
    register(server, "number", ONE, "1", model_id="n1", activate=True)
    used = tmp_path / "used"
    server.kill()
    shutil.copytree(server.data, used)  # With a WAL that nobody has folded in.
    assert (used / "podium.db-wal").stat().st_size > 0
    began = time.monotonic()
    server.start()
    took = time.monotonic() - began
    server.kill()
    before_serving = with_file = 0
    for number in range(START_ROUNDS):
        data = tmp_path / f"start-{number}"
        kind = ("new", "of schema 1", "used")[number % 3]
        prepare(data, kind, used)
        server.data = str(data)
        # From the first moment on to one behind the end; of new ones also when their file is there.
        if kind == "new" and number % 2:
            before_serving += not killed_start(server, 0, data / "podium.db")
        else:
            before_serving += not killed_start(server, 1.5 * took * number / START_ROUNDS)
        with_file += kind == "new" and (data / "podium.db").exists()
        server.start()
        registry = check_file(data / "podium.db")
        check_service(server, registry)
        if kind == "used":
            assert registry.versions == {"n1": ("number", "primary", 0)}
        register(server, "fresh", ONE, "1", model_id="f1", activate=True)
        assert done(server.predict("fresh", [[0]]))["predictions"] == [1]
        server.kill()
        assert not [name for name in files_of(data) if name.startswith("podium.db.")], "leftovers"
        shutil.rmtree(data)
    figure(f"kill -9 during the start: {START_ROUNDS} directories, {before_serving} killed before "
           f"they served ({with_file} new ones had their file), all opened")
    assert before_serving > 0 and with_file > 0
