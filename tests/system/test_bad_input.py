"""Bytes that no well-meaning client sends: each is answered by a clear 4xx, and nothing else happens.

The server of each test must be whole at its end: alive, its answers right, its table untouched.
"""

import contextlib
import json
import pathlib
import select

import pytest

from conftest import MODELS, refused, wait_until

ONE = MODELS / "constant_one.onnx"
BODY = b'{"rows":[[1]]}'
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def served(server, register):
    yield from whole_at_the_end(server, register)


def whole_at_the_end(server, register):
    register(server, "m", ONE, "1", model_id="m1", activate=True)
    table = server.get("/api/v1/versions").json
    yield server
    assert server.process.poll() is None, server.log_text[-4000:]
    assert server.get("/healthz").status == 200
    assert server.predict("m", [[1]]).json["predictions"] == [1]
    assert server.get("/api/v1/versions").json == table


def answers(received):
    """The answers in a byte stream: [(status, headers, body)], all of it and nothing more."""
    found = []
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        lines = head.decode("ascii").split("\r\n")
        version, status, _ = lines[0].split(" ", 2)
        assert version == "HTTP/1.1"
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
        length = int(headers.get("content-length", "0"))
        assert len(rest) >= length, (head, rest)
        found.append((int(status), headers, rest[:length]))
        received = rest[length:]
    return found


def problem(received, status):
    """The one answer in `received`, which refuses and closes; its detail."""
    (got, headers, body), = answers(received)
    assert got == status, (got, body)
    assert headers["content-type"] == "application/problem+json"
    assert headers["connection"] == "close"
    shown = json.loads(body)
    assert shown["status"] == status and shown["code"]
    return shown["detail"]


def request(server, *lines, body=b"", first=b"POST /predict/m HTTP/1.1"):
    fields = [first, f"Host: {server.addr}".encode(), b"Content-Type: application/json", *lines]
    return b"\r\n".join(fields) + b"\r\n\r\n" + body


# ---- JSON.

MALFORMED = [
    b"{", b"}", b"{}x", b"{} {}", b"[", b"nul", b"'rows'", b'{"rows":[[1]],}', b'{"rows":[[1,]]}',
    b"{rows:[[1]]}", b"{'rows':[[1]]}", b'{"rows" [[1]]}', b'{"rows":[[01]]}', b'{"rows":[[+1]]}',
    b'{"rows":[[.5]]}', b'{"rows":[[1.]]}', b'{"rows":[[1e]]}', b'{"rows":[[NaN]]}',
    b'{"rows":[[Infinity]]}', b'{"rows":[[0x10]]}', b'{"rows":[["a\nb"]]}', b'{"rows":[["\\x41"]]}',
    b'{"rows":[["\xff"]]}', b'{"rows":[["\xc0\xaf"]]}', b'{"rows":[["\\ud800"]]}', BODY + b"\0",
    b"/*" + BODY, b"\x00" * 64, bytes(range(256)), b'{"rows":[[1]]', b'{"rows":[["a]]}',
    b"\xef\xbb\xbf" + BODY,
]


@pytest.mark.parametrize("path", ["/predict/m", "/api/v1/versions"])
@pytest.mark.parametrize("body", MALFORMED, ids=lambda body: ascii(body)[2:24])
def test_malformed_json(served, path, body):
    """A body that is guessed at becomes a prediction, or a row, that nobody asked for."""
    refused(served.request("POST", path, body, JSON), 400, "malformed JSON")


def test_malformed_json_says_where(served):
    """In a body of a thousand lines the caller needs the line."""
    body = b'{"rows": [[1],\n          [2],\n          [3 4]]}'
    refused(served.request("POST", "/predict/m", body, JSON), 400, "line 3", "column 14")
    body = b'{"route": "m",\n "version" "1"}'
    refused(served.request("POST", "/api/v1/versions", body, JSON), 400, "line 2", "column 14")


