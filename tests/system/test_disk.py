"""Disks that are full, files that cannot be written, are damaged or gone: what an operator sees.

Callers must not see any of it: each test keeps a caller going who is answered throughout.
"""

import contextlib
import http.client
import os
import pathlib
import resource
import shutil
import subprocess
import tempfile
import threading

import pytest

from conftest import (MODELS, Server, clean_environment, done, make_two, metric, refused,
                      registry_file, scrape, upload, wait_until)
from soundness import check_file

TWO = MODELS / "constant_two.onnx"


class SmallDisk:
    """A file system of its own in a mount namespace of its own; `path` is where servers see it,
    `seen` where we do."""

    def __init__(self, path, size):
        self.path = pathlib.Path(path)
        self.path.mkdir(parents=True, exist_ok=True)
        self.enter = None
        # As root, else as root of a user namespace.
        for unshare, enter in ((["-m"], ["-m"]), (["-rm"], ["-U", "-m", "--preserve-credentials"])):
            self.holder = subprocess.Popen(
                ["unshare", *unshare, "sh", "-c",
                 f'mount -t tmpfs -o size={size} podium "$0" && echo mounted && read end',
                 str(self.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL)
            if self.holder.stdout.readline() == b"mounted\n":
                self.enter = ["nsenter", "-t", str(self.holder.pid), *enter]
                break
            self.close()
        self.seen = pathlib.Path(f"/proc/{self.holder.pid}/root{self.path}")

    def close(self):
        self.holder.stdin.close()
        self.holder.wait()
        self.holder.stdout.close()

    def program(self, binary, file):
        """A program that runs `binary` where the disk can be seen."""
        file.write_text(f'#!/bin/sh\nexec {" ".join(self.enter)} "{binary}" "$@"\n')
        file.chmod(0o700)
        return str(file)

    def check_registry(self, copy):
        """check_file of a copy, for no server may be at work: SQLite resolves `seen` to our own
        file system."""
        log = self.seen / "podium.db-wal"

        def begun():
            with open(log, "rb") as file:
                return file.read(32)  # Whoever begins the log anew gives it another salt.

        def copied():
            before = begun()
            for name in ("podium.db", "podium.db-wal"):
                shutil.copyfile(self.seen / name, copy.with_name(name))
            return begun() == before
        wait_until(copied, what="a copy of file and log that belong together")
        return check_file(copy.with_name("podium.db"))

    def fill(self, leave=0):
        """Leaves `leave` bytes, in whole pages."""
        with open(self.seen / "filler", "ab", buffering=0) as filler:
            for size in (65536, 4096):
                with contextlib.suppress(OSError):
                    while True:
                        filler.write(b"x" * size)
            filler.truncate(max(0, filler.tell() - leave))

    def free(self):
        (self.seen / "filler").unlink()


@pytest.fixture
def small_disk(figure):
    made = []

    def make(path, size):
        disk = SmallDisk(path, size)
        if disk.enter is None:
            figure("disk full: NOT on a file system of its own (no mount namespace here), but by "
                   "the limit on file sizes")
            return None
        made.append(disk)
        return disk

    yield make
    for disk in made:
        disk.close()
    if made:
        figure("disk full: on a file system of its own, in a mount namespace")


class Caller:
    """Calls route `number` over and over; `with` it everybody is answered."""

    def __init__(self, server):
        self.server = server
        self.answers = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        with self.server.line() as line:
            while not self.ended.is_set():
                try:
                    self.answers.append(line.predict("number", [[0]]).status)
                except (OSError, http.client.HTTPException) as error:
                    self.answers.append(error)
                    return

    def __enter__(self):
        self.thread.start()
        wait_until(lambda: self.answers, what="the first answer")
        return self

    def __exit__(self, *_):
        seen = len(self.answers)
        wait_until(lambda: len(self.answers) > seen or not self.thread.is_alive(),
                   what="one more answer")
        self.ended.set()
        self.thread.join()
        assert set(self.answers) == {200}, set(map(str, self.answers))


def with_shadow(server, register):
    """n1 is the primary and answers 1, n2 is a shadow and answers 2; revision 3."""
    return make_two(server, register, status="shadow")


@pytest.fixture
def two(server, register):
    return with_shadow(server, register)


def promote(server):
    return server.post("/api/v1/versions/n2/promote")


def ramp(server, percent):
    return server.put("/api/v1/routes/number/canary", {"model_id": "n2", "traffic_pct": percent})


ANY = object()  # Trouble or none: SQLite may still have the pages in memory that the poll reads.


def looks(server, podium, trouble=None, write_trouble=None):
    """What /readyz, /metrics, /api/v1/status and `podium status` say, all of it at once."""
    def as_expected():
        status = done(server.get("/api/v1/status"))
        return all((found is None) == (words is None) and (words is None or words in found)
                   for found, words in ((status["trouble"], trouble),
                                        (status["write_trouble"], write_trouble))
                   if words is not ANY)
    wait_until(as_expected, what=f"trouble {trouble}, write trouble {write_trouble}")
    ready = server.get("/readyz")
    assert ready.status == 200, ready  # Traffic must not be taken away.
    if trouble is not ANY:
        assert ("[-] table not readable" in ready.text) == (trouble is not None), ready
    assert ("[-] registry could not take" in ready.text) == (write_trouble is not None), ready
    shown = podium("status", server=server)
    assert shown.code == 0 and "primary" in shown.out, shown
    for words in (trouble, write_trouble):
        assert words in (None, ANY) or ("warning: " in shown.err and words in shown.err), shown
    assert trouble or write_trouble or "warning" not in shown.err, shown
    samples = scrape(server)
    assert trouble in (None, ANY) or metric(samples, "podium_table_read_failures_total") > 0
    assert write_trouble is None or metric(samples, "podium_registry_write_failures_total") > 0


def wait_for_log(server, level, *words):
    """The log writer is a thread of its own: a line may come after the answer."""
    def is_there():
        return any(f'"level":"{level}"' in line and all(word in line for word in words)
                   for line in server.log_text.splitlines())
    wait_until(is_there, what=f"a log line with {words}")


def start_fails(binary, data, **options):
    """`podium serve` ends with 1 and says why; its last line."""
    ended = subprocess.run([binary, "serve", "--data", str(data), "--listen", "127.0.0.1:0"],
                           env=clean_environment({}), stdin=subprocess.DEVNULL, timeout=120,
                           capture_output=True, text=True, **options)
    assert ended.returncode == 1 and ended.stdout == "", ended
    assert "serving on" not in ended.stderr, ended
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("error: ") and str(data) in last, ended
    return last


# ---- A disk that is full.

FULL = "is full: free some space"


@pytest.fixture
def on_small_disk(small_disk, make_server, podium_bin, tmp_path, register):
    """(disk, server with two versions on it); no disk where none can be mounted."""
    disk = small_disk(tmp_path / "disk", "3m")
    if disk is None:
        return None, with_shadow(make_server(), register)
    program = disk.program(podium_bin, tmp_path / "podium-there")
    server = make_server(data=disk.path, binary=program)
    return disk, with_shadow(server, register)


def test_a_full_disk(on_small_disk, podium, tmp_path):
    """Somebody's log fills the disk at night: callers must not hear of it, the operator must."""
    disk, server = on_small_disk
    if disk is None:
        return check_file_size_limit(server, podium)
    stored = set(os.listdir(disk.seen / "artifacts"))
    with Caller(server):
        disk.fill()
        for answer in (promote(server), ramp(server, 5)):
            refused(answer, 503, "podium.db", FULL)
        looks(server, podium, write_trouble=FULL)
        failed = podium("promote", "number@2", server=server)
        assert failed.code == 1 and FULL in failed.err, failed
        wait_for_log(server, "warning", FULL)
        content = os.urandom(300_000)
        refused(server.request("POST", "/api/v1/artifacts", content,
                               {"Content-Type": "application/octet-stream"}),
                503, str(disk.path / "artifacts"), "No space left", "send it again")
        assert set(os.listdir(disk.seen / "artifacts")) == stored
        assert done(server.get("/api/v1/versions/n2"))["status"] == "shadow"  # Reads go on.
        # Freed, it goes on by itself.
        disk.free()
        assert done(promote(server))["status"] == "primary"
        looks(server, podium)
    assert done(server.predict("number", [[0]]))["predictions"] == [2]
    assert disk.check_registry(tmp_path / "copy").revision == 4


def test_a_disk_that_fills_up_at_any_moment(on_small_disk, podium, tmp_path, figure):
    """INV-2: a change that finds room for its half must not leave that half."""
    disk, server = on_small_disk
    if disk is None:
        return check_file_size_limit(server, podium)
    taken = refusals = 0
    with Caller(server):
        for pages in range(24):
            disk.fill(leave=4096 * pages)
            for percent in (1, 2, 3):
                before = disk.check_registry(tmp_path / "copy").revision
                answer = ramp(server, pages + percent / 10)
                if answer.status != 200:
                    refused(answer, 503, FULL)
                taken += answer.status == 200
                refusals += answer.status != 200
                after = disk.check_registry(tmp_path / "copy").revision
                assert after == before + (answer.status == 200)
            disk.free()
    assert taken and refusals
    # The disk is full when the process is killed and when it starts anew.
    disk.fill()
    server.kill()
    server.start()
    server.wait_ready("n1")
    refused(promote(server), 503, FULL)
    disk.free()
    assert done(promote(server))["status"] == "primary"
    assert disk.check_registry(tmp_path / "copy").revision == 4 + taken
    figure(f"disk full at any page: {taken} changes taken, {refusals} refused whole")


def test_a_new_registry_on_a_full_disk(small_disk, podium_bin, tmp_path):
    """The message names the file and what to do; afterwards the same command works."""
    disk = small_disk(tmp_path / "disk", "1m")
    if disk is None:
        last = start_fails(podium_bin, tmp_path / "limited", preexec_fn=limit_to_nothing)
        assert "failed to read or write" in last, last
        return
    program = disk.program(podium_bin, tmp_path / "podium-there")
    disk.fill()
    last = start_fails(program, disk.path)
    assert "is full" in last or "No space left" in last, last
    disk.free()
    server = Server(program, str(disk.path), clean_environment({}), [], tmp_path / "log")
    try:
        assert disk.check_registry(tmp_path / "copy").revision == 0
    finally:
        server.kill()


@pytest.mark.parametrize("place", ["cache", "artifacts"])
def test_a_full_directory(small_disk, make_server, podium_bin, podium, register, tmp_path, place):
    """A model that is half copied must not be served, and what serves goes on."""
    disk = small_disk(tmp_path / "data" / place, "1m")
    if disk is None:
        return check_file_size_limit(with_shadow(make_server(), register), podium)
    program = disk.program(podium_bin, tmp_path / "podium-there")
    server = with_shadow(make_server(data=tmp_path / "data", binary=program), register)
    kept = set(os.listdir(disk.seen))
    large = tmp_path / "large.onnx"
    # The same model with a doc_string (field 6 of ModelProto) of 2 ** 17 letters.
    large.write_bytes(TWO.read_bytes() + b"\x32\x80\x80\x08" + b"x" * 2 ** 17)
    with Caller(server):
        disk.fill(leave=65536)  # Room for half of it.
        if place == "artifacts":
            refused(server.request("POST", "/api/v1/artifacts", large.read_bytes(),
                                   {"Content-Type": "application/octet-stream"}),
                    503, str(disk.path), "No space left")
        else:
            register(server, "number", large, "3", wait=False, model_id="n3")
            refused(server.post("/api/v1/versions/n3/activate"), 422, "No space left", "cache")
            row = done(server.get("/api/v1/versions/n3"))
            assert row["load_state"] == "failed" and "No space left" in row["load_error"], row
            wait_for_log(server, "warning", "does not load", "n3")
        assert set(os.listdir(disk.seen)) == kept | {"filler"}
        disk.free()
        if place == "artifacts":
            register(server, "number", large, "3", wait=False, model_id="n3")
        assert done(server.post("/api/v1/versions/n3/activate"))["status"] == "primary"
    assert done(server.predict("number", [[0]]))["predictions"] == [2]


def limit_to_nothing():
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


def check_file_size_limit(server, podium):
    pid = server.process.pid
    _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    stored = set(os.listdir(pathlib.Path(server.data) / "artifacts"))
    with Caller(server):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, most))
        refused(promote(server), 503, "podium.db", "failed to read or write")
        refused(server.request("POST", "/api/v1/artifacts", os.urandom(9000),
                               {"Content-Type": "application/octet-stream"}),
                503, "File too large")
        assert set(os.listdir(pathlib.Path(server.data) / "artifacts")) == stored
        looks(server, podium, write_trouble="failed to read or write")
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))
        assert done(promote(server))["status"] == "primary"
        looks(server, podium)
    check_file(pathlib.Path(server.data) / "podium.db")


