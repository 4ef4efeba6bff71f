"""A small MLflow registry for imports to read from: as large, and as broken, as a test wants."""

import base64
import contextlib
import http.server
import json
import re
import ssl
import subprocess
import threading
import urllib.parse

FIRST_MS = 1_700_000_000_000
PREFIX = "/api/2.0/mlflow/"


def model(name, description="", tags=None, aliases=None):
    """As its API shows a registered model."""
    return {"name": name, "creation_timestamp": FIRST_MS, "last_updated_timestamp": FIRST_MS + 5,
            "description": description,
            "tags": [{"key": k, "value": v} for k, v in (tags or {}).items()],
            "aliases": [{"alias": a, "version": str(n)} for a, n in (aliases or {}).items()]}


def version(name, number, stage="None", **fields):
    """And one of its versions."""
    return {"name": name, "version": str(number), "creation_timestamp": FIRST_MS + number,
            "last_updated_timestamp": FIRST_MS + 2 * number, "user_id": "ann",
            "current_stage": stage, "description": f"number {number}",
            "source": f"file:///models/{name}/{number}", "run_id": f"run{number}",
            "run_link": "", "status": "READY", "tags": [{"key": "n", "value": str(number)}],
            **fields}


def is_prompt(row):
    tags = row.get("tags") if isinstance(row, dict) else None
    return any(tag.get("key") == "mlflow.prompt.is_prompt" for tag in tags or [])


class FakeMlflow:
    """`models` and `versions` (by model) are what it shows. `before(path, query)` may give
    (status, headers, body) instead of the answer; None lets it answer. `asked` counts."""

    def __init__(self):
        self.models = []
        self.versions = {}
        self.before = lambda path, query: None
        self.credential = None
        self.asked = 0
        self.url = ""

    def add(self, name, numbers, aliases=None, **fields):
        self.models.append(model(name, f"about {name}", {"team": "ml"}, aliases))
        self.versions[name] = [version(name, n, **fields) for n in numbers]

    def answer(self, path, query, authorization):
        """(status, headers, body)"""
        self.asked += 1
        if self.credential and authorization != self.credential:
            return 401, {}, b'{"error_code": "UNAUTHENTICATED", "message": "You are not authenticated."}'
        told = self.before(path, query)
        if told is not None:
            return told
        known = {"registered-models/search": self.search_models, "registered-models/get": self.get_model,
                 "model-versions/search": self.search_versions}
        if not path.startswith(PREFIX) or path[len(PREFIX):] not in known:
            return 404, {}, b"<html>Not Found</html>"
        status, found = known[path[len(PREFIX):]](query)
        return status, {}, json.dumps(found).encode()

    def get_model(self, query):
        for each in self.models:
            if each["name"] == query["name"]:
                return 200, {"registered_model": each}
        return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST",
                     "message": f"Registered Model with name={query['name']} not found"}

    def search_models(self, query):
        wants_prompts = "is_prompt" in query.get("filter", "")
        rows = [each for each in self.models if is_prompt(each) == wants_prompts]
        return 200, self.page("registered_models", rows, query)

    def search_versions(self, query):
        name = re.match(r"""name = (['"])(.*)\1""", query["filter"]).group(2)
        return 200, self.page("model_versions", self.versions.get(name, []), query)

    @staticmethod
    def page(key, rows, query):
        first = int(query.get("page_token") or 0)
        last = first + int(query["max_results"])
        body = {key: rows[first:last]} if rows[first:last] else {}
        if last < len(rows):
            body["next_page_token"] = str(last)
        return body


def basic(username, password):
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


@contextlib.contextmanager
def serving_fake(tls=None):
    """A FakeMlflow that listens; `tls` is (certificate, key)."""
    fake = FakeMlflow()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            path, _, text = self.path.partition("?")
            query = dict(urllib.parse.parse_qsl(text, keep_blank_values=True))
            status, headers, body = fake.answer(path, query, self.headers.get("Authorization"))
            if status is None:  # As a machine that dies.
                self.close_connection = True
                self.connection.close()
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.daemon_threads = True
    scheme = "http"
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*map(str, tls))
        listener.socket = context.wrap_socket(listener.socket, server_side=True,
                                              do_handshake_on_connect=False)
        scheme = "https"
    fake.url = f"{scheme}://127.0.0.1:{listener.server_address[1]}"
    thread = threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join(10)


def make_certificate(folder):
    """(certificate, key) for 127.0.0.1, signed by itself."""
    certificate, key = folder / "source.pem", folder / "source.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-keyout", key, "-out", certificate, "-days", "1", "-subj", "/CN=source",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    return certificate, key
