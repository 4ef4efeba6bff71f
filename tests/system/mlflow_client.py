"""What MLflow's own client sees of Podium, told by that client. Run by test_mlflow.py:

    python mlflow_client.py URL FOLDER [CHECK...]

Runs every check (or those that are named), prints "ok CHECK" for each, and ends with 1 at the first
that fails. FOLDER takes files. The client is whichever this interpreter has.
"""

import json
import pathlib
import sys
import urllib.error
import urllib.parse
import urllib.request

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException, RestException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

URL = sys.argv[1]
FOLDER = pathlib.Path(sys.argv[2])
CODES = []
CHECKS = []
NEW = int(mlflow.__version__.split(".")[0]) >= 3


def check(function):
    CHECKS.append(function)
    return function


def refused(code, call, *args, **kw):
    """The call must fail with that error code; gives the message."""
    try:
        call(*args, **kw)
    except MlflowException as error:
        assert error.error_code == code, (error.error_code, code, str(error))
        return str(error)
    raise AssertionError(f"{call.__name__}{args} was not refused with {code}")


def raw(method, path, body=None, headers=None):
    """(status, JSON) of a call that the client would not make."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    sent = {"Content-Type": "application/json"} if data is not None else {}
    request = urllib.request.Request(URL + path, data, {**sent, **(headers or {})}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"{}")


def numbers(versions):
    return sorted(int(version.version) for version in versions)


def new_version(client, name, source="s3://bucket/model", **kw):
    return client.create_model_version(name, source, **kw)


@check
def models(client):
    made = client.create_registered_model("first", tags={"team": "ml", "odd key": "ü"},
                                          description="words")
    assert made.name == "first" and made.description == "words"
    assert made.tags == {"team": "ml", "odd key": "ü"}
    assert abs(made.creation_timestamp - made.last_updated_timestamp) == 0
    refused("RESOURCE_ALREADY_EXISTS", client.create_registered_model, "first")
    for bad in ("a/b", "a:b", "", "  ", "..", "x" * 257):
        refused("INVALID_PARAMETER_VALUE", client.create_registered_model, bad)
    refused("RESOURCE_DOES_NOT_EXIST", client.get_registered_model, "nobody")
    assert client.update_registered_model("first", "new words").description == "new words"
    assert client.get_registered_model("first").description == "new words"
    status, answer = raw("PATCH", "/api/2.0/mlflow/registered-models/update", {"name": "first"})
    assert status == 200 and not answer["registered_model"].get("description")
    client.create_registered_model("x" * 256, description="d" * 5000)
    assert len(client.get_registered_model("x" * 256).description) == 5000
    refused("INVALID_PARAMETER_VALUE", client.update_registered_model, "first", "d" * 5001)
    odd = "it's \"odd\" ; -- % & ? # + ü 日本"
    client.create_registered_model(odd)
    assert client.get_registered_model(odd).name == odd
    client.delete_registered_model(odd)
    refused("RESOURCE_DOES_NOT_EXIST", client.get_registered_model, odd)
    refused("RESOURCE_DOES_NOT_EXIST", client.delete_registered_model, odd)


@check
def model_tags(client):
    client.create_registered_model("tagged")
    client.set_registered_model_tag("tagged", "a", "1")
    client.set_registered_model_tag("tagged", "a", "2")
    client.set_registered_model_tag("tagged", "b", "")
    assert client.get_registered_model("tagged").tags == {"a": "2", "b": ""}
    client.delete_registered_model_tag("tagged", "a")
    client.delete_registered_model_tag("tagged", "a")
    assert client.get_registered_model("tagged").tags == {"b": ""}
    refused("RESOURCE_DOES_NOT_EXIST", client.set_registered_model_tag, "nobody", "a", "1")
    client.set_registered_model_tag("tagged", "k" * 250, "v" * 5000)
    status, answer = raw("POST", "/api/2.0/mlflow/registered-models/set-tag",
                         {"name": "tagged", "key": "k", "value": "v" * 5001})
    assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


@check
def renaming(client):
    client.create_registered_model("old", tags={"t": "1"})
    client.create_registered_model("taken")
    new_version(client, "old")
    client.set_registered_model_alias("old", "champion", "1")
    refused("RESOURCE_ALREADY_EXISTS", client.rename_registered_model, "old", "taken")
    client.rename_registered_model("old", "renamed")
    refused("RESOURCE_DOES_NOT_EXIST", client.get_registered_model, "old")
    model = client.get_registered_model("renamed")
    assert model.tags == {"t": "1"} and model.aliases == {"champion": "1"}
    assert client.get_model_version_by_alias("renamed", "champion").name == "renamed"
    assert client.get_model_version("renamed", "1").name == "renamed"


@check
def versions(client):
    client.create_registered_model("v")
    made = new_version(client, "v", run_id=None, tags={"k": "w"}, description="d")
    assert (made.version, made.current_stage, made.status) in (("1", "None", "READY"),
                                                               (1, "None", "READY"))
    assert made.tags == {"k": "w"} and made.description == "d" and made.source
    assert client.get_model_version("v", "1").tags == {"k": "w"}
    assert client.update_model_version("v", "1", "e").description == "e"
    client.set_model_version_tag("v", "1", "big", "v" * 100_000)
    assert len(client.get_model_version("v", "1").tags["big"]) == 100_000
    client.delete_model_version_tag("v", "1", "big")
    client.delete_model_version_tag("v", "1", "big")
    assert client.get_model_version_download_uri("v", "1") == "s3://bucket/model"
    assert numbers([new_version(client, "v"), new_version(client, "v")]) == [2, 3]
    client.delete_model_version("v", "3")
    refused("RESOURCE_DOES_NOT_EXIST", client.get_model_version, "v", "3")
    refused("RESOURCE_DOES_NOT_EXIST", client.delete_model_version, "v", "3")
    assert numbers([new_version(client, "v")]) == [4], "a number is never given again"
    for absent in ("99", "0", "-1"):
        refused("RESOURCE_DOES_NOT_EXIST", client.get_model_version, "v", absent)
    refused("RESOURCE_DOES_NOT_EXIST", client.create_model_version, "nobody", "s3://b")
    copied = client.copy_model_version("models:/v/4", "copy")
    assert copied.source == "models:/v/4"
    assert client.get_model_version_download_uri("copy", copied.version) == "s3://bucket/model"


@check
def sources(client):
    client.create_registered_model("s")
    for bad in ("/etc/passwd", "file:///etc/passwd", "../up", "s3://b/../c", "s3://b/%2e%2e/c",
                "s3://b/%252e%252e/c", "mlflow-artifacts:/a/../b", "mlflow-artifacts:/a//b",
                "s3://b/%2e%2e/c/100%", "mlflow-artifacts:/a/..?x=1", "models://host/s/1",
                "runs://host/abc/model", "dummy-source",
                "runs:/abc/model", "models:/m-1", "models:/s@x", "C:\\models"):
        status, answer = raw("POST", "/api/2.0/mlflow/model-versions/create",
                             {"name": "s", "source": bad})
        assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), (bad, answer)
    status, answer = raw("POST", "/api/2.0/mlflow/model-versions/create",
                         {"name": "s", "source": "models:/s/7"})
    assert (status, answer["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST"), answer
    for good in ("s3://b/c", "gs://b/c", "mlflow-artifacts:/a/b", "https://host/x"):
        assert raw("POST", "/api/2.0/mlflow/model-versions/create",
                   {"name": "s", "source": good})[0] == 200, good


    status, answer = raw("POST", "/api/2.0/mlflow/model-versions/create",
                         {"name": "s", "source": "models:/s/1", "run_id": "another"})
    assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), answer
    client.create_registered_model("s 100%")
    new_version(client, "s 100%", "s3://b/percent")
    status, answer = raw("POST", "/api/2.0/mlflow/model-versions/create",
                         {"name": "s", "source": "models:/s 100%/1"})
    assert status == 200, answer
    made = answer["model_version"]["version"]
    assert client.get_model_version_download_uri("s", made) == "s3://b/percent"
    for source in ("dummy-source", "prompt-template"):
        assert raw("POST", "/api/2.0/mlflow/model-versions/create",
                   {"name": "s", "source": source,
                    "tags": [{"key": "mlflow.prompt.is_prompt", "value": "true"}]})[0] == 200


@check
def aliases(client):
    client.create_registered_model("a")
    for _ in range(3):
        new_version(client, "a")
    client.set_registered_model_alias("a", "champion", "1")
    client.set_registered_model_alias("a", "other", "1")
    client.set_registered_model_alias("a", "champion", "2")
    assert numbers([client.get_model_version_by_alias("a", "champion")]) == [2]
    assert client.get_model_version("a", "1").aliases == ["other"]
    assert client.get_registered_model("a").aliases == {"champion": "2", "other": "1"}
    message = refused("INVALID_PARAMETER_VALUE", client.get_model_version_by_alias, "a", "none")
    assert "Registered model alias none not found" in message
    refused("RESOURCE_DOES_NOT_EXIST", client.get_model_version_by_alias, "nobody", "champion")
    refused("RESOURCE_DOES_NOT_EXIST", client.set_registered_model_alias, "a", "x", "9")
    for bad in ("latest", "LATEST", "v3", "V12", "a b", "a/b", "x" * 256):
        status, answer = raw("POST", "/api/2.0/mlflow/registered-models/alias",
                             {"name": "a", "alias": bad, "version": "1"})
        assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), (bad, answer)
    status, answer = raw("GET", "/api/2.0/mlflow/registered-models/alias?name=a&alias=latest")
    assert answer["model_version"]["version"] == "3"
    client.delete_registered_model_alias("a", "champion")
    client.delete_registered_model_alias("a", "champion")
    refused("INVALID_PARAMETER_VALUE", client.get_model_version_by_alias, "a", "champion")
    client.delete_model_version("a", "1")
    assert client.get_registered_model("a").aliases == {}, "a deleted version keeps no alias"


@check
def stages(client):
    client.create_registered_model("st")
    for _ in range(4):
        new_version(client, "st")
    move = client.transition_model_version_stage
    assert move("st", "1", "production").current_stage == "Production"
    move("st", "2", "PRODUCTION")
    move("st", "3", "Staging")
    latest = {v.current_stage: int(v.version) for v in client.get_latest_versions("st")}
    assert latest == {"Production": 2, "Staging": 3, "None": 4}
    assert numbers(client.get_latest_versions("st", ["production"])) == [2]
    assert client.get_latest_versions("st", ["Archived"]) == []
    move("st", "4", "Production", archive_existing_versions=True)
    assert [client.get_model_version("st", str(n)).current_stage for n in (1, 2, 3, 4)] == \
        ["Archived", "Archived", "Staging", "Production"]
    message = refused("INVALID_PARAMETER_VALUE", move, "st", "1", "Blah")
    assert "Value must be one of None, Staging, Production, Archived" in message
    refused("INVALID_PARAMETER_VALUE", move, "st", "1", "None", archive_existing_versions=True)
    refused("RESOURCE_DOES_NOT_EXIST", move, "st", "9", "Staging")
    refused("INVALID_PARAMETER_VALUE", client.get_latest_versions, "st", ["Nowhere"])
    refused("RESOURCE_DOES_NOT_EXIST", client.get_latest_versions, "nobody")
    status, answer = raw("GET", "/api/2.0/mlflow/registered-models/get-latest-versions?name=st"
                                "&stages=Staging&stages=Production")
    assert sorted(v["version"] for v in answer["model_versions"]) == ["3", "4"]


@check
def search_models(client):
    for name, team in (("find-a", "red"), ("find-b", "blue"), ("Find-c", None)):
        client.create_registered_model(name, tags={"team": team} if team else None)
    assert raw("POST", "/api/2.0/mlflow/registered-models/create",
               {"name": "find-prompt",
                "tags": [{"key": "mlflow.prompt.is_prompt", "value": "true"}]})[0] == 200

    def found(text, **kw):
        return [m.name for m in client.search_registered_models(text, **kw)]

    assert found("name LIKE 'find-%'") == ["find-a", "find-b"], "clients ask for no prompts"

    def told(text):
        query = urllib.parse.urlencode({"filter": text})
        status, answer = raw("GET", f"/api/2.0/mlflow/registered-models/search?{query}")
        assert status == 200, answer
        return [m["name"] for m in answer.get("registered_models", [])]

    prompt = "name LIKE 'find-%' AND tag.`mlflow.prompt.is_prompt`"
    assert told("name LIKE 'find-%'") == ["find-a", "find-b"], "nobody asked for prompts"
    assert told(f"{prompt} = 'true'") == ["find-prompt"]
    assert told(f"{prompt} != 'false'") == ["find-prompt"]
    assert told(f"{prompt} != 'true'") == ["find-a", "find-b"]
    assert found("name ILIKE 'find-_'") == ["Find-c", "find-a", "find-b"]
    assert found("name = 'find-a'") == ["find-a"]
    assert found("name IN ('find-a', 'Find-c')") == ["Find-c", "find-a"]
    assert found("name LIKE 'find-_' AND name != 'find-a'") == ["find-b"]
    assert found("name LIKE 'find-_' AND name NOT IN ('find-a')") == ["find-b"]
    assert found("tags.team = 'red'") == ["find-a"]
    assert found("tag.team != 'red' AND name ILIKE 'find-_'") == ["find-b"]
    assert found("tags.`team` LIKE 'bl%'") == ["find-b"]
    assert found("tags.team ILIKE 'RED'") == ["find-a"]
    assert found("name ILIKE 'find-_'", order_by=["name DESC"]) == ["find-b", "find-a", "Find-c"]
    assert found("name ILIKE 'find-_'", order_by=["last_updated_timestamp DESC"]) == \
        ["Find-c", "find-b", "find-a"]
    assert found("name ILIKE 'find-_'", order_by=["timestamp"]) == ["find-a", "find-b", "Find-c"]
    for bad in ("name = 'x' OR name = 'y'", "name", "name > 'x'", "run_id = 'x'", "name = x",
                "tags.a IN ('x')", "(name = 'x')", "name = 'x'; DROP TABLE registered_models"):
        refused("INVALID_PARAMETER_VALUE", client.search_registered_models, bad)
    for bad in (["creation_timestamp"], ["name", "name DESC"], ["name UP"]):
        refused("INVALID_PARAMETER_VALUE", client.search_registered_models, order_by=bad)
    refused("INVALID_PARAMETER_VALUE", client.search_registered_models, page_token="nonsense")
    status, answer = raw("GET", "/api/2.0/mlflow/registered-models/search?max_results=1001")
    assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert "1001" in answer["message"]


@check
def search_versions(client):
    client.create_registered_model("sv")
    for n in range(1, 5):
        new_version(client, "sv", f"s3://bucket/sv/{n}", run_id=f"run{n}",
                    tags={"n": str(n), "even": "yes"} if n % 2 == 0 else {"n": str(n)})

    def found(text, **kw):
        return [int(v.version) for v in client.search_model_versions(text, **kw)]

    assert found("name = 'sv'") == [4, 3, 2, 1]
    assert found("name = 'sv'", order_by=["version_number"]) == [1, 2, 3, 4]
    assert found("name = 'sv'", order_by=["creation_timestamp DESC"]) == [4, 3, 2, 1]
    assert found("name LIKE 'sv' AND version_number >= 3") == [4, 3]
    assert found("name = 'sv' AND version_number < 2") == [1]
    assert found("name = 'sv' AND version_number != 2 AND version_number <= 3") == [3, 1]
    assert found("name = 'sv' AND version_number > 3") == [4]
    assert found("run_id = 'run2'") == [2]
    assert found("run_id IN ('run1', 'run3')") == [3, 1]
    assert found("name = 'sv' AND run_id NOT IN ('run1', 'run3')") == [4, 2]
    assert found("run_id LIKE 'run_'") == [4, 3, 2, 1]
    assert found("source_path LIKE 's3://%/sv/2'") == [2]
    assert found("source_path ILIKE 'S3://BUCKET/SV/_'") == [4, 3, 2, 1]
    assert found("source_path = 's3://bucket/sv/1'") == [1]
    assert found("tags.even = 'yes'") == [4, 2]
    assert found("name = 'sv' AND tags.even != 'yes'") == [], "only what has the tag is compared"
    assert found("tags.n ILIKE '3'") == [3]
    for bad in ("version_number = '1'", "version_number = 1.5", "version_number LIKE '1'",
                "source_path IN ('x')", "stage = 'Production'", "aliases = 'x'"):
        refused("INVALID_PARAMETER_VALUE", client.search_model_versions, bad)


@check
def paging(client):
    for n in range(7):
        client.create_registered_model(f"page-{n}")
    names, token = [], None
    while True:
        page = client.search_registered_models("name LIKE 'page-%'", max_results=2,
                                               page_token=token)
        names += [m.name for m in page]
        token = page.token
        if len(names) == 2:
            client.create_registered_model("page-00")  # Behind us: shifts nothing.
        if not token:
            break
    assert names == [f"page-{n}" for n in range(7)]
    client.create_registered_model("pv")
    for _ in range(5):
        new_version(client, "pv")
    seen, token = [], None
    while True:
        page = client.search_model_versions("name = 'pv'", max_results=2, page_token=token,
                                            order_by=["version_number DESC"])
        seen += [int(v.version) for v in page]
        token = page.token
        if not token:
            break
    assert seen == [5, 4, 3, 2, 1]


class Doubler(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return [2 * value for value in model_input["x"]]


@check
def loading(client):
    import pandas

    folder = FOLDER / "doubler"
    mlflow.pyfunc.save_model(str(folder), python_model=Doubler(),
                             pip_requirements=["mlflow-skinny"])
    repository = get_artifact_repository("mlflow-artifacts:/models/doubler")
    repository.log_artifacts(str(folder))
    for file in folder.rglob("*"):
        if file.is_file():
            path = file.relative_to(folder).as_posix()
            with urllib.request.urlopen(
                    f"{URL}/api/2.0/mlflow-artifacts/artifacts/models/doubler/{path}") as answer:
                assert answer.read() == file.read_bytes(), path
    listed = {f.path: f.is_dir for f in repository.list_artifacts()}
    assert listed["MLmodel"] is False
    client.create_registered_model("doubler")
    new_version(client, "doubler", "mlflow-artifacts:/models/doubler")
    new_version(client, "doubler", "mlflow-artifacts:/models/doubler")
    client.set_registered_model_alias("doubler", "champion", "1")
    client.transition_model_version_stage("doubler", "2", "Production")
    rows = pandas.DataFrame({"x": [1, 2]})
    for uri in ("models:/doubler/1", "models:/doubler@champion", "models:/doubler/Production",
                "models:/doubler/latest"):
        model = mlflow.pyfunc.load_model(uri)
        assert list(model.predict(rows)) == [2, 4], uri
    refused("RESOURCE_DOES_NOT_EXIST", mlflow.pyfunc.load_model, "models:/doubler/9")
    repository.delete_artifacts("MLmodel") if NEW else raw(
        "DELETE", "/api/2.0/mlflow-artifacts/artifacts/models/doubler/MLmodel")
    assert "MLmodel" not in {f.path for f in repository.list_artifacts()}


@check
def registering(client):
    # What people write: the model is made if it is not there, the version waited for.
    for want in ("1", "2"):
        made = mlflow.register_model("mlflow-artifacts:/models/doubler", "by-function")
        assert str(made.version) == want


@check
def tracking_is_elsewhere(client):
    message = refused("ENDPOINT_NOT_FOUND", client.create_experiment, "e")
    assert "mlflow.upstream" in message and "set_registry_uri" in message


def main():
    mlflow.set_tracking_uri(URL)
    mlflow.set_registry_uri(URL)
    client = MlflowClient()
    wanted = sys.argv[3:]
    for function in CHECKS:
        if wanted and function.__name__ not in wanted:
            continue
        function(client)
        print("ok", function.__name__, flush=True)


if __name__ == "__main__":
    main()
