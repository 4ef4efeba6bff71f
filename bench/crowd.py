"""Callers that a server must be able to bear: connections that do nothing, and deliberately slow ones.

A process of its own, so that neither its work nor its interpreter's lock is in the way of the load
that is measured. Run as a program it reads no input; `report` is asked for by a line on stdin.
"""

import itertools
import json
import resource
import selectors
import socket
import subprocess
import sys
import time

from harness import pinned

ROUNDS_PER_SECOND = 4
SLICES = 1000  # Of a round: callers that are not in step with each other.
SOURCES = [f"127.0.0.{n}" for n in range(2, 10)]  # More ports than one address has.


def head(path, length):
    return (f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
            f"Content-Length: {length}\r\n\r\n").encode()


class Slow:
    """One slow caller; begins anew when the server has had enough of it."""

    def __init__(self, kind, port, path, body, source):
        self.kind, self.address, self.source = kind, ("127.0.0.1", port), source
        self.request = head(path, len(body)) + body
        self.ended = 0
        self.connect()

    def connect(self):
        self.socket = socket.create_connection(self.address, 10, (self.source, 0))
        self.socket.setblocking(False)
        self.sent = 0
        if self.kind == "half a request":  # And then nothing any more.
            self.sent = self.socket.send(self.request[:len(self.request) // 2])

    def step(self):
        try:
            if self.kind == "byte by byte":
                self.sent += self.socket.send(self.request[self.sent:self.sent + 1])
                self.sent %= len(self.request)
                self._drain()
            elif self.kind == "never reading":
                self.sent += self.socket.send(self.request)
            else:
                self._drain()
        except BlockingIOError:
            pass
        except OSError:
            self.ended += 1
            self.socket.close()
            self.connect()

    def _drain(self):
        try:
            if self.socket.recv(65536) == b"":
                raise ConnectionResetError
        except BlockingIOError:
            pass


def program(port, path, body, idle_count, slow_count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    sources = itertools.cycle(SOURCES)
    idle = [socket.create_connection(("127.0.0.1", port), 10, (next(sources), 0))
            for _ in range(idle_count)]
    kinds = itertools.cycle(["half a request", "byte by byte", "never reading"])
    slow = [Slow(next(kinds), port, path, body, next(sources)) for _ in range(slow_count)]
    print("ready", flush=True)
    asked = selectors.DefaultSelector()
    asked.register(sys.stdin, selectors.EVENT_READ)
    begin = time.monotonic()
    for turn in itertools.count():
        for caller in slow[turn % SLICES::SLICES]:
            caller.step()
        due = begin + turn / (SLICES * ROUNDS_PER_SECOND)
        if asked.select(max(0.0, due - time.monotonic())):
            break
    alive = 0
    for connection in idle:
        connection.setblocking(False)
        try:
            alive += connection.recv(1) != b""
        except BlockingIOError:
            alive += 1
        except OSError:
            pass
    print(json.dumps({"idle": len(idle), "idle_still_open": alive, "slow": len(slow),
                      "slow_ended_by_server": sum(s.ended for s in slow)}), flush=True)


class Crowd:
    """The program above, beside a server."""

    def __init__(self, server, idle, slow):
        self.child = subprocess.Popen(
            # In the usual class, whatever that of the measured is.
            ["chrt", "--other", "0", *pinned("load"), sys.executable, __file__, str(server.port), server.path,
             server.body.decode(), str(idle), str(slow)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def settle(self):
        """Until all are connected, and those that are idle have been found to be."""
        if self.child.stdout.readline().strip() != "ready":
            raise RuntimeError("the crowd did not get in")
        time.sleep(3)

    def report(self):
        self.child.stdin.write("report\n")
        self.child.stdin.flush()
        return json.loads(self.child.stdout.readline())

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()
        self.child.stdin.close()
        self.child.stdout.close()


if __name__ == "__main__":
    program(int(sys.argv[1]), sys.argv[2], sys.argv[3].encode(), int(sys.argv[4]), int(sys.argv[5]))
