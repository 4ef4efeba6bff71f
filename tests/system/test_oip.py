"""The Open Inference Protocol v2 over REST: the real tritonclient calls every endpoint with every
datatype, and bodies written by the byte show what is refused and how."""

import gzip
import json
import struct
import zlib

import ml_dtypes
import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException, serialize_byte_tensor

from conftest import MODELS, wait_until

# What each datatype carries at its edges, as a column of three rows.
COLUMNS = {
    "BOOL": np.array([True, False, True]),
    "UINT8": np.array([0, 1, 255], np.uint8),
    "UINT16": np.array([0, 1, 65535], np.uint16),
    "UINT32": np.array([0, 1, 2**32 - 1], np.uint32),
    "UINT64": np.array([0, 2**53 + 1, 2**64 - 1], np.uint64),
    "INT8": np.array([-128, 0, 127], np.int8),
    "INT16": np.array([-32768, 0, 32767], np.int16),
    "INT32": np.array([-(2**31), 0, 2**31 - 1], np.int32),
    "INT64": np.array([-(2**63), 2**53 + 1, 2**63 - 1], np.int64),
    "FP32": np.array([-1.5, 3.4028235e38, 1e-45], np.float32),
    "FP64": np.array([-1.5, 1.7976931348623157e308, 5e-324], np.float64),
    "BYTES": np.array([b"", "grün".encode(), b"a\x00b"], np.object_),
}


@pytest.fixture
def client_of():
    """client_of(server) -> a tritonclient for it."""
    made = []

    def connect(server, **kw):
        made.append(triton.InferenceServerClient(server.addr, **kw))
        return made[-1]
    yield connect
    for client in made:
        client.close()


@pytest.fixture
def identity(server, register):
    """A server whose route `m` answers y = x, FP32 [-1, -1]."""
    register(server, "m", MODELS / "identity_fp32.onnx", "1.0", activate=True)
    return server


def column(name, datatype, values, binary=True):
    sent = triton.InferInput(name, [len(values), 1], datatype)
    return sent.set_data_from_numpy(values.reshape(-1, 1), binary_data=binary)


def table(rows, binary=True, name="x"):
    values = np.array(rows, np.float32)
    return triton.InferInput(name, list(values.shape), "FP32").set_data_from_numpy(values, binary)


def infer(server, body, path="/v2/models/m/infer", **headers):
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return server.request("POST", path, sent,
                          {k.replace("_", "-"): str(v) for k, v in headers.items()})


def failed(answer, status, *words):
    """The answer is the protocol's error and nothing else; its text holds the words."""
    assert answer.status == status, answer
    assert answer.headers["content-type"] == "application/json", answer.headers
    assert list(answer.json) == ["error"], answer
    for word in words:
        assert word in answer.json["error"], answer
    return answer


def one(data=(1.0,), shape=(1, 1), datatype="FP32", **more):
    return {"inputs": [{"name": "x", "shape": list(shape), "datatype": datatype,
                        "data": list(data)}], **more}


# ---- What the client asks before it infers.

