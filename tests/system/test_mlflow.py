"""MLflow's registry API, as MLflow's own client speaks to it: the newest release and one of 2.x.

What the client does is in mlflow_client.py, which each client's own interpreter runs once.
"""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import urllib.parse

import pytest

from conftest import ROOT, wait_until

CLIENT = pathlib.Path(__file__).with_name("mlflow_client.py")
MLFLOW = "/api/2.0/mlflow"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"


def client_python(release):
    """An interpreter that has that client."""
    made = subprocess.run(
        [ROOT / "tools" / "venv.sh", f"tests/mlflow/requirements-{release}.txt",
         f"build/venv-mlflow{release}"], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr[-4000:]
    return pathlib.Path(made.stdout.strip())


def environment(**more):
    """Nothing of MLflow's from outside, no retries that would hide an answer, no calls home."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    return env | {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_DISABLE_TELEMETRY": "true",
                  "DO_NOT_TRACK": "true", "PYTHONDONTWRITEBYTECODE": "1", **more}


def run(python, script, *args, env=None, timeout=900):
    ended = subprocess.run([python, script, *map(str, args)], env=env or environment(),
                           capture_output=True, text=True, timeout=timeout, check=False)
    assert ended.returncode == 0, (ended.stdout[-2000:], ended.stderr[-6000:])
    return ended.stdout


@pytest.mark.parametrize("release", ["3", "2"])
def test_the_real_client_finds_what_it_expects(release, server, tmp_path):
    told = run(client_python(release), CLIENT, server.url, tmp_path)
    done = [line.split()[1] for line in told.splitlines() if line.startswith("ok ")]
    wanted = CLIENT.read_text().count("\n@check\n")
    assert len(done) == wanted == 13, done


def ask(server, method, path, body=None, **kw):
    answer = server.request(method, MLFLOW + path, body, **kw)
    return answer.status, answer.json


def test_errors_have_mlflows_shape(server):
    create = "/registered-models/create"
    for body, word in (({}, "'name'"), ({"name": 7}, "'int'"), ({"name": ["a"]}, "'list'"),
                       ({"name": ""}, "'name'"), (b"{nonsense", "'name'"), (b"[]", "'name'"),
                       ({"name": "a", "tags": {"k": "v"}}, "'dict'"),
                       ({"name": "a", "tags": [{"value": "v"}]}, "'key'"),
                       ({"name": "a", "tags": [7]}, "'int'"),
                       ({"name": "a\u0000b"}, "NUL"), ({"name": "  "}, "cannot be empty")):
        headers = {"Content-Type": "application/json"}
        status, answer = ask(server, "POST", create, body, headers=headers)
        assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), (body, answer)
        assert word in answer["message"], (body, answer)
    status, answer = ask(server, "POST", create, b"name=x", headers={"Content-Type": "text/plain"})
    assert status == 400 and "Content-Type must be" in answer["message"]
    assert ask(server, "POST", create, {"name": "m"})[0] == 200
    for number, status in ((2, 400), ("2", 404), ("abc", 400), ("0", 404), ("-1", 404),
                           ("1.0", 400), ("9" * 30, 400)):
        answer = server.request("PATCH", MLFLOW + "/model-versions/update",
                                {"name": "m", "version": number, "description": ""})
        assert answer.status == status, (number, answer)
    status, answer = ask(server, "GET", "/registered-models/nothing-here")
    assert (status, answer["error_code"]) == (404, "ENDPOINT_NOT_FOUND")
    status, answer = ask(server, "POST", "/webhooks", {})
    assert (status, answer["error_code"]) == (404, "ENDPOINT_NOT_FOUND")
    answer = server.request("PUT", MLFLOW + create, {})
    assert answer.status == 405 and answer.json["error_code"] == "ENDPOINT_NOT_FOUND"
    assert "POST" in answer.headers["allow"]
    assert ask(server, "GET", "/registered-models/search?filter=%ff")[0] == 400
    assert ask(server, "GET", "/registered-models/get?name=%00")[0] == 400


def test_spellings_that_clients_use(server):
    assert server.get("/health").text == "OK"
    assert server.get("/version").status == 200
    assert server.get("/api/3.0/mlflow/server-info").json["workspaces_enabled"] is False
    # Camel case, a body within a string, an object beside unknown fields, null for absent.
    ask(server, "POST", "/registered-models/create", {"name": "a", "description": None, "x": {}})
    status, answer = ask(server, "POST", "/registered-models/rename", {"name": "a", "newName": "b"})
    assert status == 200 and answer["registered_model"]["name"] == "b"
    status, answer = ask(server, "POST", "/registered-models/rename",
                         {"name": "b", "newName": "c", "new_name": "c"})
    assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    body = json.dumps(json.dumps({"name": "in-text"})).encode()
    assert ask(server, "POST", "/registered-models/create", body,
               headers={"Content-Type": "application/json; charset=utf-8"})[0] == 200
    page = server.get("/ajax-api/2.0/mlflow/registered-models/search?max_results=1").json
    assert [m["name"] for m in page["registered_models"]] == ["b"] and page["next_page_token"]
    assert ask(server, "GET", "/registered-models/search?filter=name+%3D+%27none%27") == (200, {})
    assert "description" not in page["registered_models"][0]


HOSTILE = ["'; DROP TABLE registered_models; --", "../../etc/passwd", "%2e%2e%2f", "a\\b", "\u202e",
           "\U0001F600", "' OR '1'='1", "${x}", "\n", "\t", "null", "-1", "1e999", "\"", "`"]


# Every endpoint, with all that it reads.
ENDPOINTS = {
    "POST registered-models/create": "name description tags",
    "GET registered-models/get": "name",
    "PATCH registered-models/update": "name description",
    "POST registered-models/rename": "name new_name",
    "DELETE registered-models/delete": "name",
    "GET registered-models/search": "filter max_results order_by page_token",
    "POST registered-models/get-latest-versions": "name stages",
    "GET registered-models/get-latest-versions": "name stages",
    "POST registered-models/set-tag": "name key value",
    "DELETE registered-models/delete-tag": "name key",
    "POST registered-models/alias": "name alias version",
    "GET registered-models/alias": "name alias",
    "DELETE registered-models/alias": "name alias",
    "POST model-versions/create": "name source run_id run_link description model_id tags",
    "GET model-versions/get": "name version",
    "GET model-versions/get-download-uri": "name version",
    "PATCH model-versions/update": "name version description",
    "POST model-versions/transition-stage": "name version stage archive_existing_versions",
    "DELETE model-versions/delete": "name version",
    "GET model-versions/search": "filter max_results order_by page_token",
    "POST model-versions/set-tag": "name version key value",
    "DELETE model-versions/delete-tag": "name version key"}


class Endpoint:
    """One of ENDPOINTS, and a model and version for it to work on."""

    def __init__(self, line, number, call):
        self.line, self.number, self.made = line, number, 0
        self.method, self.path = call.split()
        self.fields = ENDPOINTS[call].split()

    def fresh(self):
        """Parameters that are all right, of a model that no call has touched."""
        self.made += 1
        name = f"m-{self.number}-{self.made}"
        for path, body in (("registered-models/create", {"name": name}),
                           ("model-versions/create", {"name": name, "source": "s3://b"}),
                           ("registered-models/alias",
                            {"name": name, "alias": "al", "version": "1"})):
            assert self.line.request("POST", f"{MLFLOW}/{path}", body).status == 200
        new = f"{name}-new"
        good = {"name": new if self.path == "registered-models/create" else name,
                "new_name": new, "key": "k", "value": "v", "alias": "al", "version": "1",
                "stage": "Staging", "description": "d", "source": "s3://b", "run_id": "r",
                "run_link": "l", "model_id": "", "filter": "name != 'x'", "page_token": "",
                "max_results": "10", "order_by": "name", "stages": ["Staging"], "tags": [],
                "archive_existing_versions": False}
        return {field: good[field] for field in self.fields}

    def ask(self, params):
        path = f"{MLFLOW}/{self.path}"
        if self.method == "GET":
            query = urllib.parse.urlencode(params, doseq=True)
            return self.line.request("GET", f"{path}?{query}")
        return self.line.request(self.method, path, params)


def test_nothing_that_is_sent_breaks_it(server):
    """Every field of every endpoint, with text that means something elsewhere: never a 5xx."""
    witness = {"name": "witness", "description": "d", "tags": [{"key": "k", "value": "v"}]}
    before = ask(server, "POST", "/registered-models/create", witness)
    assert before[0] == 200, before
    bad_values = [*HOSTILE, 7, 1.5, True, None, [], {}, [[]], {"a": {}}]
    seen = set()
    with server.line() as line:
        for number, call in enumerate(ENDPOINTS):
            endpoint = Endpoint(line, number, call)
            answer = endpoint.ask(endpoint.fresh())
            assert answer.status == 200, (call, answer)
            good = endpoint.fresh()
            for field in endpoint.fields:
                # A query has less room than a body.
                long = "x" * (3000 if endpoint.method == "GET" else 6000)
                for bad in [*bad_values, long]:
                    answer = endpoint.ask({**good, field: bad})
                    assert answer.status in (200, 400, 404), (call, field, bad, answer)
                    seen.add(answer.status)
                    if answer.status == 200:
                        good = endpoint.fresh()
                    else:
                        assert answer.json["error_code"], (call, field, bad, answer)
            answer = endpoint.ask(good)
            assert answer.status == 200, (call, "what was refused has changed something", answer)
    assert seen == {200, 400, 404}
    assert ask(server, "GET", "/registered-models/get?name=witness") == before


def test_artifacts_stay_in_their_folder(server):
    def put(path, data=b"x"):
        return server.request("PUT", f"{ARTIFACTS}/{path}", data)

    secret = server.data / "secret.txt" if isinstance(server.data, pathlib.Path) else \
        pathlib.Path(server.data) / "secret.txt"
    secret.write_text("secret")
    for path in ("../secret.txt", "%2e%2e/secret.txt", "..%2fsecret.txt", "%252e%252e/secret.txt",
                 "a/../../secret.txt", "a//b", "/etc/passwd", "%2fetc%2fpasswd", "a/./b", "C:/x",
                 "a%5c..%5cb", "a%00b", "a%0ab", "%ff", "x" * 201, "/".join("a" * 65)):
        for answer in (put(path), server.get(f"{ARTIFACTS}/{path}"),
                       server.delete(f"{ARTIFACTS}/{path}")):
            assert answer.status == 400, (path, answer)
            assert b"secret" not in answer.body
    for path in ("..", "%2e%2e", "../..", "/etc", "a//b", "%2e%2e%2f%2e%2e"):
        assert server.get(f"{ARTIFACTS}?path={path}").status == 400, path
    assert server.get(ARTIFACTS).json == {}
    assert server.delete(ARTIFACTS).status == 400 and put("").status == 400
    assert put("model/a.bin", bytes(range(256)) * 4096).status == 200
    assert put("model/deep/b.json", b"{}").status == 200
    assert put("model/empty", b"").status == 200
    assert server.get(f"{ARTIFACTS}/model/a.bin").body == bytes(range(256)) * 4096
    assert server.get(f"{ARTIFACTS}/model/empty").body == b""
    got = server.get(f"{ARTIFACTS}/model/deep/b.json")
    assert got.headers["content-type"] == "application/json"
    assert got.headers["content-disposition"] == "attachment"
    assert server.get(f"{ARTIFACTS}?path=model").json["files"] == [
        {"path": "a.bin", "is_dir": False, "file_size": 256 * 4096},
        {"path": "deep", "is_dir": True}, {"path": "empty", "is_dir": False, "file_size": 0}]
    assert server.get(f"{ARTIFACTS}/model").status == 400, "a folder"
    assert server.get(f"{ARTIFACTS}/model/none").status == 404
    assert put("model/deep").status == 400 and put("model/empty/x").status == 400
    assert put("model/deep/b.json", b"[]").status == 200
    assert server.get(f"{ARTIFACTS}/model/deep/b.json").body == b"[]"
    server.restart()
    assert server.get(f"{ARTIFACTS}/model/deep/b.json").body == b"[]"
    assert server.delete(f"{ARTIFACTS}/model").status == 200
    assert server.delete(f"{ARTIFACTS}/model").status == 200, "gone is gone"
    assert server.get(ARTIFACTS).json == {}
    blobs = pathlib.Path(server.data) / "mlflow-artifacts" / "blobs"
    assert list(blobs.iterdir()) == [], "what nobody names takes no room"
    assert server.post("/api/2.0/mlflow-artifacts/mpu/create/x", {}).status == 501


def test_only_the_admin_may(make_server):
    server = make_server(env={"PODIUM_ADMIN_TOKEN": "a-token-of-some-length"})
    server.headers = {}
    for method, path in (("GET", f"{MLFLOW}/registered-models/search"), ("GET", ARTIFACTS),
                         ("PUT", f"{ARTIFACTS}/x"), ("GET", f"{MLFLOW}/experiments/search")):
        answer = server.request(method, path, b"x" if method == "PUT" else None)
        assert (answer.status, answer.json["error_code"]) == (401, "UNAUTHENTICATED"), answer
    assert server.get("/health").status == 200
    server.headers = {"Authorization": "Bearer a-token-of-some-length"}
    assert server.get(f"{MLFLOW}/registered-models/search").json == {}
    assert server.get(ARTIFACTS).status == 200


def test_a_change_survives_a_kill(server):
    ask(server, "POST", "/registered-models/create", {"name": "m"})
    ask(server, "POST", "/model-versions/create", {"name": "m", "source": "s3://b"})
    ask(server, "POST", "/registered-models/alias", {"name": "m", "alias": "a", "version": "1"})
    server.kill()
    server.start()
    status, answer = ask(server, "GET", "/registered-models/get?name=m")
    assert status == 200 and answer["registered_model"]["aliases"] == [{"alias": "a",
                                                                        "version": "1"}]


LOG_MODEL = """
import sys, mlflow, pandas

class Doubler(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return [2 * value for value in model_input["x"]]

with mlflow.start_run() as run:
    mlflow.log_metric("m", 1.0)
    mlflow.pyfunc.log_model(name="model", python_model=Doubler(),
                            pip_requirements=["mlflow-skinny"], registered_model_name="logged")
version = mlflow.MlflowClient().get_model_version("logged", "1")
assert version.run_id == run.info.run_id, version
model = mlflow.pyfunc.load_model("models:/logged/1")
assert list(model.predict(pandas.DataFrame({"x": [1, 2]}))) == [2, 4]
print("ok", version.source)
"""


@contextlib.contextmanager
def tracking_server(python, folder):
    """A real `mlflow server` whose artifacts its clients reach through whom they call it by."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "tracking.log"
    with open(log, "wb") as out:
        process = subprocess.Popen(
            [python, "-m", "mlflow", "server", "--backend-store-uri",
             f"sqlite:///{folder / 'tracking.db'}", "--default-artifact-root",
             "mlflow-artifacts:/", "--artifacts-destination", folder / "unused", "--host",
             "127.0.0.1", "--port", str(port), "--workers", "1"],
            env=environment(MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false"), cwd=folder,
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)

    def answers():
        assert process.poll() is None, log.read_text()[-4000:]
        with contextlib.suppress(OSError):
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return True
        return False

    try:
        wait_until(answers, timeout=400, what="the tracking server")
        yield f"http://127.0.0.1:{port}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait()


def test_with_a_tracking_server_behind_one_address_is_enough(make_server, tmp_path):
    """log_model(registered_model_name=…) with MLFLOW_TRACKING_URI alone."""
    python = client_python("3")
    script = tmp_path / "log_model.py"
    script.write_text(LOG_MODEL)
    with tracking_server(python, tmp_path) as upstream:
        server = make_server(env={"PODIUM_MLFLOW_UPSTREAM": upstream})
        told = run(python, script, env=environment(MLFLOW_TRACKING_URI=server.url))
        assert "ok models:/m-" in told, told
        found = server.get(f"{MLFLOW}/model-versions/get-download-uri?name=logged&version=1").json
        assert found["artifact_uri"].startswith("mlflow-artifacts:/"), found
        names = server.get(f"{MLFLOW}/registered-models/search").json["registered_models"]
        assert [m["name"] for m in names] == ["logged"]
    answer = server.get(f"{MLFLOW}/experiments/get?experiment_id=0")
    assert (answer.status, answer.json["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")
    assert "mlflow.upstream" in answer.json["message"]
    assert server.get(f"{MLFLOW}/registered-models/get?name=logged").status == 200
