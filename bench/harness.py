"""Servers to measure, load to put on them, and what they used meanwhile."""

import contextlib
import dataclasses
import http.client
import json
import os
import pathlib
import platform
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BENCH = ROOT / "bench"
BUILT = ROOT / "build" / "bench" / "bench"
MODELS = ROOT / "tests" / "data" / "models"

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
START_TIMEOUT_S = 60
CPUS = sorted(os.sched_getaffinity(0))

ROUTE = "tiny"
# One row of two numbers, with a session, as a caller of a tabular model sends it.
BODY = b'{"rows": [[0.25, 0.75]], "session_id": "session-000042"}'
OIP_BODY = b'{"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [0.25, 0.75]}]}'


def cpu_seconds(pid):
    """User and system time of a process, all threads."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def thread_cpu_seconds(pid):
    """Of each thread by its id, to the nanosecond; those that have ended are not among them."""
    used = {}
    for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            used[thread.name] = int((thread / "schedstat").read_text().split()[0]) / 1e9
    return used


def rss_bytes(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", text).group(1)) * 1024


def machine():
    """What the figures were taken on, in a line."""
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return (f"{len(CPUS)} CPUs ({model.group(1) if model else platform.machine()}), "
            f"{platform.system()} {platform.release().partition('-')[0]}, "
            f"load average {os.getloadavg()[0]:.1f} before")


def pinned(role):
    """Servers on the first CPU, load on the last, so that neither takes the other's caches."""
    if len(CPUS) < 2:
        return []
    return ["taskset", "-c", str(CPUS[0] if role == "server" else CPUS[-1])]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A child that is ended with its block; `pid` is the process that works."""

    def __init__(self, argv, **options):
        self.child = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, **options)
        self.pid = self.child.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self, sig=signal.SIGTERM):
        if self.child.poll() is None:
            self.child.send_signal(sig)
            try:
                self.child.wait(30)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        for stream in (self.child.stdout, self.child.stderr):
            if stream:
                stream.close()


@contextlib.contextmanager
def awake():
    """The processors do not sleep meanwhile: each has work that gives way to all other.

    As on a machine that is set up for latency. Where they sleep, waking them is most of what a call
    takes, on a virtual machine above all."""
    with contextlib.ExitStack() as stack:
        for cpu in CPUS:
            stack.enter_context(Process(["taskset", "-c", cpu, "chrt", "--idle", 0,
                                         "sh", "-c", "while :; do :; done"]))
        yield


class Podium(Process):
    """`podium serve` on one core unless told otherwise, on a data directory of its own."""

    name = "podium"
    path = f"/predict/{ROUTE}"
    body = BODY

    def __init__(self, binary, directory, cores=1, env=None, pin=True):
        self.binary, self.directory = binary, pathlib.Path(directory)
        self.started = time.monotonic()
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PODIUM_")}
        environment.update({"PODIUM_SERVER_CORES": str(cores), **(env or {})})
        self.log = self.directory / "serve.log"
        super().__init__([*(pinned("server") if pin else []), binary, "serve", "--data",
                          self.directory / "data", "--listen", "127.0.0.1:0"], env=environment,
                         stdout=subprocess.PIPE, stderr=self.log.open("ab"))
        self.port = int(self._address().rpartition(":")[2])

    def _address(self):
        text = b""
        while b"\n" not in text:
            ready, _, _ = select.select([self.child.stdout], [], [], START_TIMEOUT_S)
            chunk = os.read(self.child.stdout.fileno(), 4096) if ready else b""
            if not chunk:
                raise RuntimeError(f"podium did not start: {self.log.read_text()[-2000:]}")
            text += chunk
        return re.search(rb"http://(\S+)", text).group(1).decode()

    def call(self, method, path, body=None, headers=None, timeout=120):
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            kind = {"Content-Type": "application/json"} if body is not None else {}
            connection.request(method, path, body, {**kind, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def must(self, method, path, body=None, **options):
        status, _, text = self.call(method, path, body, **options)
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {text[:500]!r}")
        return json.loads(text) if text else None

    def register(self, route, version, model=None, activate=False, **fields):
        model = model or MODELS / "two_outputs.onnx"
        stored = self.must("POST", "/api/v1/artifacts", pathlib.Path(model).read_bytes(),
                           headers={"Content-Type": "application/octet-stream"})
        row = self.must("POST", "/api/v1/versions", {
            "route": route, "name": route, "version": version,
            "artifact_uri": stored["artifact_uri"], "sha256": stored["sha256"], **fields})
        if activate:
            self.must("POST", f"/api/v1/versions/{row['model_id']}/activate")
        return row["model_id"]

    def seed(self):
        """The route of most measurements: two versions, a canary, and a model known to be quick."""
        self.register(ROUTE, "v1", activate=True)
        second = self.register(ROUTE, "v2")
        self.must("PUT", f"/api/v1/routes/{ROUTE}/canary", {"model_id": second, "traffic_pct": 10})
        for _ in range(50):
            self.must("POST", self.path, self.body)
        return self

    def first_answer(self):
        """Seconds from the start of the process to the first prediction that is answered."""
        while True:
            status, _, _ = self.call("POST", self.path, self.body)
            if status == 200:
                return time.monotonic() - self.started


class Nginx(Process):
    """nginx that answers by itself, `return 200`, with as many bytes as Podium does."""

    name = "nginx return 200"
    path = "/"
    body = BODY

    def __init__(self, directory, answer):
        self.port = free_port()
        directory = pathlib.Path(directory)
        config = (BENCH / "nginx.conf.in").read_text()
        for key, value in (("DIR", directory), ("PORT", self.port), ("ANSWER", answer)):
            config = config.replace(f"@{key}@", str(value))
        (directory / "nginx.conf").write_text(config)
        super().__init__([*pinned("server"), "/usr/sbin/nginx", "-c", directory / "nginx.conf",
                          "-p", directory, "-e", directory / "nginx.error.log"])
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            if time.monotonic() > deadline or self.child.poll() is not None:
                raise RuntimeError("nginx did not start")
            select.select([], [], [], 0.05)


class MlServer(Process):
    """MLServer with the same model in its own process, asked by the Open Inference Protocol."""

    name = "MLServer"
    path = f"/v2/models/{ROUTE}/infer"
    body = OIP_BODY

    def __init__(self, python, directory):
        directory = pathlib.Path(directory) / "mlserver"
        folder = directory / ROUTE
        folder.mkdir(parents=True)
        self.port = free_port()
        (directory / "settings.json").write_text(json.dumps({
            "host": "127.0.0.1", "http_port": self.port, "grpc_port": free_port(),
            "metrics_port": free_port(), "parallel_workers": 0, "debug": False}))
        (folder / "model-settings.json").write_text(json.dumps({
            "name": ROUTE, "implementation": "tiny_mlserver.TinyOnnx",
            "parameters": {"version": "v1", "uri": str(MODELS / "two_outputs.onnx")}}))
        super().__init__([*pinned("server"), python, python.with_name("mlserver"), "start", directory],
                         env={**os.environ, "PYTHONPATH": str(BENCH), "PYTHONDONTWRITEBYTECODE": "1"},
                         stdout=(directory / "log").open("wb"), stderr=subprocess.STDOUT)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._ready():
            if time.monotonic() > deadline or self.child.poll() is not None:
                raise RuntimeError(f"MLServer did not start:\n{(directory / 'log').read_text()[-2000:]}")
            time.sleep(0.2)

    def _ready(self):
        try:
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port)) as probe:
                probe.request("GET", f"/v2/models/{ROUTE}/ready")
                return probe.getresponse().status == 200
        except OSError:
            return False


@dataclasses.dataclass
class Round:
    """One stretch of load on one server."""

    requests: int
    seconds: float
    cpu_seconds: float

    @property
    def cpu_us(self):
        return 1e6 * self.cpu_seconds / self.requests

    @property
    def per_second(self):
        return self.requests / self.seconds


@contextlib.contextmanager
def scratch():
    """A directory in memory where there is one: what a disk does is not what is measured."""
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    path = tempfile.mkdtemp(prefix="podium-bench-", dir=base)
    try:
        yield pathlib.Path(path)
    finally:
        shutil.rmtree(path, ignore_errors=True)


def headers_of(server):
    """What its requests carry besides the usual, by name."""
    return getattr(server, "headers", {})


def header_lines(server):
    """The same as the programs of bench/ take it."""
    return "".join(f"{n}: {v}\r\n" for n, v in headers_of(server).items())


def closed_loop(server, seconds, connections=64, directory=None):
    """wrk with kept connections, each sending when its last answer has come."""
    script = pathlib.Path(directory or "/tmp") / "post.lua"
    text = server.body.decode().replace("\\", "\\\\").replace("'", "\\'")
    script.write_text(f"wrk.method = 'POST'\nwrk.body = '{text}'\n"
                      "wrk.headers['Content-Type'] = 'application/json'\n" +
                      "".join(f"wrk.headers['{n}'] = '{v}'\n" for n, v in headers_of(server).items()))
    before = cpu_seconds(server.pid)
    ended = subprocess.run([*pinned("load"), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s",
                            "--timeout", "20s", "-s", script, f"http://127.0.0.1:{server.port}{server.path}"],
                           capture_output=True, text=True, check=True)
    used = cpu_seconds(server.pid) - before
    if "Non-2xx" in ended.stdout or "Socket errors" in ended.stdout:
        raise RuntimeError(f"{server.name}: {ended.stdout}")
    found = re.search(r"(\d+) requests in ([\d.]+)(\w+)", ended.stdout)
    scale = {"s": 1, "m": 60, "ms": 0.001}[found.group(3)]
    return Round(int(found.group(1)), float(found.group(2)) * scale, used)


def open_loop_argv(server, rate, seconds, directory, connections=64, answers=None):
    body = pathlib.Path(directory) / "body.json"
    body.write_bytes(server.body)
    argv = [*pinned("load"), BUILT / "open_loop", "--port", server.port, "--path", server.path,
            "--body", body, "--rate", rate, "--seconds", seconds, "--connections", connections,
            "--headers", header_lines(server)]
    return [str(a) for a in argv + (["--answers", answers] if answers else [])]


def open_loop(server, rate, seconds, directory, **options):
    """Requests at a constant rate; microseconds from when each was due."""
    ended = subprocess.run(open_loop_argv(server, rate, seconds, directory, **options),
                           capture_output=True, text=True)
    if ended.returncode != 0:
        raise RuntimeError(f"{server.name}: {ended.stdout} {ended.stderr}")
    return json.loads(ended.stdout)


def system_calls(server, directory, seconds=3):
    """System calls per request by `strace -c`, and the most frequent by name."""
    report = pathlib.Path(directory) / "strace.txt"
    tracer = subprocess.Popen(["strace", "-f", "-c", "-o", report, "-p", str(server.pid)],
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    tracer.stderr.readline()  # It says when it has attached.
    try:
        load = closed_loop(server, seconds, directory=directory)
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(30)
        tracer.stderr.close()
    counts = {}
    for line in report.read_text().splitlines():
        words = line.split()
        if len(words) >= 5 and words[0].replace(".", "").isdigit() and words[-1] != "total":
            counts[words[-1]] = counts.get(words[-1], 0) + int(words[3])
    frequent = {name: round(count / load.requests, 2) for name, count in counts.items()
                if count > load.requests / 100}
    return {"per_request": sum(counts.values()) / load.requests, "by_name": frequent}