@pytest.mark.parametrize("path, body, words", [
    ("/predict/m", b'{"rows":[[1]],"rows":[[2]]}', ["rows", "twice"]),
    ("/api/v1/versions", b'{"route":"a","route":"b","version":"1"}', ["duplicate key", "route"]),
    ("/api/v1/versions", b'{"tags":{"a":"x","a":"y"}}', ["duplicate key", "\"a\""]),
])
def test_a_key_that_comes_twice(served, path, body, words):
    """Two programs that each take another of the two values disagree about what was asked."""
    refused(served.request("POST", path, body, JSON), 400, *words)


@pytest.mark.parametrize("body, words", [
    (b"", ["empty", "rows"]), (b"  \n", ["empty"]), (b"[]", ["object", "array"]),
    (b"null", ["object", "null"]), (b"7", ["object", "7"]), (b'"rows"', ["object"]),
    (b"{}", ["rows"]), (b'{"rows":null}', ["rows", "null"]), (b'{"rows":"x"}', ["rows"]),
    (b'{"row":[[1]]}', ["\"row\"", "did you mean \"rows\""]),
    (b'{"rows":[[1]],"extra":1}', ["\"extra\""]),
    (b'{"rows":[[1]],"session_id":7}', ["session_id", "string", "7"]),
    (b'{"rows":[[1]],"request_id":null}', ["request_id", "null"]),
    (b'{"rows":[[1]],"session_id":"a\\u0007b"}', ["session", "control character"]),
])
def test_a_prediction_body_of_another_shape(served, body, words):
    """A misspelt key that is ignored looks like a model that does not care for its input."""
    refused(served.request("POST", "/predict/m", body, JSON), 400, *words)


@pytest.mark.parametrize("path, body", [
    ("/api/v1/versions", b"[]"), ("/api/v1/versions", b"7"), ("/api/v1/versions", b"null"),
    ("/api/v1/versions/m1/activate", b"[]"), ("/api/v1/routes/m/rollback", b'"now"'),
    ("/api/v1/versions/m1/retire", b'{"reason":7}'), ("/api/v1/routes/m/rollback", b'{"why":""}'),
    ("/api/v1/versions/m1/promote", b'{"reason":"' + b"r" * 1025 + b'"}'),
])
def test_a_change_with_a_body_of_another_shape(served, path, body):
    """A change must not be carried out by a caller who meant something else."""
    refused(served.request("POST", path, body, JSON), 400)


@pytest.mark.parametrize("path", ["/predict/m", "/api/v1/versions"])
def test_nesting_has_a_limit(served, path):
    """INV-16: recursion without a bound is a crash that anybody can cause with 100 kB."""
    def nested(levels):
        # The object is a level of its own.
        inner = b"[" * (levels - 1) + b"1" + b"]" * (levels - 1)
        return served.request("POST", path, b'{"rows":' + inner + b"}", JSON)
    at_limit = nested(64)
    assert "nested" not in refused(at_limit, 400)
    refused(nested(65), 400, "nested deeper than 64")
    refused(nested(100_000), 400, "malformed JSON")
    refused(served.request("POST", path, b'{"rows":' + b"[" * 500_000, JSON), 400,
            "malformed JSON")


# ---- Sizes.

def test_the_body_of_a_prediction_has_a_limit(make_server, register):
    """INV-16: at the limit it works, one byte over is refused before it is read."""
    server = make_server(env={"PODIUM_SERVING_MAX_BODY_BYTES": "2KiB"})
    for _ in whole_at_the_end(server, register):
        at_limit = BODY + b" " * (2048 - len(BODY))
        assert server.request("POST", "/predict/m", at_limit, JSON).status == 200
        refused(server.request("POST", "/predict/m", at_limit + b" ", JSON), 413, "2048")
        # Announced only: the refusal does not wait for the bytes.
        sent = request(server, b"Content-Length: 9223372036854775807")
        assert "2048" in problem(server.raw(sent), 413)
        # Chunked bodies are not a way around.
        chunk = b"400\r\n" + b" " * 1024 + b"\r\n"
        sent = request(server, b"Transfer-Encoding: chunked", body=chunk * 2 + b"1\r\n \r\n0\r\n\r\n")
        assert "2048" in problem(server.raw(sent), 413)