def test_health_metadata_and_lists(server, register, client_of):
    client = client_of(server)
    assert client.is_server_live()
    wait_until(client.is_server_ready, what="ready")
    assert server.get("/readyz").status == 200
    metadata = client.get_server_metadata()
    assert metadata["name"] == "podium" and "binary_tensor_data" in metadata["extensions"]
    assert not client.is_model_ready("m")

    register(server, "m", MODELS / "two_outputs.onnx", "1.0", activate=True)
    register(server, "m", MODELS / "two_outputs.onnx", "2.0")
    broken = register(server, "broken", MODELS / "fails_on_zeros.onnx", "7", wait=False)
    wait_until(lambda: server.get(f"/api/v1/versions/{broken['model_id']}").json["load_state"]
               == "failed", what="the failed load")
    assert client.is_model_ready("m") and client.is_model_ready("m", "1.0")
    assert client.is_model_ready("m", "2.0")
    assert not client.is_model_ready("m", "3.0") and not client.is_model_ready("broken")
    for version in ("", "2.0"):
        metadata = client.get_model_metadata("m", version)
        assert metadata["name"] == "m" and sorted(metadata["versions"]) == ["1.0", "2.0"]
        assert metadata["platform"] == "onnxruntime_onnx"
        assert metadata["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 2]}]
        assert metadata["outputs"] == [{"name": "sum", "datatype": "FP32", "shape": [-1, 1]},
                                       {"name": "label", "datatype": "INT64", "shape": [-1]}]
    assert server.get("/v2/models").json == {"models": ["broken", "m"]}

    def states():
        return {(r["name"], r["version"]): r for r in client.get_model_repository_index()}
    seen = wait_until(lambda: states() if states()[("broken", "7")]["state"] == "UNAVAILABLE"
                      else None, what="the state of the broken one")
    assert "warm-up" in seen[("broken", "7")]["reason"]
    assert seen[("m", "1.0")]["state"] == seen[("m", "2.0")]["state"] == "READY"
    only = server.request("POST", "/v2/repository/index", b'{"ready": true}').json
    assert {row["name"] for row in only} == {"m"}
    failed(server.get("/v2/models/broken/versions/7"), 409, "not ready")
    failed(server.get("/v2/models/broken/versions/7/ready"), 503, "not ready")
    failed(server.get("/v2/models/broken"), 503)


def test_a_stranger_learns_no_file_names(make_server, register):
    server = make_server(token="a-token-of-twenty-letters")
    broken = register(server, "broken", MODELS / "fails_on_zeros.onnx", "7", wait=False)
    wait_until(lambda: server.get(f"/api/v1/versions/{broken['model_id']}").json["load_state"]
               == "failed", what="the failed load")

    def reason():
        rows = server.request("POST", "/v2/repository/index", b"").json
        return rows[0].get("reason")
    assert "warm-up" in wait_until(reason, what="the reason")
    server.headers = {}
    assert reason() == "failed"


def test_models_are_not_loaded_by_call(identity, client_of):
    client = client_of(identity)
    for call in (client.load_model, client.unload_model):
        with pytest.raises(InferenceServerException, match="table decides"):
            call("m")
    assert client.is_model_ready("m")


# ---- Inference by the real client.

@pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
def test_every_datatype_comes_back_as_it_was_sent(server, register, client_of, binary):
    register(server, "all", MODELS / "all_types.onnx", "1", activate=True)
    inputs = [column(t.lower(), t, values, binary) for t, values in COLUMNS.items()]
    outputs = [triton.InferRequestedOutput(f"{t.lower()}_out", binary_data=binary)
               for t in COLUMNS]
    answer = client_of(server).infer("all", inputs, outputs=outputs, request_id="r-1")
    for datatype, values in COLUMNS.items():
        got = answer.as_numpy(f"{datatype.lower()}_out")
        assert got.shape == (3, 1), datatype
        described = answer.get_output(f"{datatype.lower()}_out")
        assert described["datatype"] == datatype
        assert ("data" in described) == (not binary)
        if datatype == "BYTES":
            texts = [v if isinstance(v, bytes) else v.encode() for v in got.ravel()]
            assert texts == list(values)
        else:
            assert got.dtype == values.dtype and got.tobytes() == values.tobytes(), datatype
    response = answer.get_response()
    assert (response["model_name"], response["model_version"], response["id"]) == \
        ("all", "1", "r-1")


def test_half_precision_travels_as_bytes(server, register, client_of):
    register(server, "half", MODELS / "half_types.onnx", "1", activate=True)
    half = np.array([1.5, -65504.0, np.inf], np.float16)
    brain = np.array([1.5, -3.0e38, 1e-30], ml_dtypes.bfloat16)
    inputs = [column("fp16", "FP16", half), column("bf16", "BF16", brain)]
    answer = client_of(server).infer("half", inputs)
    assert answer.as_numpy("fp16_out").tobytes() == half.tobytes()
    assert answer.as_numpy("bf16_out").tobytes() == brain.tobytes()

    sent = {"inputs": [{"name": n, "shape": [1, 1], "datatype": n.upper(), "data": [1.0]}
                       for n in ("fp16", "bf16")]}
    failed(infer(server, sent, "/v2/models/half/infer"), 400, "FP16", "binary")
    # An answer in JSON is exact: every half is a decimal number.
    body = json.dumps({"inputs": [
        {"name": n, "shape": [1, 1], "datatype": n.upper(), "parameters": {"binary_data_size": 2}}
        for n in ("fp16", "bf16")]}).encode()
    answer = infer(server, body + b"\x00\x3e" + b"\xc0\x3f", "/v2/models/half/infer",
                   Inference_Header_Content_Length=len(body))
    assert [o["data"] for o in answer.json["outputs"]] == [[1.5], [1.5]]


def test_outputs_are_selected_and_ordered(server, register, client_of):
    register(server, "m", MODELS / "two_outputs.onnx", "1", activate=True)
    client = client_of(server)
    sent = [table([[1, 2], [5, 3], [0, 0]])]
    every = client.infer("m", sent)
    assert [o["name"] for o in every.get_response()["outputs"]] == ["sum", "label"]
    assert every.as_numpy("sum").ravel().tolist() == [3, 8, 0]
    assert every.as_numpy("label").tolist() == [1, 0, 0]
    # One as bytes, the other as JSON, the other way round.
    mixed = client.infer("m", sent, outputs=[
        triton.InferRequestedOutput("label", binary_data=False),
        triton.InferRequestedOutput("sum", binary_data=True)])
    assert [o["name"] for o in mixed.get_response()["outputs"]] == ["label", "sum"]
    assert mixed.get_output("label")["data"] == [1, 0, 0]
    assert mixed.as_numpy("sum").ravel().tolist() == [3, 8, 0]
    with pytest.raises(InferenceServerException, match='no output "total"'):
        client.infer("m", sent, outputs=[triton.InferRequestedOutput("total")])
    # What is said of one output wins over what is said of all.
    answer = infer(server, one((1, 2), (1, 2), parameters={"binary_data_output": True},
                               outputs=[{"name": "label", "parameters": {"binary_data": False}}]))
    assert answer.json["outputs"] == [
        {"name": "label", "datatype": "INT64", "shape": [1], "data": [1]}]


def test_inputs_may_come_in_any_order_and_mixed(server, register, client_of):
    register(server, "m", MODELS / "multi_input.onnx", "1", activate=True)
    answer = client_of(server).infer("m", [
        column("s", "BYTES", np.array([b"u", b"v"], np.object_), binary=True),
        column("b", "INT64", np.array([2**62, -1], np.int64), binary=False),
        column("a", "FP32", np.array([0.5, 2], np.float32), binary=True)])
    assert answer.as_numpy("a_out").ravel().tolist() == [0.5, 2]
    assert answer.as_numpy("b_out").ravel().tolist() == [2**62, -1]
    assert answer.as_numpy("s_out").ravel().tolist() == [b"u", b"v"]


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_compressed_request_is_read(identity, client_of, coding):
    rows = np.arange(2000, dtype=np.float32).reshape(-1, 2).tolist()
    for binary in (True, False):
        answer = client_of(identity).infer("m", [table(rows, binary)],
                                           request_compression_algorithm=coding,
                                           response_compression_algorithm=coding)
        assert answer.as_numpy("y").tolist() == rows


def test_many_at_once(identity, client_of):
    client = client_of(identity, concurrency=8)
    waiting = [client.async_infer("m", [table([[i, i + 1]])], request_id=str(i))
               for i in range(64)]
    for i, each in enumerate(waiting):
        answer = each.get_result()
        assert answer.as_numpy("y").tolist() == [[i, i + 1]]
        assert answer.get_response()["id"] == str(i)


def test_the_clients_errors_say_what_is_wrong(identity, client_of):
    client = client_of(identity)
    for call, word in (
            (lambda: client.infer("unknown", [table([[1]])]), "unknown"),
            (lambda: client.infer("m", [table([[1]])], model_version="9"), "9"),
            (lambda: client.infer("m", [table([[1]], name="z")]), '"x" is missing'),
            (lambda: client.infer("m", [table([[1]]), table([[1]], name="z")]), '"z"'),
            (lambda: client.infer("m", [column("x", "INT64", np.array([1]))]), "FP32"),
            (lambda: client.infer("m", [table([[[1.0]]])]), "[1, 1, 1]"),
            (lambda: client.get_model_metadata("unknown"), "unknown")):
        with pytest.raises(InferenceServerException, match=".") as error:
            call()
        assert word in str(error.value)


def test_a_failing_model_is_500_and_counts_against_it(server, register):
    register(server, "m", MODELS / "fails_above_two.onnx", "1", activate=True)
    assert infer(server, one((2,))).json["outputs"][0]["data"] == [30]
    failed(infer(server, one((5,))), 500)


# ---- The table decides, the path may override.

def test_the_path_names_a_version(make_server, register, client_of):
    server = make_server(token="a-token-of-twenty-letters")
    register(server, "m", MODELS / "constant_one.onnx", "v1", activate=True)
    second = register(server, "m", MODELS / "constant_two.onnx", "v2")
    slow = register(server, "m", MODELS / "fails_on_zeros.onnx", "v3", wait=False)
    wait_until(lambda: server.get(f"/api/v1/versions/{slow['model_id']}").json["load_state"]
               == "failed", what="the failed load")
    path = "/v2/models/m/versions/{}/infer"
    answer = infer(server, one(), path.format("v2"))
    assert answer.json["model_version"] == "v2" and answer.json["outputs"][0]["data"] == [2]
    assert answer.headers["x-podium-reason"] == "override"
    assert infer(server, one(), path.format(second["model_id"])).json["model_version"] == "v2"
    failed(infer(server, one(), path.format("v9")), 404)
    failed(infer(server, one(), path.format("v3")), 409, "not ready")
    failed(infer(server, one(), path.format("v2"), X_Podium_Model_Version="v1"), 400, "v1", "v2")
    server.headers = {}
    failed(infer(server, one(), path.format("v2")), 403)
    answer = infer(server, one())
    assert answer.json["model_version"] == "v1"
    assert answer.headers["x-podium-reason"] == "primary"
    assert client_of(server).is_model_ready("m", "v2")


def test_ids_route_and_are_echoed(identity):
    by_header = infer(identity, one(), X_Session_Id="alice").headers["x-podium-bucket"]
    by_body = infer(identity, one(parameters={"session_id": "alice"}))
    assert by_body.headers["x-podium-bucket"] == by_header
    answer = infer(identity, one(id="order-7"))
    assert answer.json["id"] == "order-7" and answer.headers["x-request-id"] == "order-7"
    other = infer(identity, one(id="order-7"), X_Request_Id="outer")
    assert other.json["id"] == "order-7" and other.headers["x-request-id"] == "outer"
    assert "id" not in infer(identity, one()).json
    for name in ("route", "model", "version", "canary", "reason", "generation", "bucket",
                 "attempts", "overhead-us"):
        assert f"x-podium-{name}" in answer.headers, answer.headers
    assert answer.headers["x-podium-route"] == "m"


def test_a_canary_moves_this_protocol_too(identity, register):
    row = register(identity, "m", MODELS / "identity_fp32.onnx", "2.0")
    moved = identity.put("/api/v1/routes/m/canary", {"model_id": row["model_id"],
                                                     "traffic_pct": 100})
    assert moved.status == 200, moved
    answer = infer(identity, one())
    assert answer.json["model_version"] == "2.0"
    assert answer.headers["x-podium-canary"] == "true"


# ---- Bodies written by the byte.

REFUSED = {
    "nothing": (b"", "empty"),
    "no json": (b"{", "malformed"),
    "a list": (b"[]", "object"),
    "no inputs": (b"{}", "inputs"),
    "inputs twice": (b'{"inputs": [], "inputs": []}', "twice"),
    "name twice": (b'{"inputs": [{"name": "x", "name": "x", "shape": [1, 1], "datatype": "FP32",'
                   b' "data": [1]}]}', "twice"),
    "no shape": (b'{"inputs": [{"name": "x", "datatype": "FP32", "data": [1]}]}', "shape"),
    "too few": (one((1,), (2, 1)), "2 elements are wanted, 1"),
    "too many": (one((1, 2, 3), (2, 1)), "more than 2"),
    "negative": (one((), (-1, 1)), "at least 1"),
    "zero": (one((), (0, 1)), "at least 1"),
    "overflow": (one((1,), (2**32, 2**32)), "counted"),
    "overflow to 0": (one((1,), (2**33, 2**31)), "counted"),
    "beyond 64 bits": (one((1,), (2**63, 1)), "at least 1"),
    "huge but countable": (one((1,), (2**31, 2**31)), "more than the body can hold"),
    "fraction": (one((1,), (1.5, 1)), "whole number"),
    "rank": (one((1,), (1,) * 33), "33 dimensions"),
    "ragged": (one(([1, 2], [3]), (2, 2)), "level 1"),
    "nested otherwise": (one(([1, 2, 3, 4],), (2, 2)), "level 1"),
    "text": (one(("1",)), '"1"'),
    "null": (one((None,)), "null"),
    "too large a number": (one((1e39,)), "FP32"),
    "unknown datatype": (one(datatype="FP8"), "FP8"),
    "wrong datatype": (one(datatype="FP64"), "FP32"),
    "id no text": (one(id=7), '"id"'),
    "id too long": (one(id="i" * 257), "id"),
    "same input twice": ({"inputs": one()["inputs"] * 2}, "twice"),
    "same output twice": (one(outputs=[{"name": "y"}] * 2), "twice"),
    "binary without header": ({"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32",
                                           "parameters": {"binary_data_size": 4}}]},
                              "Inference-Header-Content-Length"),
    "no data": ({"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32"}]}, "neither"),
}


