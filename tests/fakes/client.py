"""A fake provider as a test drives it: starts it, scripts it, asks what it received."""

import contextlib
import http.client
import json
import pathlib
import select
import subprocess
import sys
import threading
import urllib.parse

HERE = pathlib.Path(__file__).parent
START_TIMEOUT_S = 120


class Fake:
    """One process. `kind` is openai or anthropic; ends with its block."""

    def __init__(self, kind):
        self.kind = kind
        self.process = subprocess.Popen([sys.executable, "-B", HERE / f"{kind}_fake.py"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        ready, _, _ = select.select([self.process.stdout], [], [], START_TIMEOUT_S)
        line = self.process.stdout.readline().decode().strip() if ready else ""
        if not line:
            self.stop()
            raise RuntimeError(f"the fake of {kind} printed no address")
        self.url = line
        self.port = int(line.rpartition(":")[2])
        self.control = None
        self.lock = threading.Lock()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def base_url(self, provider, path="/v1"):
        """The address of one provider: the fake tells them apart by this name."""
        return f"{self.url}/{provider}{path}"

    def script(self, model, *behaviours):
        """What the requests of `model` get, one after the other; the last stays."""
        self._ask("PUT", "/_fake/script", {"model": model, "behaviours": list(behaviours) or [{}]})
        return model

    def release(self, model):
        self._ask("POST", "/_fake/release", {"model": model})

    def received(self, model=None, after=0):
        """What came for `model`, oldest first: dicts with headers as pairs, and `json` of the body."""
        asked = {"after": after} | ({"model": model} if model is not None else {})
        found = self._ask("GET", "/_fake/requests?" + urllib.parse.urlencode(asked))
        for entry in found:
            with contextlib.suppress(ValueError):
                entry["json"] = json.loads(entry["body"])
        return found

    def forget(self):
        self._ask("DELETE", "/_fake/requests")

    def _ask(self, method, path, body=None):
        with self.lock:
            if self.control is None:
                self.control = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
            self.control.request(method, path, json.dumps(body) if body is not None else None)
            answer = self.control.getresponse()
            text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {text!r}")
        return json.loads(text)