def test_the_body_of_a_change_has_a_limit(served):
    """INV-16: the registry's own bodies are small; a large one is a mistake or an attack."""
    limit = 1024 * 1024
    at_limit = b"{}" + b" " * (limit - 2)
    refused(served.request("POST", "/api/v1/versions", at_limit, JSON), 400, "route")
    refused(served.request("POST", "/api/v1/versions", at_limit + b" ", JSON), 413, str(limit))


def test_rows_have_a_limit(served):
    """INV-16: one request must not take a core for minutes."""
    answer = served.predict("m", [[1]] * 10_000)
    assert answer.status == 200 and len(answer.json["predictions"]) == 10_000
    refused(served.predict("m", [[1]] * 10_001), 413, "10001", "10000")
    refused(served.predict("m", [[1] * 10_001]), 413, "10001", "10000")


# ---- Paths, methods, content types.

@pytest.mark.parametrize("path", [
    "/", "/predict", "/predict/", "/predict/m/", "/predict/m/x", "/api", "/api/v1", "/api/v1/",
    "/api/v1/versions/", "/api/v1/version", "/api/v2/versions", "//healthz", "/healthz/",
    "/api/v1/versions/a/b", "/../etc/passwd", "/..%2f..%2fetc/passwd", "/admin",
    "/internal", "/internal/models", "/favicon.ico",
])
def test_a_path_that_is_not_there(served, path):
    """A path that is bent into another one answers a question that was not asked."""
    for method in ("GET", "POST"):
        answer = served.request(method, path, b"{}" if method == "POST" else None, JSON)
        refused(answer, 404)


def test_a_route_that_is_not_there(served):
    """404 and not 503: the caller, not the service, has to change something."""
    for route in ("n", "M", "m1", "%6d%6d", "..", "%2e%2e", "a" * 3000):
        refused(served.request("POST", f"/predict/{route}", BODY, JSON), 404)
    assert served.request("POST", "/predict/%6d", BODY, JSON).status == 200


@pytest.mark.parametrize("method, path, allowed", [
    ("GET", "/predict/m", {"POST"}), ("DELETE", "/predict/m", {"POST"}),
    ("PUT", "/api/v1/versions", {"GET", "POST"}), ("PATCH", "/api/v1/versions/m1", {"GET", "DELETE"}),
    ("GET", "/api/v1/versions/m1/promote", {"POST"}), ("POST", "/api/v1/routes/m/canary",
                                                       {"PUT", "DELETE"}),
    ("POST", "/healthz", {"GET"}), ("DELETE", "/metrics", {"GET"}),
    ("POST", "/internal/models/active?type=m", {"GET"}), ("OPTIONS", "/predict/m", {"POST"}),
])
def test_another_method(served, method, path, allowed):
    """The answer names the methods that would do; a 404 would send people looking for the path."""
    answer = served.request(method, path)
    refused(answer, 405, *allowed)
    assert allowed <= {name.strip() for name in answer.headers["allow"].split(",")}
    assert method not in answer.headers["allow"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded",
                                  "multipart/form-data; boundary=x", "application/jsonp", "json",
                                  "application/json-patch+json", ""])
def test_another_content_type(served, kind):
    """Reading a form as JSON is how a page elsewhere would post at us (point 9)."""
    for method, path in (("POST", "/predict/m"), ("POST", "/api/v1/versions"),
                         ("POST", "/api/v1/versions/m1/retire"), ("PUT", "/api/v1/routes/m/canary"),
                         ("DELETE", "/api/v1/versions/m1"),
                         ("POST", "/admin/ai-quality/models/m1/promote")):
        refused(served.request(method, path, b"{}", {"Content-Type": kind}), 415, kind)
    for good in ("application/json", "APPLICATION/JSON", "application/json; charset=utf-8",
                 "application/json ;charset=utf-8"):
        assert served.request("POST", "/predict/m", BODY, {"Content-Type": good}).status == 200


# ---- Framing, by the byte.

LENGTH = b"Content-Length: %d" % len(BODY)