def test_malformed_bodies_are_refused_by_name(identity):
    with identity.line() as line:
        for name, (body, word) in REFUSED.items():
            sent = body if isinstance(body, bytes) else json.dumps(body).encode()
            answer = line.request("POST", "/v2/models/m/infer", sent)
            assert answer.status == 400 and list(answer.json) == ["error"], (name, answer)
            assert word in answer.json["error"], (name, answer)
        assert line.request("POST", "/v2/models/m/infer", one()).status == 200


def binary(size, data, header=None, shape=(1, 2)):
    body = json.dumps({"inputs": [{"name": "x", "shape": list(shape), "datatype": "FP32",
                                   "parameters": {"binary_data_size": size}}]}).encode()
    return body + data, {"Inference-Header-Content-Length":
                         str(len(body) if header is None else header(len(body)))}


@pytest.mark.parametrize("sent, word", [
    (binary(8, b"\0" * 7), "7 bytes of the body are left"),
    (binary(8, b"\0" * 9), "1 bytes of the body belong to no input"),
    (binary(7, b"\0" * 7), "7 bytes"),
    (binary(4, b"\0" * 4), "4 bytes"),
    (binary(2**63, b"\0" * 8), "bytes of the body are left"),
    (binary(-1, b"\0" * 8), "-1"),
    (binary("8", b"\0" * 8), "binary_data_size"),
    (binary(8, b"\0" * 8, lambda n: n + 9), "the body has"),
    (binary(8, b"\0" * 8, lambda n: n - 1), "malformed"),
    (binary(8, b"\0" * 8, lambda n: -1), "-1"),
    (binary(8, b"\0" * 8, lambda n: 2**70), "number of bytes"),
    (binary(8, b"\0" * 8, lambda n: f"{n} "[:-1] + "x"), "number of bytes"),
    (binary(8, b"\0" * 8, shape=(2**61, 4)), "counted"),
    (binary(8, b"\0" * 8, shape=(2**30, 2**30)), "8 bytes"),
])
def test_sizes_that_lie_are_refused(identity, sent, word):
    body, headers = sent
    failed(identity.request("POST", "/v2/models/m/infer", body, headers), 400, word)


