"""Who may do what, with a token and without one; and that the token itself is never seen again."""

import pathlib
import subprocess

import pytest

from conftest import MODELS, clean_environment, refused, upload

ONE = MODELS / "constant_one.onnx"
TWO = MODELS / "constant_two.onnx"
TOKEN = "s3cret-token-that-nobody-else-has"

CHANGES = [
    ("POST", "/api/v1/versions"), ("DELETE", "/api/v1/versions/m2"),
    ("POST", "/api/v1/versions/m2/activate"), ("POST", "/api/v1/versions/m2/retire"),
    ("POST", "/api/v1/versions/m2/promote"), ("PUT", "/api/v1/routes/m/canary"),
    ("DELETE", "/api/v1/routes/m/canary"), ("PUT", "/api/v1/routes/m/arms"),
    ("PUT", "/api/v1/routes/m/shadow"), ("DELETE", "/api/v1/routes/m/shadow"),
    ("PUT", "/api/v1/routes/m/challenger"), ("DELETE", "/api/v1/routes/m/challenger"),
    ("POST", "/api/v1/routes/m/rollback"), ("POST", "/api/v1/artifacts"),
    ("DELETE", "/api/v1/metrics/versions/m1"), ("POST", "/admin/ai-quality/models/m2/promote"),
    ("POST", "/admin/ai-quality/models/m/rollback"),
]
READS = [
    "/api/v1/versions", "/api/v1/versions/m1", "/api/v1/routes", "/api/v1/routes/m",
    "/api/v1/audit", "/api/v1/metrics/versions", "/api/v1/metrics/versions/m1", "/api/v1/status",
    "/admin/ai-quality/models",
]
OPEN = ["/healthz", "/readyz", "/metrics", "/internal/models/active?type=m"]


def filled(server, register):
    register(server, "m", ONE, "1", model_id="m1", activate=True)
    register(server, "m", TWO, "2", model_id="m2", status="shadow")
    return server


@pytest.fixture
def guarded(make_server, register):
    return filled(make_server(token=TOKEN), register)


def send(server, method, path, **headers):
    """A change with a body of its kind, a read without one; with these headers and no others."""
    kind = "application/octet-stream" if path.endswith("artifacts") else "application/json"
    known = server.headers
    server.headers = {}
    try:
        body = None if method == "GET" else b"{}"
        sent = headers if body is None else {"Content-Type": kind, **headers}
        return server.request(method, path, body, sent)
    finally:
        server.headers = known


def untouched(server):
    rows = server.get("/api/v1/versions").json["items"]
    assert {row["model_id"]: row["status"] for row in rows} == {"m1": "primary", "m2": "shadow"}


# ---- With a token.

def test_changes_and_reads_need_the_token(guarded):
    """N2: one path left open is as good as none closed."""
    for method, path in [*CHANGES, *(("GET", path) for path in READS)]:
        answer = send(guarded, method, path)
        refused(answer, 401, "Authorization: Bearer", "PODIUM_TOKEN")
        for wrong in ("Bearer " + TOKEN[:-1], "Bearer " + TOKEN + "x", "Bearer " + TOKEN.upper(),
                      "Bearer", "Bearer ", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN} x"):
            refused(send(guarded, method, path, Authorization=wrong), 401)
    untouched(guarded)
    for path in READS:
        assert send(guarded, "GET", path, Authorization=f"bearer {TOKEN}").status == 200


def test_callers_and_probes_need_no_token(guarded):
    """The callers of models are not administrators, and probes cannot keep a secret."""
    for path in OPEN:
        assert send(guarded, "GET", path).status == 200, path
    guarded.headers = {}
    assert guarded.predict("m", [[0]]).json["predictions"] == [1]


def test_a_wrong_token_is_not_taken_for_none(guarded):
    """A caller who mistyped the token would otherwise believe that it works."""
    answer = guarded.predict("m", [[0]], headers={"Authorization": "Bearer not-the-token-at-all"})
    refused(answer, 401, "token")


def test_the_actor_is_on_the_record(guarded):
    """C4: "somebody" is no answer to who did it."""
    assert guarded.post("/api/v1/versions/m2/promote").status == 200
    assert guarded.get("/api/v1/audit").json["items"][0]["actor"] == "admin"


