"""Writes the tiny hand-made models of the tests: one property each, no training.

Usage: make_test_models.py OUTPUT_DIRECTORY

The same bytes on every run; examples/check.sh compares them with tests/data/models. What each
file is for is told in tests/data/README.md.
"""

import sys
from pathlib import Path

from onnx import TensorProto, checker, helper, load_model_from_string

# Not the newest: every ONNX Runtime that Podium may meet loads these.
IR_VERSION = 8
OPSET = 17

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
# ONNX element types by the datatype names of the Open Inference Protocol.
PASS_THROUGH_TYPES = {
    "bool": TensorProto.BOOL,
    "int8": TensorProto.INT8,
    "int16": TensorProto.INT16,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "uint8": TensorProto.UINT8,
    "uint16": TensorProto.UINT16,
    "uint32": TensorProto.UINT32,
    "uint64": TensorProto.UINT64,
    "fp32": TensorProto.FLOAT,
    "fp64": TensorProto.DOUBLE,
    "bytes": TensorProto.STRING,
}
# Apart from the others: these have no form in the JSON of that protocol's requests.
HALF_TYPES = {"fp16": TensorProto.FLOAT16, "bf16": TensorProto.BFLOAT16}


def tensor(name, element_type, shape):
    """A graph input or output; a dimension given by name is open."""
    return helper.make_tensor_value_info(name, element_type, shape)


def integers(name, values):
    return helper.make_tensor(name, INT64, [len(values)], values)


def number(name, element_type, value):
    return helper.make_tensor(name, element_type, [], [value])


