"""HTTP/1.1 with its bytes in our hands: an answer may be cut, stall or lie anywhere."""

import asyncio
import dataclasses
import itertools
import socket
import struct
import urllib.parse

MAX_HEAD = 64 * 1024
BUFFERED = 64 * 1024  # Of an answer that nobody reads; then the writer waits.

REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
           405: "Method Not Allowed", 413: "Payload Too Large", 429: "Too Many Requests",
           500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable",
           504: "Gateway Timeout"}


class Left(Exception):
    """The caller has ended the connection."""


class Ended(Exception):
    """We have ended the connection, as the script says."""


@dataclasses.dataclass
class Request:
    method: str
    path: str       # Without the provider's prefix.
    query: str
    headers: list   # [[name, value], ...] as they came.
    body: bytes
    provider: str   # The first segment of the path: one process may be several providers.
    connection: int

    def header(self, name):
        found = [v for n, v in self.headers if n.lower() == name]
        return found[0] if found else None


class Exchange:
    """One request and its answer, byte by byte. `entry["sent"]` counts what the kernel has taken."""

    def __init__(self, reader, writer, split=0):
        self.reader, self.writer, self.split = reader, writer, split
        self.entry = {"sent": 0}
        self.chunked = False

    async def head(self, status, headers, length=None):
        """Without a length the body is chunked."""
        self.chunked = length is None
        framing = "Transfer-Encoding: chunked" if self.chunked else f"Content-Length: {length}"
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}", framing,
                 *(f"{name}: {value}" for name, value in headers)]
        await self.raw(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    async def body(self, content):
        if not self.chunked:
            return await self.raw(content)
        parts = [content] if not self.split else [
            content[i:i + self.split] for i in range(0, len(content), self.split)]
        for part in parts:
            await self.raw(b"%x\r\n%s\r\n" % (len(part), part))

    async def end(self):
        if self.chunked:
            await self.raw(b"0\r\n\r\n")

    async def raw(self, content):
        if self.reader.at_eof() or self.writer.is_closing():
            raise Left
        self.writer.write(content)
        try:
            await self.writer.drain()
        except ConnectionError as error:
            raise Left from error
        self.entry["sent"] += len(content)

    async def wait(self, what):
        """Waits for the coroutine, or raises Left when the caller ends the connection before."""
        wanted = asyncio.ensure_future(what)
        gone = asyncio.ensure_future(self.reader.read(1))
        try:
            await asyncio.wait({wanted, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not wanted.done():
                raise Left
        finally:
            for task in (wanted, gone):
                task.cancel()
            await asyncio.gather(wanted, gone, return_exceptions=True)

    def close(self, reset=False):
        if reset:
            self.writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.writer.transport.abort()
        raise Ended


async def read_request(reader, number):
    """The next request of a connection; None when there is none."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    method, target, _ = first.split(" ")
    headers = [[part.strip() for part in line.split(":", 1)] for line in lines]
    known = {name.lower(): value for name, value in headers}
    if known.get("transfer-encoding", "").lower() == "chunked":
        body = await read_chunks(reader)
    else:
        body = await reader.readexactly(int(known.get("content-length", 0)))
    path, _, query = target.partition("?")
    # Azure's paths stand alone, whatever the base URL.
    provider, _, rest = ("azure/" + path[1:] if path.startswith("/openai/") else path[1:]).partition("/")
    return Request(method, "/" + urllib.parse.unquote(rest), query, headers, body, provider, number)


async def read_chunks(reader):
    body = b""
    while True:
        size = int((await reader.readline()).split(b";")[0], 16)
        body += (await reader.readexactly(size + 2))[:-2]
        if size == 0:
            return body


async def serve(handle, port=0):
    """Calls handle(request, exchange) for every request; gives the port. `handle` may raise Left."""
    numbers = itertools.count(1)

    async def connection(reader, writer):
        number = next(numbers)
        writer.transport.set_write_buffer_limits(BUFFERED)
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while request := await read_request(reader, number):
                await handle(request, Exchange(reader, writer))
        except (Left, Ended, ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connection, "127.0.0.1", port, limit=MAX_HEAD, backlog=4096)
    return server, server.sockets[0].getsockname()[1]