def test_lengths_of_strings_that_lie_are_refused(server, register):
    register(server, "m", MODELS / "multi_input.onnx", "1", activate=True)

    def ask(data, rows=1):
        body = json.dumps({"inputs": [
            {"name": "a", "shape": [rows, 1], "datatype": "FP32", "data": [1] * rows},
            {"name": "b", "shape": [rows, 1], "datatype": "INT64", "data": [1] * rows},
            {"name": "s", "shape": [rows, 1], "datatype": "BYTES",
             "parameters": {"binary_data_size": len(data)}}]}).encode()
        return infer(server, body + data, Inference_Header_Content_Length=len(body))
    whole = serialize_byte_tensor(np.array([b"one", b"two"], np.object_)).item()
    assert ask(whole, 2).json["outputs"][2]["data"] == ["one", "two"]
    failed(ask(whole, 1), 400, "and more")
    failed(ask(whole, 3), 400, "hold 2")
    failed(ask(whole[:-1], 2), 400, "beyond")
    failed(ask(b"\1\0\0", 1), 400, "beyond")
    failed(ask(struct.pack("<I", 2**32 - 1), 1), 400, "beyond")


def test_a_raw_request_is_only_the_tensor(identity, register):
    register(identity, "two", MODELS / "two_outputs.onnx", "1", activate=True)
    register(identity, "many", MODELS / "multi_input.onnx", "1", activate=True)

    def raw(route, data):
        return infer(identity, data, f"/v2/models/{route}/infer",
                     Inference_Header_Content_Length=0)
    answer = raw("two", struct.pack("<4f", 1, 2, 3, 4))  # One open dimension: two rows.
    length = int(answer.headers["inference-header-content-length"])
    described = json.loads(answer.body[:length])["outputs"]
    assert [(o["shape"], o["parameters"]["binary_data_size"]) for o in described] == \
        [([2, 1], 8), ([2], 16)]
    assert struct.unpack("<2f2q", answer.body[length:]) == (3, 7, 1, 1)
    assert answer.headers["content-type"] == "application/octet-stream"
    answer = raw("m", struct.pack("<3f", 1, 2, 3))  # Two: a batch of one.
    length = int(answer.headers["inference-header-content-length"])
    assert json.loads(answer.body[:length])["outputs"][0]["shape"] == [1, 3]
    failed(raw("two", b"\0" * 12), 400, "12 bytes")
    failed(raw("two", b""), 400)
    failed(raw("many", b"\0" * 4), 400, "one input")