@pytest.mark.parametrize("lines, words", [
    ([LENGTH, b"Transfer-Encoding: chunked"], "both"),
    ([b"Transfer-Encoding: chunked", LENGTH], "both"),
    ([LENGTH, LENGTH], "more than one Content-Length"),
    ([LENGTH, b"Content-Length: 3"], "more than one Content-Length"),
    ([LENGTH + b", 14"], "Content-Length"), ([b"Content-Length: +14"], "Content-Length"),
    ([b"Content-Length: -1"], "Content-Length"), ([b"Content-Length: 0x0e"], "Content-Length"),
    ([b"Content-Length: 1 4"], "Content-Length"), ([b"Content-Length:"], "Content-Length"),
    ([b"Content-Length: 99999999999999999999"], "Content-Length"),
    ([b"Transfer-Encoding: gzip, chunked"], "Transfer-Encoding"),
    ([b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"], "Transfer-Encoding"),
    ([b"Transfer-Encoding: xchunked"], "Transfer-Encoding"),
    ([b"Transfer-Encoding : chunked"], "white space"), ([b"Content-Length : 14"], "white space"),
    ([b"X-Folded: a\r\n b", LENGTH], "folded"), ([b"X-Folded: a\r\n\tb", LENGTH], "folded"),
    ([b"X-Nul: a\0b", LENGTH], "control byte"), ([b"X-Cr: a\rb", LENGTH], "CR"),
    ([b"X-Lf: a\nX-Hidden: b", LENGTH], "LF"), ([b": nameless", LENGTH], "header name"),
    ([b"X(): y", LENGTH], "header name"), ([b"no colon here", LENGTH], "header name"),
    ([b"Host: localhost", LENGTH], "Host"),
])
def test_a_message_that_two_readers_could_read_differently(served, lines, words):
    """Where a proxy and we disagree on the end of a message, one caller's bytes become another's
    request. What follows on such a connection is never looked at."""
    hidden = request(served, b"Content-Length: 0", first=b"DELETE /api/v1/versions/m1 HTTP/1.1")
    sent = request(served, *lines, body=BODY + hidden)
    assert words.lower() in problem(served.raw(sent), 400).lower()


@pytest.mark.parametrize("first, status", [
    (b"GET /healthz HTTP/2.0", 505), (b"GET /healthz HTTP/1.2", 505), (b"GET /healthz HTTP/0.9", 505),
    (b"GET /healthz HTTP/1.10", 400), (b"GET /healthz http/1.1", 400), (b"GET /healthz", 400),
    (b"GET  /healthz HTTP/1.1", 400), (b"GET /healthz  HTTP/1.1", 400), (b"GET HTTP/1.1", 400),
    (b" GET /healthz HTTP/1.1", 400), (b"get /healthz HTTP/1.1", 501),
    (b"BREW /healthz HTTP/1.1", 501), (b"TRACE / HTTP/1.1", 501), (b"CONNECT a:1 HTTP/1.1", 501),
    (b"G\xc3\x89T / HTTP/1.1", 400), (b"GET /\xc3\xa4 HTTP/1.1", 400), (b"GET /a b HTTP/1.1", 400),
    (b"GET /%zz HTTP/1.1", 400), (b"GET /% HTTP/1.1", 400), (b"GET /a%00b HTTP/1.1", 400),
    (b"GET healthz HTTP/1.1", 400), (b"GET http://elsewhere/healthz HTTP/1.1", 400),
    (b"GET ftp://localhost/x HTTP/1.1", 400), (b"GET * HTTP/1.1", 400),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
])
def test_a_request_line_that_is_none(served, first, status):
    """Whatever speaks to the port, the answer is one that its author can read."""
    problem(served.raw(request(served, first=first)), status)


def test_bare_line_feeds(served):
    """A reader that ends lines at LF alone and one that does not see different headers."""
    sent = request(served, LENGTH, body=BODY).replace(b"\r\n", b"\n")
    assert "LF" in problem(served.raw(sent), 400)


def test_a_missing_host(served):
    """Without Host the guard against foreign pages has nothing to look at."""
    assert "Host" in problem(served.raw(b"GET /healthz HTTP/1.1\r\n\r\n"), 400)
    # HTTP/1.0 has no such duty, so there the guard itself refuses.
    status, headers, _ = answers(served.raw(b"GET /healthz HTTP/1.0\r\n\r\n"))[0]
    assert (status, headers["content-type"]) == (403, "application/problem+json")


def test_heads_have_limits(served):
    """INV-16: at each limit it works, one byte past it is told which limit that was."""
    def get(*lines, target=b"/healthz"):
        return request(served, *lines, b"Connection: close", first=b"GET %s HTTP/1.1" % target)

    def status_of(sent):
        return answers(served.raw(sent))[0][0]

    longest = b"/" + b"a" * 4095
    assert status_of(get(target=longest)) == 404
    assert "target" in problem(served.raw(get(target=longest + b"a")), 414)
    room = 16 * 1024 - len(get(b"X: "))
    assert status_of(get(b"X: " + b"a" * room)) == 200
    problem(served.raw(get(b"X: " + b"a" * (room + 1))), 431)
    problem(served.raw(get(b"X: " + b"a" * 5_000_000)), 431)
    given = 3  # Host, Content-Type, Connection.
    assert status_of(get(*[b"X: a"] * (100 - given))) == 200
    problem(served.raw(get(*[b"X: a"] * (101 - given))), 431)


# ---- Connections.

def test_a_request_that_stops_halfway(served):
    """Clients die at every byte; the rest of the service must not notice."""
    whole = request(served, LENGTH, body=BODY)
    for end in range(1, len(whole)):
        received = served.raw(whole[:end])
        if end in (1, 2) and not received:
            continue
        problem(received, 400)
    assert answers(served.raw(b"")) == []


def test_a_caller_that_leaves_without_listening(served):
    """A reset in the middle of an answer is ordinary, not an error of ours."""
    for _ in range(50):
        with served.connect() as connection:
            connection.sendall(request(served, LENGTH, body=BODY) * 10)


def test_connections_that_say_nothing_hold_up_nobody(served):
    """Whoever opens connections and waits must find that the others are served meanwhile."""
    with contextlib.ExitStack() as open_ones:
        for number in range(300):
            connection = open_ones.enter_context(served.connect())
            connection.sendall(request(served, LENGTH)[:number])
        for _ in range(20):
            assert served.predict("m", [[1]]).status == 200


def test_a_caller_that_does_not_read_is_paused(served):
    """INV-16: answers that nobody takes must not pile up in our memory."""
    with served.connect() as connection:
        connection.setblocking(False)
        sent, pipelined = 0, request(served, LENGTH, body=BODY) * 100
        limit = 64 * 1024 * 1024
        while sent < limit:
            _, writable, _ = select.select([], [connection], [], 1)
            if not writable:
                break  # Full for a second: the server has stopped reading.
            sent += connection.send(pipelined)
        assert sent < limit
        assert served.predict("m", [[1]]).status == 200


@pytest.mark.parametrize("end", ["caller", "server"])
def test_an_upload_that_stops_halfway_leaves_nothing(served, end):
    """Half a model on disk is waste at best, and at worst somebody's next version."""
    artifacts = pathlib.Path(served.data) / "artifacts"
    before = sorted(file.name for file in artifacts.iterdir())
    sent = request(served, b"Content-Length: 1000000", first=b"POST /api/v1/artifacts HTTP/1.1",
                   body=b"x" * 300_000).replace(b"application/json", b"application/octet-stream")
    if end == "caller":
        problem(served.raw(sent), 400)
    else:
        with served.connect() as connection:
            connection.sendall(sent)
            wait_until(lambda: len(list(artifacts.iterdir())) > len(before), what="the upload")
            served.kill()
        served.start()
        served.wait_ready("m1")
    wait_until(lambda: sorted(file.name for file in artifacts.iterdir()) == before,
               what="nothing left of it")


def test_pipelined_requests_are_answered_in_order(served):
    """An answer that overtakes another goes to the wrong question."""
    predict = request(served, LENGTH, body=BODY)
    ask = request(served, first=b"GET /healthz HTTP/1.1")
    lost = request(served, first=b"GET /nowhere HTTP/1.1")
    sent = predict + ask + lost + predict + request(served, b"Content-Length: 3", body=b"{{{")
    got = answers(served.raw(sent + ask))
    assert [status for status, _, _ in got] == [200, 200, 404, 200, 400, 200]
    assert [json.loads(got[i][2])["predictions"] for i in (0, 3)] == [[1], [1]]
    assert got[1][2] == got[5][2] == b"ok\n"


def test_a_body_that_nobody_reads_is_not_the_next_request(served):
    """A refused upload must not have its bytes carried out as commands."""
    hidden = request(served, b"Content-Length: 0", first=b"DELETE /api/v1/versions/m1 HTTP/1.1")
    length = b"Content-Length: %d" % len(hidden)
    for first, status in ((b"POST /nowhere HTTP/1.1", 404), (b"PUT /predict/m HTTP/1.1", 405),
                          (b"GET /healthz HTTP/1.1", 200), (b"POST /predict/m HTTP/1.1", 400)):
        got = answers(served.raw(request(served, length, body=hidden, first=first)))
        assert [got_status for got_status, _, _ in got] == [status]


def test_expect_continue(served):
    """Clients that ask first wait a second, or for ever, for the word to go on."""
    with served.connect() as connection:
        connection.sendall(request(served, LENGTH, b"Expect: 100-continue", b"Connection: close"))
        assert connection.recv(64) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(BODY)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    assert answers(received)[0][0] == 200
    sent = request(served, LENGTH, b"Expect: the-unexpected", body=BODY)
    problem(served.raw(sent), 417)
    # Who will be refused anyway is not asked to send first.
    sent = request(served, b"Content-Length: 99999999999", b"Expect: 100-continue")
    problem(served.raw(sent), 413)


def test_chunked_bodies(served):
    """Clients that stream choose their chunks; where they are cut must not matter."""
    coding = b"Transfer-Encoding: chunked"
    ends = b"0\r\n\r\n"
    for size in (1, 2, 5, len(BODY)):
        cut = [BODY[i:i + size] for i in range(0, len(BODY), size)]
        body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in cut) + ends
        status, _, answer = answers(served.raw(request(served, coding, body=body)))[0]
        assert status == 200 and json.loads(answer)["predictions"] == [1]
    extras = b"E;name=value\r\n" + BODY + b"\r\n0;last\r\nTrailer: x\r\n\r\n"
    assert answers(served.raw(request(served, coding, body=extras)))[0][0] == 200


@pytest.mark.parametrize("body", [
    b"zz\r\n" + BODY + b"\r\n0\r\n\r\n", b"\r\n", b"-1\r\n", b"0x0e\r\n", b" e\r\n", b"e \r\n",
    b"2\r\n" + BODY + b"\r\n0\r\n\r\n", b"e\r\n" + BODY + b"0\r\n\r\n", b"e\n" + BODY + b"\n0\n\n",
    b"e\r\n" + BODY + b"\r\n", b"e\r\n" + BODY, b"e\r\n" + BODY + b"\r\n0\r\n",
    b"ffffffffffffffffff\r\n", b"7fffffffffffffff\r\nab", b"e;" + b"x" * 300 + b"\r\n",
    b"e\r\n" + BODY + b"\r\n0\r\nno colon\r\n\r\n",
    b"e\r\n" + BODY + b"\r\n0\r\nX: " + b"x" * 5000 + b"\r\n\r\n",
    b"e\r\n" + BODY + b"\r\n0\r\nX: a\nb\r\n\r\n",
], ids=lambda body: ascii(body)[2:30])
def test_chunked_bodies_that_are_broken(served, body):
    """A wrong chunk that is read charitably is the same smuggling as two lengths."""
    received = served.raw(request(served, b"Transfer-Encoding: chunked", body=body))
    assert [status for status, _, _ in answers(received)] in ([400], [413])
    problem(received, answers(received)[0][0])


@pytest.mark.full
@pytest.mark.parametrize("sent", ["head", "body"])
def test_a_slow_sender_is_not_waited_for(served, sent):
    """INV-16: connections that trickle would hold a place each until there is none left."""
    whole = request(served, LENGTH, body=BODY)
    part = whole[:30] if sent == "head" else whole[:-3]
    assert "in time" in problem(served.raw(part, timeout=60, close=False), 408)
