"""The real binary, started on a free port and a fresh data directory.

Fixtures
    podium_bin    the path of the binary: PODIUM_BIN, or the release build
    make_server   make_server(data=..., env={...}, args=[...], config="yaml") -> a running Server
    server        one Server with the defaults
    register      register(server, route, model_file, version, **fields) -> the row, uploaded
    podium        podium(*args, server=..., env=..., stdin=...) -> the ended command line
    figure        figure(text): a line of the run's summary, for what a test has counted

Plain functions
    wait_until(predicate, timeout, what)
    make_two(server, register, **second)   a route with a primary and a version beside it
    done(answer)                           the JSON of an answer that must be 200
    committed(answer)                      the JSON of a change that other replicas may have later
    refused(answer, status, *words)        the answer is that refusal, as problem+json
    likely(count, share)                   how often chance may bring it about, for bounds that hold
    registry_file(server)                  a second connection to the server's database
    write_rows(server, sql, ...)           changes rows as another process would, with a revision
    scrape(server), metric(samples, ...)   /metrics as {(name, labels): value}, and a sum of it
    Server.line()                          one kept-alive connection
"""

import contextlib
import hashlib
import http.client
import json
import math
import os
import pathlib
import re
import select
import signal
import socket
import sqlite3
import subprocess
import threading
import time
import types

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
MODELS = ROOT / "tests" / "data" / "models"

# Limits of waiting are for a machine that is slow and busy with other things: they cost nothing
# where the thing waited for comes about.
START_TIMEOUT_S = 120
STOP_TIMEOUT_S = 120
WAIT_S = 120


def wait_until(predicate, timeout=WAIT_S, what="the condition"):
    """The first true value of predicate(); fails the test when there is none within `timeout`."""
    deadline = time.monotonic() + timeout
    pause = threading.Event()
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= deadline:
            pytest.fail(f"{what} did not come about within {timeout} s")
        pause.wait(0.02)


