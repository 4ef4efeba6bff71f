"""Changes a registry from several threads until the server is gone, and keeps what was answered.

A process of its own: it outlives every server that the test kills. It reads one JSON object a line
from stdin ({"address", "round", "artifact"}), writes until every connection has broken, and then
says so with a line on stdout. Each request becomes one line of the journal, argv[1]:

    id, route, kind, model_id   what was asked; the id is the request's X-Request-Id
    sent       when its last byte was handed to the kernel; null when that failed
    status     of the answer; null when none came
    changed    whether the answer says that it changed the table
    revision   the audit row that the answer names

Times are of the monotonic clock, which all processes of a machine share. argv[2] is the seed.
"""

import http.client
import json
import os
import random
import sys
import threading
import time

# The last two share a route: changes that meet.
ROUTES = ["r0", "r1", "r2", "r3", "r4", "r5", "shared", "shared"]
VERSIONS_TO_KEEP = 4


class ServerGone(Exception):
    pass


class Writer:
    """One thread's connection and what it asks over it."""

    def __init__(self, number, journal, order):
        self.prefix = f"{order['round']}-{number}"
        self.route = ROUTES[number]
        self.journal = journal
        self.artifact = order["artifact"]
        self.asked = 0
        # Its own, so that a slow neighbour does not change what it asks.
        self.random = random.Random(f"{sys.argv[2]}-{self.prefix}")
        host, _, port = order["address"].rpartition(":")
        self.connection = http.client.HTTPConnection(host, int(port), timeout=120)

    def run(self):
        try:
            while True:
                self.change()
        except ServerGone:
            self.connection.close()

    def exchange(self, method, path, body, request_id):
        """(when it was sent, answer or None)."""
        sent = None
        try:
            self.connection.request(method, path, None if body is None else json.dumps(body),
                                    {"Content-Type": "application/json",
                                     "X-Request-Id": request_id})
            sent = time.monotonic()
            response = self.connection.getresponse()
            return sent, (response.status, json.loads(response.read()))
        except (OSError, http.client.HTTPException, ValueError):
            return sent, None

    def read(self, path):
        _, answer = self.exchange("GET", path, None, "read")
        if answer is None:
            raise ServerGone
        return answer[1]

    def ask(self, kind, method, path, body, model_id=None):
        self.asked += 1
        request_id = f"{self.prefix}-{self.asked}"
        sent, answer = self.exchange(method, path, body, request_id)
        line = {"id": request_id, "route": self.route, "kind": kind, "model_id": model_id,
                "sent": sent, "status": None, "changed": None, "revision": None}
        if answer is not None:
            status, shown = answer
            line["status"] = status
            line["changed"] = shown.get("changed")
            line["revision"] = (shown.get("change") or {}).get("revision")
        os.write(self.journal, (json.dumps(line) + "\n").encode())
        if answer is None:
            raise ServerGone

    # ---- The kinds of change.

    def register(self):
        version = f"{self.prefix}-{self.asked}"
        self.ask("register", "POST", "/api/v1/versions",
                 {"route": self.route, "name": self.route, "version": version,
                  "model_id": f"{self.route}-{version}", **self.artifact},
                 f"{self.route}-{version}")

    def verb(self, kind, model_id):
        self.ask(kind, "POST", f"/api/v1/versions/{model_id}/{kind}", {}, model_id)

    def canary(self, model_id, percent):
        self.ask("ramp", "PUT", f"/api/v1/routes/{self.route}/canary",
                 {"model_id": model_id, "traffic_pct": percent}, model_id)

    def end_canary(self):
        self.ask("abort", "DELETE", f"/api/v1/routes/{self.route}/canary", {})

    def rollback(self):
        self.ask("rollback", "POST", f"/api/v1/routes/{self.route}/rollback", {})

    def change(self):
        """A few changes that fit together, for the route as it is now."""
        rows = self.read(f"/api/v1/versions?route={self.route}").get("items", [])
        live = [row["model_id"] for row in rows if row["status"] != "retired"]
        if len(live) < VERSIONS_TO_KEEP:
            self.register()
            return
        primary = [row["model_id"] for row in rows if row["status"] == "primary"]
        if not primary:
            self.verb("activate", self.random.choice(live))
            return
        other = self.random.choice([model_id for model_id in live if model_id not in primary])
        kind = self.random.randrange(5)
        if kind == 0:
            self.canary(other, 5)
            self.canary(other, self.random.randrange(1, 101))
            self.verb("promote", other)
        elif kind == 1:
            self.canary(other, self.random.randrange(1, 101))
            self.rollback()
            self.end_canary()
        elif kind == 2:
            self.verb("activate", other)
        elif kind == 3:
            self.rollback()
        else:
            self.verb("retire", other)
            self.ask("delete", "DELETE", f"/api/v1/versions/{other}", {}, other)


def main():
    journal = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for line in sys.stdin:
        order = json.loads(line)
        threads = [threading.Thread(target=Writer(number, journal, order).run)
                   for number in range(len(ROUTES))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print("ended", flush=True)


if __name__ == "__main__":
    main()
