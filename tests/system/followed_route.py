"""A route that follows a registered model, as the tests of following use it.

A registry is moved either by MLflow's own client (`real_client`) or, quickly, by the same calls
made by hand (`Registry`, and its fixture `registry`: import it by name). `follow` lets the one
route follow the one model; the rest says and waits for what the route does about it.
"""

import contextlib
import json
import pathlib
import subprocess
import uuid

import pytest

from conftest import MODELS, done, wait_until
from test_mlflow import MLFLOW, client_python, environment

CLIENT = pathlib.Path(__file__).with_name("follow_client.py")
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
ONE, TWO, CORRUPT = (MODELS / f"{name}.onnx" for name in ("constant_one", "constant_two", "corrupt"))
MODEL = "ads-ranker"
ROUTE = "/api/v1/routes/ads"


class Refused(Exception):
    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


class Client:
    """MLflow's own client, in a process of its own."""

    def __init__(self, release, server, folder):
        self.process = subprocess.Popen(
            [client_python(release), CLIENT, server.url, folder], env=environment(),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, call, *args, **kwargs):
        self.process.stdin.write(json.dumps({"call": call, "args": args, "kwargs": kwargs}) + "\n")
        self.process.stdin.flush()
        while True:  # Whatever else the library prints.
            line = self.process.stdout.readline()
            assert line, "the client has ended"
            if line.startswith("answer "):
                break
        answer = json.loads(line.removeprefix("answer "))
        if "error" in answer:
            raise Refused(answer["error"], answer["message"])
        return answer["result"]

    def close(self):
        self.process.stdin.close()
        self.process.wait(120)


@contextlib.contextmanager
def real_client(release, server, folder):
    made = Client(release, server, folder)
    try:
        yield made
    finally:
        made.close()


class Registry:
    """The same calls by hand: quick, and on any server."""

    def __init__(self, server, model=MODEL):
        self.server, self.model = server, model
        done(server.post(f"{MLFLOW}/registered-models/create", {"name": model}))

    def put(self, path, content):
        answer = self.server.request("PUT", f"{ARTIFACTS}/{path}", content)
        assert answer.status == 200, answer

    def version(self, file=None, source=None, tags=(), signature=None):
        """The number of a new version: of an ONNX file, or with a source as it is."""
        if source is None:
            name = uuid.uuid4().hex
            self.put(f"{name}/MLmodel", b"flavors: {onnx: {data: model.onnx}}\n")
            self.put(f"{name}/model.onnx", pathlib.Path(file).read_bytes())
            if signature is not None:
                self.put(f"{name}/model.signature.json", json.dumps(signature).encode())
            source = f"mlflow-artifacts:/{name}"
        body = {"name": self.model, "source": source,
                "tags": [{"key": key, "value": value} for key, value in tags]}
        made = done(self.server.post(f"{MLFLOW}/model-versions/create", body))
        return int(made["model_version"]["version"])

    def try_alias(self, alias, number):
        return self.server.post(f"{MLFLOW}/registered-models/alias",
                                {"name": self.model, "alias": alias, "version": str(number)})

    def alias(self, alias, number):
        done(self.try_alias(alias, number))

    def drop_alias(self, alias):
        done(self.server.delete(f"{MLFLOW}/registered-models/alias",
                                {"name": self.model, "alias": alias}))

    def stage(self, number, stage, archive=False):
        done(self.server.post(f"{MLFLOW}/model-versions/transition-stage",
                              {"name": self.model, "version": str(number), "stage": stage,
                               "archive_existing_versions": archive}))

    def tag(self, number, key, value):
        done(self.server.post(f"{MLFLOW}/model-versions/set-tag",
                              {"name": self.model, "version": str(number), "key": key,
                               "value": value}))


def follow(server, **body):
    answer = server.put(f"{ROUTE}/follow", {"model": MODEL, **body})
    assert answer.status in (200, 202), answer
    return answer.json


def route(server):
    return done(server.get(ROUTE))


def serving(server):
    """(version of the primary, version of the canary, its percent)"""
    shown = route(server)
    return tuple((shown[role] or {}).get("version") for role in ("primary", "canary")) + \
        (shown["traffic_pct"],)


def standing(server):
    return route(server)["follow"]["standing"]


def serves(server, primary, canary=None, percent=0):
    want = (primary and str(primary), canary and str(canary), percent)
    wait_until(lambda: serving(server) == want, what=f"{want} serves, {route(server)}")


def says(server, state, *words):
    def said():
        now = standing(server)
        return now["state"] == state and all(word in now["text"] for word in words)
    wait_until(said, what=f"{state} {words}, it is {standing(server)}")


def predicted(server, rows=((0,),), name="ads"):
    return done(server.predict(name, rows))["predictions"][0]


def trail(server):
    """The route's changes, oldest first."""
    return done(server.get("/api/v1/audit?route=ads&limit=500"))["items"][::-1]


@pytest.fixture
def registry(server):
    return Registry(server)
