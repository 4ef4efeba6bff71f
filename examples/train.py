"""Trains the example models on real data and writes everything that the demo serves.

Usage: train.py OUTPUT_DIRECTORY

For each route it writes two versions as ONNX with a signature beside each, and one file of
held-back rows with their true labels and what scikit-learn itself answered for them. The same
inputs give the same bytes: examples/check.sh proves it against the committed files.
"""

import os

# Before numpy is imported: with more threads, sums would be added in another order.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

SEED = 0
# Half of the rows: live accuracy on them should mean something.
HELD_BACK = 0.5
# Processors differ in the last bits of a dot product, so fitted parameters are rounded far above
# that noise. What is left is exact in float32: scikit-learn and ONNX Runtime use the same numbers.
REGRESSION_BITS = 14
NETWORK_STEP = 2.0**-16
MAX_MODEL_BYTES = 300 * 1024
INPUT_NAME = "features"
OPSETS = {"": 17, "ai.onnx.ml": 3}


def round_to_bits(values, bits):
    """Keeps `bits` significant binary digits of each value."""
    mantissa, exponent = np.frexp(values)
    scale = 2.0**bits
    return np.ldexp(np.round(mantissa * scale) / scale, exponent)


def round_to_step(values, step):
    """The nearest multiple of `step`; the sum turns -0.0, whose sign is noise, into 0.0."""
    return np.round(values / step) * step + 0.0


def shallow_tree(rows, labels):
    """Two questions about two numbers."""
    return DecisionTreeClassifier(max_depth=2, random_state=SEED).fit(rows, labels)


def full_tree(rows, labels):
    """One tree grown until every leaf is pure."""
    return DecisionTreeClassifier(random_state=SEED).fit(rows, labels)


def scaled_regression(rows, labels):
    """Logistic regression on standardised columns, scaler folded into the weights."""
    scaler = StandardScaler().fit(rows)
    # Newton's method ends at the optimum itself, not at a place near it that depends on rounding.
    model = LogisticRegression(solver="newton-cholesky", tol=1e-10, max_iter=100)
    model.fit(scaler.transform(rows), labels)
    coefficients = round_to_bits(model.coef_ / scaler.scale_, REGRESSION_BITS)
    offset = model.intercept_ - coefficients @ scaler.mean_
    model.coef_, model.intercept_ = coefficients, round_to_bits(offset, REGRESSION_BITS)
    return model


def pixel_network(rows, labels):
    """One hidden layer of 48 units; the division of pixels by 16 is folded into the weights."""
    model = MLPClassifier(
        hidden_layer_sizes=(48,),
        alpha=1e-2,
        learning_rate_init=0.01,
        max_iter=60,
        n_iter_no_change=60,
        random_state=SEED,
    )
    with warnings.catch_warnings():
        # The number of steps is fixed on purpose: a stop by tolerance could fall one step earlier
        # or later on another processor.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(rows / 16, labels)
    model.coefs_[0] /= 16
    # Steps, not digits: the weights of pixels that are never inked decay to pure noise.
    model.coefs_ = [round_to_step(weights, NETWORK_STEP) for weights in model.coefs_]
    model.intercepts_ = [round_to_step(offsets, NETWORK_STEP) for offsets in model.intercepts_]
    return model


# Version 3 of this route is version 2 with a mistake in it, for rollouts that must end badly.
BROKEN_ROUTE = "digits"
BROKEN_EVERY = 20

ROUTES = {
    "tumour": (load_breast_cancer, {"1": shallow_tree, "2": scaled_regression}),
    "digits": (load_digits, {"1": full_tree, "2": pixel_network}),
}


def export(model, name, column_count, class_count):
    """The ONNX bytes of a fitted classifier with outputs `label` and `probabilities`."""
    onnx_model = convert_sklearn(
        model,
        name=name,
        initial_types=[(INPUT_NAME, FloatTensorType([None, column_count]))],
        final_types=[
            ("label", Int64TensorType([None])),
            ("probabilities", FloatTensorType([None, class_count])),
        ],
        options={id(model): {"zipmap": False}},
        target_opset=OPSETS,
    )
    # The converter lists the operator sets in the order of a hash, another one on each run.
    operator_sets = sorted(onnx_model.opset_import, key=lambda entry: entry.domain)
    del onnx_model.opset_import[:]
    onnx_model.opset_import.extend(operator_sets)
    serialized = onnx_model.SerializeToString(deterministic=True)
    if len(serialized) > MAX_MODEL_BYTES:
        sys.exit(f"{name}: {len(serialized)} bytes, the limit is {MAX_MODEL_BYTES}")
    return serialized


def break_on_some_rows(serialized, name, every):
    """The same model, but it fails on a row whose values add up to a multiple of `every`, less one.

    An index into a table that is one entry too short: a mistake that loads, warms up and passes a
    look at a few rows, and that only traffic shows.
    """
    broken = onnx.load_model_from_string(serialized)
    graph = broken.graph
    graph.name = name
    for node in graph.node:
        for position, output in enumerate(node.output):
            if output == "label":
                node.output[position] = "label_before"
    constants = {
        "broken_columns": [1],
        "broken_every": [every],
        "broken_table": [0] * (every - 1),
    }
    for key, values in constants.items():
        tensor = onnx.helper.make_tensor(key, onnx.TensorProto.INT64, [len(values)], values)
        graph.initializer.append(tensor)
    graph.node.extend(
        [
            onnx.helper.make_node(
                "ReduceSum", [INPUT_NAME, "broken_columns"], ["broken_sum"], keepdims=0
            ),
            onnx.helper.make_node(
                "Cast", ["broken_sum"], ["broken_whole"], to=onnx.TensorProto.INT64
            ),
            onnx.helper.make_node("Mod", ["broken_whole", "broken_every"], ["broken_index"]),
            onnx.helper.make_node("Gather", ["broken_table", "broken_index"], ["broken_zero"]),
            onnx.helper.make_node("Add", ["label_before", "broken_zero"], ["label"]),
        ]
    )
    onnx.checker.check_model(broken, full_check=True)
    return broken.SerializeToString(deterministic=True)