def test_a_file_size_limit(two, podium):
    """ulimit -f is a full disk by another name; its signal must not be the end."""
    check_file_size_limit(two, podium)


# ---- Files that cannot be written.

def test_files_made_unwritable_while_running(two, podium, figure):
    """EPERM on each write, as a disk gives that was remounted read-only after an error."""
    files = [pathlib.Path(two.data) / name for name in ("podium.db", "podium.db-wal")]

    def immutable(sign):
        return subprocess.run(["chattr", f"{sign}i", *files], capture_output=True).returncode == 0
    try:
        if not immutable("+"):
            figure("read-only while running: NOT by chattr +i, which does not work here, but by "
                   "the limit on file sizes")
            return check_file_size_limit(two, podium)
        with Caller(two):
            refused(promote(two), 503, "podium.db", "failed to read or write")
            looks(two, podium, write_trouble="failed to read or write")
            assert immutable("-")
            assert done(promote(two))["status"] == "primary"
            looks(two, podium)
        figure("read-only while running: by chattr +i")
    finally:
        immutable("-")
    check_file(pathlib.Path(two.data) / "podium.db")


@pytest.fixture
def stranger(podium_bin):
    """(a place that anybody may enter, the binary there, options for subprocess): to root no mode
    is a bar, so somebody else is who tries."""
    with tempfile.TemporaryDirectory() as name:
        place = pathlib.Path(name)
        if os.geteuid() != 0:
            yield place, podium_bin, {}
            return
        place.chmod(0o777)
        for file in pathlib.Path(podium_bin).parent.glob("libonnxruntime*"):
            shutil.copy(file, place)
        yield place, str(shutil.copy(podium_bin, place)), {"user": 65534, "group": 65534}