def model(name, nodes, inputs, outputs, constants=()):
    graph = helper.make_graph(nodes, name, inputs, outputs, initializer=list(constants))
    result = helper.make_model(
        graph,
        producer_name="podium-tests",
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    checker.check_model(result, full_check=True)
    return result.SerializeToString(deterministic=True)


def identity_fp32():
    return model(
        "identity_fp32",
        [helper.make_node("Identity", ["x"], ["y"])],
        [tensor("x", FLOAT, ["rows", "columns"])],
        [tensor("y", FLOAT, ["rows", "columns"])],
    )


def two_outputs():
    """`sum` of the two columns and `label`, the index of the greater one."""
    return model(
        "two_outputs",
        [
            helper.make_node("ReduceSum", ["x", "axes"], ["sum"], keepdims=1),
            helper.make_node("ArgMax", ["x"], ["label"], axis=1, keepdims=0),
        ],
        [tensor("x", FLOAT, ["rows", 2])],
        [tensor("sum", FLOAT, ["rows", 1]), tensor("label", INT64, ["rows"])],
        [integers("axes", [1])],
    )


def constant(name, value):
    """Answers `value` for every row, whatever the row holds."""
    filler = helper.make_tensor("value", FLOAT, [1], [value])
    return model(
        name,
        [
            helper.make_node("Shape", ["x"], ["shape"]),
            helper.make_node("ConstantOfShape", ["shape"], ["version"], value=filler),
        ],
        [tensor("x", FLOAT, ["rows", 1])],
        [tensor("version", FLOAT, ["rows", 1])],
    )


def pass_through(name, types):
    """Each input comes back unchanged as `<input>_out`."""
    return model(
        name,
        [helper.make_node("Identity", [key], [f"{key}_out"]) for key in types],
        [tensor(key, kind, ["rows", 1]) for key, kind in types.items()],
        [tensor(f"{key}_out", kind, ["rows", 1]) for key, kind in types.items()],
    )


def slow():
    """Answers x after max(x) rounds of work, each a product of two 256 x 256 matrices.

    Each round moves the rows of a permutation matrix by one place. Its mean times its size stays
    exactly 1, so the answer is x, yet no optimiser can leave the rounds out. Rounds are clipped to
    0..100000: a wrong number makes a slow test, not an endless one.
    """
    size = 256
    body = helper.make_graph(
        [
            helper.make_node("MatMul", ["turned", "shift"], ["turned_next"]),
            helper.make_node("Identity", ["go_on"], ["go_on_next"]),
        ],
        "round",
        [
            tensor("index", INT64, []),
            tensor("go_on", TensorProto.BOOL, []),
            tensor("turned", FLOAT, [size, size]),
        ],
        [tensor("go_on_next", TensorProto.BOOL, []), tensor("turned_next", FLOAT, [size, size])],
    )
    return model(
        "slow",
        [
            # How many rounds: the greatest entry of x, made safe.
            helper.make_node("ReduceMax", ["x"], ["greatest"], keepdims=0),
            helper.make_node("Clip", ["greatest", "least_rounds", "most_rounds"], ["clipped"]),
            helper.make_node("Cast", ["clipped"], ["rounds"], to=INT64),
            # The unit matrix, and the same with its last row moved to the top.
            helper.make_node("ConstantOfShape", ["square"], ["zeros"]),
            helper.make_node("EyeLike", ["zeros"], ["unit"], dtype=FLOAT),
            helper.make_node("Split", ["unit", "top_and_last"], ["top", "last"], axis=0),
            helper.make_node("Concat", ["last", "top"], ["shift"], axis=0),
            helper.make_node("Loop", ["rounds", "yes", "unit"], ["turned_out"], body=body),
            helper.make_node("ReduceMean", ["turned_out"], ["mean"], keepdims=0),
            helper.make_node("Mul", ["mean", "size"], ["one"]),
            helper.make_node("Mul", ["x", "one"], ["y"]),
        ],
        [tensor("x", FLOAT, ["rows", 1])],
        [tensor("y", FLOAT, ["rows", 1])],
        [
            number("least_rounds", FLOAT, 0.0),
            number("most_rounds", FLOAT, 100000.0),
            number("size", FLOAT, float(size)),
            number("yes", TensorProto.BOOL, True),
            integers("square", [size, size]),
            integers("top_and_last", [size - 1, 1]),
        ],
    )


def slow_on_zeros():
    """`slow` with 100000 - x rounds: the warm-up never comes to its end."""
    slow_model = load_model_from_string(slow())
    graph = slow_model.graph
    graph.name = "slow_on_zeros"
    cast = next(node for node in graph.node if node.op_type == "Cast")
    cast.input[0] = "left"
    left = helper.make_node("Sub", ["most_rounds", "clipped"], ["left"])
    graph.node.insert(list(graph.node).index(cast), left)
    checker.check_model(slow_model, full_check=True)
    return slow_model.SerializeToString(deterministic=True)


def hungry(name, *, on_zeros):
    """Answers x after it has held a million floats for each unit of max(x), or 2 ** 40 if on_zeros."""
    wanted = [
        helper.make_node("ReduceMax", ["x"], ["greatest"], keepdims=1),
        helper.make_node("Reshape", ["greatest", "flat"], ["units"]),
        helper.make_node("Mul", ["units", "million"], ["floats"]),
    ]
    if on_zeros:
        wanted.append(helper.make_node("Sub", ["too_many", "floats"], ["floats_held"]))
    return model(
        name,
        [
            *wanted,
            helper.make_node("Cast", ["floats_held" if on_zeros else "floats"], ["size"], to=INT64),
            helper.make_node("ConstantOfShape", ["size"], ["held"]),
            helper.make_node("ReduceSum", ["held"], ["nothing"], keepdims=0),
            helper.make_node("Add", ["x", "nothing"], ["y"]),
        ],
        [tensor("x", FLOAT, ["rows", 1])],
        [tensor("y", FLOAT, ["rows", 1])],
        [
            integers("flat", [1]),
            number("million", FLOAT, 1e6),
            *([number("too_many", FLOAT, float(2**40))] if on_zeros else []),
        ],
    )


def ratio():
    """x / x: 1, and NaN for 0."""
    return model(
        "ratio",
        [helper.make_node("Div", ["x", "x"], ["y"])],
        [tensor("x", FLOAT, ["rows", 1])],
        [tensor("y", FLOAT, ["rows", 1])],
    )


def fixed_batch():
    """Takes exactly one row and doubles it."""
    return model(
        "fixed_batch",
        [helper.make_node("Add", ["x", "x"], ["y"])],
        [tensor("x", FLOAT, [1, 2])],
        [tensor("y", FLOAT, [1, 2])],
    )


def lookup(name, offset):
    """Looks x + offset up in a table of three: outside -3..2 the run itself fails."""
    return model(
        name,
        [
            helper.make_node("Cast", ["x"], ["whole"], to=INT64),
            helper.make_node("Add", ["whole", "offset"], ["place"]),
            helper.make_node("Gather", ["table", "place"], ["y"]),
        ],
        [tensor("x", FLOAT, ["rows", 1])],
        [tensor("y", FLOAT, ["rows", 1])],
        [
            integers("offset", [offset]),
            helper.make_tensor("table", FLOAT, [3], [10.0, 20.0, 30.0]),
        ],
    )


def all_models():
    whole = two_outputs()
    return {
        "identity_fp32": identity_fp32(),
        "two_outputs": whole,
        "constant_one": constant("constant_one", 1.0),
        "constant_two": constant("constant_two", 2.0),
        "multi_input": pass_through(
            "multi_input", {"a": FLOAT, "b": INT64, "s": TensorProto.STRING}
        ),
        "all_types": pass_through("all_types", PASS_THROUGH_TYPES),
        "half_types": pass_through("half_types", HALF_TYPES),
        "slow": slow(),
        "slow_on_zeros": slow_on_zeros(),
        "hungry": hungry("hungry", on_zeros=False),
        "hungry_on_zeros": hungry("hungry_on_zeros", on_zeros=True),
        "ratio": ratio(),
        "fixed_batch": fixed_batch(),
        "fails_above_two": lookup("fails_above_two", 0),
        "fails_on_zeros": lookup("fails_on_zeros", -5),
        "corrupt": whole[: len(whole) // 2],
        "not_a_model": b"This is a text file. It only bears the name of a model.\n",
    }


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: make_test_models.py OUTPUT_DIRECTORY")
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in all_models().items():
        (directory / f"{name}.onnx").write_bytes(content)


if __name__ == "__main__":
    main()