def require_same_answers(name, serialized, model, rows):
    """Stops unless ONNX Runtime labels every row as scikit-learn does, alone and in a batch."""
    session = onnxruntime.InferenceSession(serialized, providers=["CPUExecutionProvider"])
    wanted = model.predict(rows)
    labels, probabilities = session.run(["label", "probabilities"], {INPUT_NAME: rows})
    alone = [session.run(["label"], {INPUT_NAME: row[None]})[0][0] for row in rows]
    for kind, seen in (("in one batch", labels), ("one by one", np.array(alone))):
        different = np.flatnonzero(seen != wanted)
        if different.size:
            sys.exit(f"{name}: ONNX labels differ from scikit-learn's {kind}, rows {different}")
    error = np.abs(probabilities - model.predict_proba(rows)).max()
    if error > 1e-4:
        sys.exit(f"{name}: probabilities are off by {error:.2g}")


def plain_number(value):
    """The shortest decimal that reads back as the same float32; whole numbers without a point."""
    number = float(str(value))
    if np.float32(number) != value:
        sys.exit(f"{value!r} does not survive being written as {number!r}")
    return int(number) if number.is_integer() else number


def write_json(path, document):
    """One member a line, and one line for each entry of `rows`, so that diffs can be read."""
    members = []
    for key, value in document.items():
        if key == "rows":
            lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in value)
            members.append(f'"rows": [\n{lines}\n]')
        else:
            members.append(f"{json.dumps(key)}: {json.dumps(value)}")
    path.write_text("{\n" + ",\n".join(members) + "\n}\n", encoding="utf-8")


def signature(columns, class_count):
    return {
        "inputs": [{"name": INPUT_NAME, "datatype": "FP32", "shape": [-1, len(columns)]}],
        "outputs": [
            {"name": "label", "datatype": "INT64", "shape": [-1]},
            {"name": "probabilities", "datatype": "FP32", "shape": [-1, class_count]},
        ],
        "columns": columns,
    }


def write_broken(route, serialized, rows, directory):
    name = f"{route}-v3"
    broken = break_on_some_rows(serialized, name, BROKEN_EVERY)
    (directory / f"{name}.onnx").write_bytes(broken)
    signature_file = directory / f"{route}-v2.signature.json"
    (directory / f"{name}.signature.json").write_bytes(signature_file.read_bytes())
    failing = rows.sum(axis=1).astype(np.int64) % BROKEN_EVERY == BROKEN_EVERY - 1
    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = 4  # What fails here fails on purpose.
    session = onnxruntime.InferenceSession(broken, quiet, providers=["CPUExecutionProvider"])
    session.run(None, {INPUT_NAME: rows[~failing]})  # All others are answered.
    for row in rows[failing]:
        try:
            session.run(None, {INPUT_NAME: row[None]})
        except Exception:
            continue
        sys.exit(f"{name}: a row that should fail was answered")
    print(f"{name}: {len(broken)} bytes, fails on {failing.sum()} of {len(rows)} rows")


def build_route(route, load, trainers, directory):
    data = load()
    columns = [str(name) for name in data.feature_names]
    label_names = [str(name) for name in data.target_names]
    # Served rows are float32, so training and the reference predictions see float32 as well.
    train_rows, rows, train_labels, labels = train_test_split(
        data.data.astype(np.float32),
        data.target,
        test_size=HELD_BACK,
        random_state=SEED,
        stratify=data.target,
    )
    predictions, metrics = {}, {}
    for version, train in trainers.items():
        name = f"{route}-v{version}"
        model = train(train_rows.astype(np.float64), train_labels)
        serialized = export(model, name, len(columns), len(label_names))
        require_same_answers(name, serialized, model, rows)
        (directory / f"{name}.onnx").write_bytes(serialized)
        write_json(directory / f"{name}.signature.json", signature(columns, len(label_names)))
        predictions[version] = [int(label) for label in model.predict(rows)]
        accuracy = round(float(np.mean(predictions[version] == labels)), 6)
        metrics[version] = {"accuracy": accuracy}
        print(f"{name}: {len(serialized)} bytes, accuracy {accuracy:.4f} on {len(rows)} rows")
    if route == BROKEN_ROUTE:
        write_broken(route, serialized, rows, directory)
    if metrics["2"]["accuracy"] <= metrics["1"]["accuracy"]:
        sys.exit(f"{route}: version 2 is not better than version 1 on the held-back rows")
    write_json(
        directory / f"{route}.rows.json",
        {
            "route": route,
            "columns": columns,
            "label_names": label_names,
            "metrics": metrics,
            "labels": [int(label) for label in labels],
            "predictions": predictions,
            "rows": [[plain_number(value) for value in row] for row in rows],
        },
    )


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: train.py OUTPUT_DIRECTORY")
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    for route, (load, trainers) in ROUTES.items():
        build_route(route, load, trainers, directory)


if __name__ == "__main__":
    main()