class Line:
    """One kept-alive connection, for many requests in a row."""

    def __init__(self, server, timeout=WAIT_S):
        self.server = server
        self.connection = http.client.HTTPConnection(server.host, server.port, timeout=timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def request(self, method, path, body=None, headers=None):
        """As Server.request."""
        sent = dict(self.server.headers)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        self.connection.request(method, path, body, sent)
        response = self.connection.getresponse()
        return Answer(response.status, response.getheaders(), response.read())

    def predict(self, route, rows, headers=None, **body):
        return self.request("POST", f"/predict/{route}", {"rows": rows, **body}, headers)


class Answer:
    """One HTTP answer. `headers` maps lower-case names."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.text[:500]}>"


class Server:
    """One `podium serve`. Survives its own restarts: the data directory stays, the port may not."""

    def __init__(self, binary, data, env, args, log):
        self.binary = binary
        self.data = data
        self.env = env
        self.args = args
        self.log = log
        self.process = None
        self.addr = ""
        self.headers = {}
        self.start()

    @property
    def url(self):
        return f"http://{self.addr}"

    @property
    def host(self):
        return self.addr.rpartition(":")[0].strip("[]")

    @property
    def port(self):
        return int(self.addr.rpartition(":")[2])

    @property
    def log_text(self):
        return self.log.read_text(errors="replace")

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "serve", "--data", self.data, "--listen", "127.0.0.1:0", *self.args],
                env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        self.addr = self._printed_address()

    def _printed_address(self):
        """Reads stdout up to the line that says where the server listens."""
        deadline = time.monotonic() + START_TIMEOUT_S
        text = b""
        while True:
            found = re.search(rb"http://(\S+)\n", text)
            if found:
                return found.group(1).decode()
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self.process.stdout], [], [], max(left, 0))
            chunk = os.read(self.process.stdout.fileno(), 4096) if ready else b""
            if not chunk:
                self.kill()
                pytest.fail(f"podium serve printed no address: {text!r}\n{self.log_text[-4000:]}")
            text += chunk

    def stop(self, sig=signal.SIGTERM):
        """Ends the server as an operator would; gives the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(sig)
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            pytest.fail(f"podium serve did not stop\n{self.log_text[-4000:]}")
        self.process.stdout.close()
        return self.process.returncode

    def kill(self):
        """As the machine would: no chance to say goodbye."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def restart(self):
        if self.process.poll() is None:
            self.stop()
        self.start()
        return self

    def request(self, method, path, body=None, headers=None, timeout=WAIT_S):
        """`body` may be bytes, or anything else that json.dumps takes; None sends none."""
        sent = dict(self.headers)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    def get(self, path, **kw):
        return self.request("GET", path, **kw)

    def post(self, path, body=None, **kw):
        return self.request("POST", path, {} if body is None else body, **kw)

    def put(self, path, body=None, **kw):
        return self.request("PUT", path, {} if body is None else body, **kw)

    def delete(self, path, body=None, **kw):
        return self.request("DELETE", path, body, **kw)

    def predict(self, route, rows, **kw):
        return self.post(f"/predict/{route}", {"rows": rows}, **kw)

    def raw(self, sent, timeout=WAIT_S, close=True):
        """Sends bytes as they are and gives all bytes that came back until the server closed.

        With close=False our side stays open: the server must be the one that ends it.
        """
        with socket.create_connection((self.host, self.port), timeout=timeout) as connection:
            connection.sendall(sent)
            if close:
                connection.shutdown(socket.SHUT_WR)
            received = b""
            try:
                while chunk := connection.recv(65536):
                    received += chunk
            except ConnectionResetError:
                pass
            return received

    def line(self, timeout=WAIT_S):
        return Line(self, timeout)

    def connect(self, timeout=WAIT_S):
        """An open socket for exchanges in several steps."""
        return socket.create_connection((self.host, self.port), timeout=timeout)

    def wait_ready(self, model_id, timeout=WAIT_S):
        """The row of a version once it is loaded; fails the test when its load failed."""
        def loaded():
            row = self.get(f"/api/v1/versions/{model_id}").json
            assert row["load_state"] != "failed", row
            if row["load_state"] != "ready":
                return None
            # Loaded; the cores learn of it a moment later.
            seen = metric(scrape(self), "podium_version_ready", route=row["route"],
                          model_version=row["version"])
            return row if seen else None
        return wait_until(loaded, timeout, f"{model_id} ready")


def make_two(server, register, **second):
    """Route `number`: n1 is the primary and answers 1; n2 answers 2 and stands by, unless `second`
    says otherwise."""
    register(server, "number", MODELS / "constant_one.onnx", "1", model_id="n1", activate=True)
    register(server, "number", MODELS / "constant_two.onnx", "2", model_id="n2", **second)
    return server


def done(answer):
    assert answer.status == 200, answer
    return answer.json


def committed(answer):
    """The JSON of a change that is made: 200, or 202 that names who has it only later. Other
    replicas have a second for it, which on a busy machine is not always enough."""
    assert answer.status in (200, 202), answer
    changed = answer.json
    own, *others = changed["replicas"]
    late = [one["id"] for one in changed["replicas"] if not one["applied"]]
    assert (answer.status == 202) == bool(late or not changed["replicas_known"]), answer
    assert others or not late, f"nobody else is there that could be late: {answer}, {own}"
    return changed


def refused(answer, status, *words):
    """The answer refuses with that status, as problem+json whose detail holds the words; its detail."""
    assert answer.status == status, answer
    assert answer.headers["content-type"] == "application/problem+json", answer.headers
    problem = answer.json
    assert problem["status"] == status and problem["title"] and problem["code"], problem
    for word in words:
        assert word in problem["detail"], problem
    return problem["detail"]


def likely(count, share):
    """(least, most): how often something of probability `share` happens in `count` draws, all but
    once in 10 ** 10 times. A bound on what chance decides fails never otherwise."""
    def chance(times):
        return math.exp(math.lgamma(count + 1) - math.lgamma(times + 1) - math.lgamma(count - times + 1)
                        + times * math.log(share) + (count - times) * math.log1p(-share))

    def end(order):
        left = 0.0
        for times in order:
            left += chance(times)
            if left > 5e-11:
                return times
        return times
    return end(range(count + 1)), end(range(count, -1, -1))


def registry_file(server):
    """A second connection to the server's database, in autocommit; it waits for locks."""
    return sqlite3.connect(pathlib.Path(server.data) / "podium.db", isolation_level=None, timeout=WAIT_S)


def write_rows(server, sql, before=(), **parameters):
    """Runs `sql` as another process would; its :revision is the table's next."""
    database = registry_file(server)
    for statement in before:
        database.execute(statement)
    database.execute("BEGIN IMMEDIATE")
    (revision,) = database.execute("SELECT revision + 1 FROM registry_revision").fetchone()
    changed = database.execute(sql, {**parameters, "revision": revision}).rowcount
    database.execute("UPDATE registry_revision SET revision = ?", (revision,))
    database.execute("COMMIT")
    database.close()
    assert changed > 0, sql


SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(?:,|$)')


def scrape(server):
    """/metrics, parsed strictly: {(name, frozenset of label pairs): value}."""
    answer = server.get("/metrics")
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/plain"), answer
    samples, kinds = {}, {}
    assert answer.text.endswith("\n")
    for text in answer.text.splitlines():
        if text.startswith("# "):
            _, word, name, rest = text.split(" ", 3)
            assert word in ("HELP", "TYPE") and rest, text
            if word == "TYPE":
                assert name not in kinds, f"{name} is described twice"
                kinds[name] = rest
            continue
        name, labels, value = SAMPLE.match(text).groups()
        pairs = LABEL.findall(labels or "")
        assert LABEL.sub("", labels or "") == "", text
        family = re.sub(r"_(bucket|sum|count)$", "", name)
        assert kinds.get(name) in ("counter", "gauge") or kinds.get(family) == "histogram", text
        key = (name, frozenset(pairs))
        assert key not in samples, f"{text} comes twice"
        samples[key] = float(value)
    return samples


def metric(samples, name, **labels):
    """The sum of the samples of `name` that carry the labels."""
    wanted = set(labels.items())
    return sum(value for (found, has), value in samples.items() if found == name and wanted <= has)


_figures = []


@pytest.fixture
def figure():
    return _figures.append


def pytest_terminal_summary(terminalreporter):
    for text in dict.fromkeys(_figures):
        terminalreporter.write_line(f"figure: {text}")


@pytest.fixture(scope="session")
def podium_bin():
    binary = pathlib.Path(os.environ.get("PODIUM_BIN", ROOT / "build" / "release" / "podium"))
    assert binary.is_file(), f"{binary} is missing: ./run --build makes it"
    return str(binary)


def clean_environment(extra):
    """Ours without what would change the command's behaviour."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PODIUM_", "OTEL_", "DATABASE_URL"))}
    return {**kept, **(extra or {})}


# What a server must never write, whatever a test did to it.
SIGNS_OF_HARM = ("AddressSanitizer", "runtime error:", "assertion failed")


@contextlib.contextmanager
def serving(podium_bin, folder):
    """make_server as a block: it starts servers that work in `folder`, and ends them."""
    started = []

    def make(data=None, env=None, args=(), config=None, token=None, binary=podium_bin):
        number = len(started)
        arguments = [str(a) for a in args]
        if config is not None:
            file = folder / f"podium-{number}.yaml"
            file.write_text(config)
            arguments += ["--config", str(file)]
        extra = dict(env or {})
        if token is not None:
            extra["PODIUM_ADMIN_TOKEN"] = token
        made = Server(binary, str(data or folder / f"data-{number}"),
                      clean_environment(extra), arguments, folder / f"serve-{number}.log")
        if token is not None:
            made.headers["Authorization"] = f"Bearer {token}"
        started.append(made)
        return made

    yield make
    for made in started:
        made.kill()
        for sign in SIGNS_OF_HARM:
            assert sign not in made.log_text, made.log_text[-4000:]


@pytest.fixture
def make_server(podium_bin, tmp_path):
    with serving(podium_bin, tmp_path) as make:
        yield make


@pytest.fixture
def server(make_server):
    return make_server()


def upload(server, model_file):
    """Stores the bytes of a model; gives {artifact_uri, sha256, bytes}."""
    content = pathlib.Path(model_file).read_bytes()
    answer = server.request("POST", "/api/v1/artifacts", content,
                            {"Content-Type": "application/octet-stream"})
    assert answer.status == 201, answer
    assert answer.json["sha256"] == hashlib.sha256(content).hexdigest()
    return answer.json


@pytest.fixture
def register():
    """Uploads a model file and registers it; waits until it is ready unless wait=False.

    A signature beside the file (`x.signature.json`) goes along. activate=True makes it primary.
    """
    def call(server, route, model_file, version, wait=True, activate=False, **fields):
        model_file = pathlib.Path(model_file)
        stored = upload(server, model_file)
        signature = model_file.with_suffix(".signature.json")
        body = {"route": route, "name": route, "version": str(version),
                "artifact_uri": stored["artifact_uri"], "sha256": stored["sha256"]}
        if signature.is_file():
            body["signature"] = json.loads(signature.read_text())
        body.update(fields)
        answer = server.post("/api/v1/versions", body)
        assert answer.status == 201, answer
        row = answer.json
        if wait:
            row = server.wait_ready(row["model_id"])
        if activate:
            answer = server.post(f"/api/v1/versions/{row['model_id']}/activate")
            row = committed(answer)
        return row
    return call


@pytest.fixture
def podium(podium_bin):
    """Runs the command line to its end: .code, .out, .err (text), .json (of stdout)."""
    def call(*args, server=None, env=None, stdin=None, cwd=None, timeout=300):
        extra = {} if server is None else {"PODIUM_ADDR": server.addr}
        extra.update(env or {})
        ended = subprocess.run([podium_bin, *map(str, args)], env=clean_environment(extra),
                               input="" if stdin is None else stdin, cwd=cwd, timeout=timeout,
                               capture_output=True, text=True)
        return types.SimpleNamespace(
            code=ended.returncode, out=ended.stdout, err=ended.stderr,
            json=whole_json(ended.stdout))
    return call


def whole_json(text):
    """What the text says if it is one document, else None: tables, and a document a line."""
    try:
        return json.loads(text) if text[:1] in ("{", "[") else None
    except json.JSONDecodeError:
        return None