def test_the_token_is_never_seen_again(make_server, register, tmp_path):
    """INV-15: logs, metrics and errors are read by more people than may hold the token."""
    server = filled(make_server(token=TOKEN, env={"PODIUM_LOG_LEVEL": "debug"}), register)
    wrong = "another-secret-somebody-typed-here"
    seen = []
    for method, path in [*CHANGES, *(("GET", path) for path in [*READS, *OPEN, "/nowhere"])]:
        for token in (TOKEN, wrong):
            answer = send(server, method, path, Authorization=f"Bearer {token}")
            seen.append(answer.text + repr(answer.headers))
    answer = server.predict("m", [[0]], headers={"X-Podium-Model-Version": "1"})
    seen.append(answer.text + repr(answer.headers))
    seen.append(server.raw(f"GET / HTTP/9.9\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()).decode())
    seen.append(server.get("/metrics").text)
    server.stop()
    seen.append(server.log_text)
    assert '"level"' in server.log_text
    for secret in (TOKEN, wrong):
        assert not any(secret in text for text in seen)
        for file in tmp_path.rglob("*"):
            assert not (file.is_file() and secret.encode() in file.read_bytes()), file


def test_the_token_may_come_from_a_file(make_server, register, tmp_path):
    """A secret in the environment shows in process lists; a mounted file does not."""
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    server = make_server(env={"PODIUM_ADMIN_TOKEN_FILE": str(file)})
    refused(server.get("/api/v1/versions"), 401)
    server.headers["Authorization"] = f"Bearer {TOKEN}"
    assert server.get("/api/v1/versions").status == 200


def test_with_a_token_other_names_are_served(guarded):
    """Behind a name of its own the server must answer under that name."""
    answer = send(guarded, "GET", "/healthz", Host="podium.example", Origin="https://elsewhere")
    assert answer.status == 200
    answer = send(guarded, "GET", "/api/v1/versions", Host="podium.example",
                  Authorization=f"Bearer {TOKEN}")
    assert answer.status == 200


# ---- Without a token: the caller is whoever sits at this machine.

@pytest.fixture
def local(server, register):
    return filled(server, register)


@pytest.mark.parametrize("host", ["podium.example", "127.0.0.1.example.com", "localhost.example",
                                  "10.0.0.1", "127.1", "[::2]", "0.0.0.0", "localhost:80x"])
def test_another_name_is_refused(local, host):
    """A page whose name was pointed at 127.0.0.1 must not become the local admin."""
    for method, path in [*CHANGES, *(("GET", path) for path in [*READS, *OPEN]),
                         ("POST", "/predict/m")]:
        answer = send(local, method, path, Host=host)
        assert answer.status in (400, 403), answer
        refused(answer, answer.status, "Host")
    untouched(local)


def test_loopback_names_are_served(local):
    """The guard must not stand in the way of those it protects."""
    for host in ("localhost", "LOCALHOST:1234", "127.0.0.1", "127.8.9.1:80", "[::1]", "[::1]:8080"):
        assert send(local, "GET", "/api/v1/versions", Host=host).status == 200, host


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://localhost",
                                    "http://localhost:1", "file://", "http://127.0.0.1.evil.example",
                                    ""])
def test_a_page_from_elsewhere_is_refused(local, origin):
    """Any web page can make the browser of the local admin send requests here."""
    for method, path in [*CHANGES, ("GET", "/api/v1/versions"), ("POST", "/predict/m")]:
        refused(send(local, method, path, Origin=origin), 403, "Origin")
    untouched(local)


def test_a_page_of_our_own_is_served(local):
    """The server's own pages send an Origin, too."""
    answer = send(local, "GET", "/api/v1/versions", Origin=f"http://{local.addr}")
    assert answer.status == 200


def test_a_form_is_no_change(local):
    """Forms cross origins without asking; only JSON makes a browser ask first."""
    form = "application/x-www-form-urlencoded"
    for method, path in CHANGES:
        answer = local.request(method, path, b"model_id=m2&traffic_pct=100", {"Content-Type": form})
        refused(answer, 415, "Content-Type")
    untouched(local)


# ---- What does not start.

def serve(podium_bin, tmp_path, *args, **env):
    return subprocess.run([podium_bin, "serve", "--data", str(tmp_path / "data"), *args],
                          env=clean_environment(env), stdin=subprocess.DEVNULL, timeout=120,
                          capture_output=True, text=True)


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"])
def test_an_open_address_without_a_token_is_refused(podium_bin, tmp_path, address):
    """Point 9: a registry that anybody on the network may change is worse than none."""
    ended = serve(podium_bin, tmp_path, "--listen", address)
    assert ended.returncode == 2, ended
    assert "PODIUM_ADMIN_TOKEN=" in ended.stderr  # The fix, ready to paste.
    assert "http://" not in ended.stdout
    assert not (tmp_path / "data" / "podium.db").exists()


@pytest.mark.parametrize("token", ["short", "x" * 15, "x" * 1025, "with a space in the middle",
                                   "a-token-with-ümlauts"])
def test_a_bad_token_is_refused(podium_bin, tmp_path, token):
    """A token that can be guessed, or that no header can carry, must be found at the start."""
    ended = serve(podium_bin, tmp_path, "--listen", "127.0.0.1:0", PODIUM_ADMIN_TOKEN=token)
    assert ended.returncode == 2, ended
    assert "token" in ended.stderr and token not in ended.stderr + ended.stdout


def test_a_token_file_that_is_missing(podium_bin, tmp_path):
    """Going on without the token would leave the server open to whoever reaches it."""
    ended = serve(podium_bin, tmp_path, "--listen", "127.0.0.1:0",
                  PODIUM_ADMIN_TOKEN_FILE=str(tmp_path / "nothing"))
    assert ended.returncode == 2, ended
    assert "nothing" in ended.stderr


# ---- Files.

def test_what_is_stored_is_the_owners(server):
    """Other users of the machine must not read models and the audit trail, or swap a model."""
    upload(server, ONE)
    data = pathlib.Path(server.data)
    for file in (data / "podium.db", *(data / "artifacts").iterdir()):
        mode = file.stat().st_mode
        assert mode & 0o077 == 0, (file, oct(mode))
