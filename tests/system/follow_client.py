"""MLflow's own client as a process that does what it is told. Run by followed_route.py:

    python follow_client.py URL FOLDER

Reads one JSON object a line, {"call": NAME, "args": [...], "kwargs": {...}}: a method of
MlflowClient, or one of the functions below. Answers each with a line: {"result": ...} or
{"error": CODE, "message": TEXT}. FOLDER takes files.
"""

import json
import pathlib
import shutil
import sys

import mlflow
import numpy
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.models.signature import ModelSignature
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.types.schema import Schema, TensorSpec

URL = sys.argv[1]
FOLDER = pathlib.Path(sys.argv[2])


def tensors(declared):
    return Schema([TensorSpec(numpy.dtype(kind), tuple(shape), name)
                   for name, kind, shape in declared])


def log_onnx(name, model_file, inputs=None, outputs=None):
    """Puts a model where mlflow.onnx.log_model would; gives its URI."""
    folder = FOLDER / name
    folder.mkdir(parents=True)
    shutil.copy(model_file, folder / "model.onnx")
    model = Model(artifact_path=name)
    model.add_flavor("onnx", onnx_version="1.17.0", data="model.onnx",
                     providers=["CPUExecutionProvider"], code=None)
    model.add_flavor("python_function", loader_module="mlflow.onnx", data="model.onnx")
    if inputs:
        model.signature = ModelSignature(inputs=tensors(inputs),
                                         outputs=tensors(outputs) if outputs else None)
    model.save(str(folder / "MLmodel"))
    uri = f"mlflow-artifacts:/models/{name}"
    get_artifact_repository(uri).log_artifacts(str(folder))
    return uri


FUNCTIONS = {"log_onnx": log_onnx}


def plain(value):
    """What the caller has to know of MLflow's objects."""
    if value is None or isinstance(value, (str, int, float, bool, dict)):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return {name: plain(getattr(value, name)) for name in ("name", "version", "current_stage")
            if hasattr(value, name)}


def main():
    mlflow.set_tracking_uri(URL)
    mlflow.set_registry_uri(URL)
    client = MlflowClient()
    for line in sys.stdin:
        asked = json.loads(line)
        function = FUNCTIONS.get(asked["call"]) or getattr(client, asked["call"])
        try:
            answer = {"result": plain(function(*asked["args"], **asked["kwargs"]))}
        except MlflowException as error:
            answer = {"error": error.error_code, "message": str(error)}
        print("answer " + json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