def test_nested_and_flat_data_are_the_same(identity):
    flat = infer(identity, one((1, 2, 3, 4), (2, 2)))
    nested = infer(identity, one(([1, 2], [3, 4]), (2, 2)))
    assert flat.json == nested.json
    assert flat.json["outputs"] == [
        {"name": "y", "datatype": "FP32", "shape": [2, 2], "data": [1, 2, 3, 4]}]


def test_what_json_has_no_number_for_is_null_and_in_bytes_itself(identity):
    data = struct.pack("<3f", float("nan"), float("inf"), 1.0)
    body, headers = binary(12, data, shape=(1, 3))
    answer = identity.request("POST", "/v2/models/m/infer", body, headers)
    assert answer.json["outputs"][0]["data"] == [None, None, 1.0]
    answer = infer(identity, data, Inference_Header_Content_Length=0)
    assert answer.body.endswith(data)


def test_the_limit_of_a_body_holds_packed_and_unpacked(make_server, register):
    server = make_server(config="serving:\n  max_body_bytes: 4096\n")
    register(server, "m", MODELS / "identity_fp32.onnx", "1", activate=True)
    small = json.dumps(one()).encode()
    at, past = small.ljust(4096), small.ljust(4097)
    for pack, coding in ((gzip.compress, "gzip"), (zlib.compress, "deflate"),
                         (lambda x: x, "identity")):
        assert infer(server, pack(at), Content_Encoding=coding).status == 200
        failed(infer(server, pack(past), Content_Encoding=coding), 413, "4096")
    failed(infer(server, gzip.compress(b" " * 10**7), Content_Encoding="gzip"), 413)
    failed(infer(server, small, Content_Encoding="gzip"), 400, "Content-Encoding")
    failed(infer(server, gzip.compress(small)[:-1], Content_Encoding="gzip"), 400, "ends")
    failed(infer(server, small, Content_Encoding="br"), 415, "gzip, deflate")


