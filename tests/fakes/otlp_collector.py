"""An OpenTelemetry collector that keeps what it is sent, in a thread of the test's own.

It reads JSON by the protocol's own definition (opentelemetry-proto), so what it takes is OTLP: an
unknown field, a number where text belongs or an id of the wrong length is an error of the test.
"""

import base64
import http.server
import json
import threading

from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

ID_BYTES = {"traceId": 16, "spanId": 8, "parentSpanId": 8}


def with_bytes(value):
    """OTLP writes ids in hexadecimal, where JSON of protobuf has base64."""
    if isinstance(value, list):
        return [with_bytes(each) for each in value]
    if not isinstance(value, dict):
        return value
    read = {}
    for key, each in value.items():
        if key in ID_BYTES:
            raw = bytes.fromhex(each)
            assert len(raw) == ID_BYTES[key] and each == each.lower(), (key, each)
            read[key] = base64.b64encode(raw).decode()
        else:
            read[key] = with_bytes(each)
    return read


def traces_of(body):
    """The request of a body, as a message."""
    return json_format.ParseDict(with_bytes(json.loads(body)),
                                 trace_service_pb2.ExportTraceServiceRequest())


def metrics_of(body):
    return json_format.ParseDict(with_bytes(json.loads(body)),
                                 metrics_service_pb2.ExportMetricsServiceRequest())


def plain(value):
    """What an AnyValue holds."""
    held = getattr(value, value.WhichOneof("value"))
    return [plain(each) for each in held.values] if hasattr(held, "values") else held


def attributes(message):
    return {each.key: plain(each.value) for each in message.attributes}


class Collector:
    """A block. `url` is its address; `answers` are given one after the other, then 200."""

    def __init__(self):
        self.lock = threading.Lock()
        self.received = []  # (path, headers by lower-case name, body)
        self.answers = []   # (status, headers)
        self.held = threading.Event()
        self.held.set()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with outer.lock:
                    status, headers = outer.answers.pop(0) if outer.answers else (200, {})
                    names = {name.lower(): value for name, value in self.headers.items()}
                    outer.received.append((self.path, names, body))
                outer.held.wait()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,),
                                       daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.held.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def answer(self, *answers):
        """What the next requests get: (status, headers)."""
        with self.lock:
            self.answers.extend(answers)

    def hold(self):
        """From here on nothing is answered."""
        self.held.clear()

    def requests(self, path):
        with self.lock:
            return [(headers, body) for p, headers, body in self.received if p == path]

    def spans(self):
        """All spans, with .resource and .attrs beside them."""
        found = []
        for _, body in self.requests("/v1/traces"):
            for resource in traces_of(body).resource_spans:
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        found.append(Span(span, attributes(resource.resource)))
        return found

    def points(self, name):
        """The last export's points of one histogram, as (attributes, point)."""
        for _, body in reversed(self.requests("/v1/metrics")):
            for resource in metrics_of(body).resource_metrics:
                for scope in resource.scope_metrics:
                    for metric in scope.metrics:
                        if metric.name == name:
                            return [(attributes(p), p) for p in metric.histogram.data_points]
        return []


class Span:
    def __init__(self, message, resource):
        self.name = message.name
        self.kind = message.kind
        self.trace = message.trace_id.hex()
        self.id = message.span_id.hex()
        self.parent = message.parent_span_id.hex()
        self.start, self.end = message.start_time_unix_nano, message.end_time_unix_nano
        self.status = message.status.code
        self.attrs = attributes(message)
        self.resource = resource

    def __repr__(self):
        return f"<{self.name} {self.kind} {self.trace}/{self.id} below {self.parent} {self.attrs}>"