def test_a_read_only_file_before_the_start(stranger, two):
    """Found at the first change, weeks later, it would be a much worse surprise."""
    place, binary, options = stranger
    two.stop()
    data = shutil.copytree(two.data, place / "data")
    for path in [data, *data.rglob("*")]:
        os.chown(path, options.get("user", -1), options.get("group", -1))
    (data / "podium.db").chmod(0o444)
    last = start_fails(binary, data, **options)
    assert "is read-only: make it and its directory writable for the user" in last


# ---- Files that are damaged.

def fold_in(server):
    """Brings all changes from the -wal file into the database."""
    with contextlib.closing(registry_file(server)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def overwrite(file, start, content):
    with open(file, "r+b") as out:
        out.seek(start)
        out.write(content)


def pages_from_the_second(file):
    overwrite(file, 4096, b"\xde\xad\xbe\xef" * ((file.stat().st_size - 4096) // 4))


def head(file):
    overwrite(file, 0, bytes(100))


def cut(file):
    os.truncate(file, file.stat().st_size // 2 + 100)


def emptied(file):
    os.truncate(file, 0)


DAMAGE = [(pages_from_the_second, "is damaged (database disk image is malformed)"),
          (cut, "is damaged (database disk image is malformed)"),
          (head, "is not a SQLite database, or its head was destroyed")]
HOW_TO_RESTORE = "move the file and its -wal and -shm away, put the backup in its place"


@pytest.mark.parametrize("damage, words", DAMAGE)
def test_damage_found_at_the_start(two, podium_bin, damage, words):
    """Neither a fresh start in its place nor half a table: the file stays for whoever can mend it."""
    two.stop()
    file = pathlib.Path(two.data) / "podium.db"
    backup = file.read_bytes()
    damage(file)
    damaged = file.read_bytes()
    last = start_fails(podium_bin, two.data)
    assert words in last and HOW_TO_RESTORE in last, last
    assert file.read_bytes() == damaged
    # As the message says.
    for name in ("podium.db", "podium.db-wal", "podium.db-shm"):
        file.with_name(name).unlink(missing_ok=True)
    file.write_bytes(backup)
    two.start()
    two.wait_ready("n1")
    assert done(promote(two))["status"] == "primary"


@pytest.mark.parametrize("damage, words", [*DAMAGE, (emptied, "podium.db")])
def test_damage_while_running(two, podium, damage, words):
    """INV-8: callers are answered by the last view, for as long as the process lives."""
    fold_in(two)
    file = pathlib.Path(two.data) / "podium.db"
    whole = file.read_bytes()
    with Caller(two):
        damage(file)
        for answer in (promote(two), ramp(two, 5)):
            refused(answer, 503, words)
        looks(two, podium, trouble=ANY, write_trouble=words)
        assert done(two.get("/internal/models/active?type=number"))["generation"] == 3
        # Mended in place (nothing was written meanwhile), it goes on without a restart.
        file.write_bytes(whole)
        wait_until(lambda: promote(two).status == 200, what="a change after the mending")
        looks(two, podium)
    assert check_file(file).revision == 4


def test_garbage_in_the_log_while_running(two):
    """What the file says afterwards is the backup's affair; callers do not notice."""
    log = pathlib.Path(two.data) / "podium.db-wal"
    with Caller(two):
        overwrite(log, 0, os.urandom(log.stat().st_size))
        # SQLite may notice before or after it has taken the change; either is said.
        answer = promote(two)
        if answer.status == 503:
            refused(answer, 503, HOW_TO_RESTORE)
        else:
            assert answer.status == 202 and not answer.json["replicas"][0]["applied"], answer


def test_garbage_in_the_log_before_the_start(two, podium_bin):
    """SQLite takes a log up to its first bad frame: what is served is whole, and the start says
    which revision that is."""
    fold_in(two)
    done(ramp(two, 5))
    done(promote(two))
    two.kill()
    data = pathlib.Path(two.data)
    overwrite(data / "podium.db-wal", 0, os.urandom((data / "podium.db-wal").stat().st_size))
    two.start()
    two.wait_ready("n1")
    assert check_file(data / "podium.db").revision == 3
    wait_for_log(two, "info", "registry opened", '"revision":3')
    assert done(two.predict("number", [[0]]))["predictions"] == [1]


# ---- Files that are gone.

def test_the_log_is_removed_while_running(two, podium):
    """Its changes would be acknowledged and lost; an orderly stop still saves what was."""
    log = pathlib.Path(two.data) / "podium.db-wal"
    done(ramp(two, 5))
    with Caller(two):
        log.unlink()
        refused(promote(two), 503, "podium.db-wal", "SIGTERM")
        looks(two, podium, trouble="SIGTERM", write_trouble="SIGTERM")
    assert two.stop() == 0
    two.start()
    two.wait_ready("n2")
    registry = check_file(pathlib.Path(two.data) / "podium.db")
    assert (registry.revision, registry.versions["n2"]) == (4, ("number", "canary", 500))


@pytest.mark.parametrize("is_empty", [False, True])
def test_a_log_without_its_database(two, podium_bin, is_empty):
    """SQLite would throw the log away, and with it every change that was not folded in yet."""
    two.kill()
    file = pathlib.Path(two.data) / "podium.db"
    whole = file.read_bytes()
    file.unlink()
    if is_empty:
        file.touch()
    last = start_fails(podium_bin, two.data)
    assert "missing or empty" in last and "podium.db-wal" in last and "put the file back" in last
    file.write_bytes(whole)
    two.start()
    assert check_file(file).revision == 3


def test_the_data_directory_is_removed(two, podium):
    """Somebody cleans up too much: callers do not notice, and nothing is promised any more."""
    with Caller(two):
        # At once, and not while the server writes into it.
        shutil.rmtree(pathlib.Path(two.data).rename(str(two.data) + ".removed"))
        refused(promote(two), 503, "moved or removed while in use", "put it back")
        looks(two, podium, trouble="moved or removed", write_trouble="moved or removed")
    assert two.stop() == 0


def test_a_registry_that_is_suddenly_empty(two, podium):
    """A start without the database is a first start to the program, and seldom to the operator."""
    two.stop()
    (pathlib.Path(two.data) / "podium.db").unlink()
    two.start()
    wait_for_log(two, "warning", "registry is empty, though artifacts")
    assert done(two.get("/api/v1/status"))["routes"] == 0