# ---- Paths, verbs, extensions.

def test_every_error_under_v2_has_the_protocols_shape(identity):
    for path in ("/v2/", "/v2/nothing", "/v2/models/", "/v2/models/m/", "/v2/models/m/config",
                 "/v2/models/m/versions", "/v2/models/m/versions/", "/v2/models/m/versions/1/x",
                 "/v2/models/m/versions/1/infer/x", "/v2/health", "/v2/repository",
                 "/v2/repository/models/m", "/v2/models//infer"):
        failed(identity.get(path), 404, "nothing at")
    for path, allow in (("/v2", "GET, HEAD"), ("/v2/health/live", "GET, HEAD"),
                        ("/v2/models", "GET, HEAD"), ("/v2/models/m", "GET, HEAD"),
                        ("/v2/models/m/ready", "GET, HEAD")):
        assert failed(identity.post(path), 405).headers["allow"] == allow
    for path in ("/v2/models/m/infer", "/v2/models/m/versions/1.0/infer", "/v2/repository/index",
                 "/v2/repository/models/m/load"):
        assert failed(identity.get(path), 405).headers["allow"] == "POST"
    failed(identity.post("/v2/repository/index", [1]), 400)
    failed(identity.post("/v2/repository/index", {"ready": 1}), 400)
    failed(identity.post("/v2/repository/models/m/load"), 501, "table decides")
    failed(identity.get("/v2", headers={"Host": "elsewhere.example"}), 403)
    failed(infer(identity, one(), X_Session_Id="s" * 257), 400)
    assert identity.request("HEAD", "/v2/health/live").status == 200


def test_extensions_that_would_change_the_answer_are_not_ignored(identity):
    asked = one(outputs=[{"name": "y", "parameters": {"classification": 2}}])
    failed(infer(identity, asked), 501, "classification")
    shared = one()
    shared["inputs"][0]["parameters"] = {"shared_memory_region": "r"}
    failed(infer(identity, shared), 501, "shared_memory_region")
    # What says nothing about the answer may be there.
    harmless = one(parameters={"priority": 3, "content_type": "np"}, model_name="m")
    harmless["inputs"][0]["parameters"] = {"content_type": "pd"}
    assert infer(identity, harmless).status == 200


def test_a_name_is_percent_decoded(server, register):
    register(server, "a:b.c", MODELS / "identity_fp32.onnx", "v:1", activate=True)
    answer = infer(server, one(), "/v2/models/a%3Ab.c/versions/v%3A1/infer")
    assert (answer.json["model_name"], answer.json["model_version"]) == ("a:b.c", "v:1")

