"""What a fake does with one request, and what it remembers of it."""

import asyncio
import collections
import dataclasses
import itertools
import urllib.parse

FAULTS = {
    "close",      # ends the connection in order, wherever the answer is
    "reset",      # ends it with RST
    "stall",      # sends nothing more, until the caller ends the connection
    "malformed",  # a frame, or a whole answer, that is not JSON
    "error",      # an error frame in the provider's words, then an orderly end of the body
    "end",        # an orderly end of the body with the rest missing: no finish, no usage, no [DONE]
    "giant",      # one frame of `giant_bytes`, then goes on
}
QUIRKS = {
    "crlf",                # lines end in CR LF
    "comments",            # comment lines, `retry:` and `id:` fields between the frames
    "no_space",            # `data:x` instead of `data: x`
    "two_lines",           # the data of a frame in two lines, cut where JSON allows a line's end
    "choices_null",        # a first frame with `"choices": null`, as Azure and vLLM may send it
    "usage_with_content",  # the usage in the last content frame, with the finish reason
    "no_finish",           # no finish reason
    "no_done",             # no `[DONE]`, no `message_stop`
    "no_usage",            # no usage at all
    "pings",               # Anthropic's pings between the frames
}


@dataclasses.dataclass
class Behaviour:
    """How one request is answered. All times in seconds."""

    text: str = "Hello from the fake."
    pieces: int = 4              # The text comes in so many frames.
    repeat: int = 1              # The text is sent so many times over; 0: without end.
    thinking: str = ""
    tools: list = dataclasses.field(default_factory=list)  # [[name, arguments as text], ...]
    usage: dict = dataclasses.field(default_factory=dict)  # Overrides what is counted.
    finish: str = ""             # The provider's own word; "" is what fits the answer.
    error: str = ""              # A row of errors.json.
    headers: dict = dataclasses.field(default_factory=dict)  # Added to the answer's.
    key: str = ""                # The only credential that is taken; "" takes any, and none.
    head_delay: float = 0        # Before the status line.
    first_delay: float = 0       # After the head, before the first frame with output.
    gap: float = 0               # Before each later frame with output.
    hold: object = ""            # "head", "end", or a number: before the frame with output of that
                                 # number, from 0. Waits there for /_fake/release.
    fault: str = ""              # One of FAULTS.
    at: object = "head"          # "head"; of a stream: after so many frames with output; of a whole
                                 # answer: after so many bytes, or "half" of them.
    giant_bytes: int = 0
    split: int = 0               # Writes so many bytes at a time, through UTF-8 and frames.
    quirks: list = dataclasses.field(default_factory=list)

    def __post_init__(self):
        if self.fault and self.fault not in FAULTS:
            raise ValueError(f"no fault {self.fault}; there are {', '.join(sorted(FAULTS))}")
        if unknown := set(self.quirks) - QUIRKS:
            raise ValueError(f"no quirk {', '.join(unknown)}; there are {', '.join(sorted(QUIRKS))}")

    @classmethod
    def of_name(cls, model):
        """`gpt-x?error=overloaded&gap=0.1` says it in the name itself; any other name: an answer."""
        fields = {f.name: f.default for f in dataclasses.fields(cls)}
        said = {}
        for key, value in urllib.parse.parse_qsl(model.partition("?")[2]):
            if key == "quirks":
                said[key] = value.split(",")
            elif key in ("at", "hold"):
                said[key] = int(value) if value.isdigit() else value
            elif key in fields and isinstance(fields[key], (str, int, float)):
                said[key] = type(fields[key])(value)
            else:
                raise ValueError(f"a model's name cannot say {key}")
        return cls(**said)

    def has(self, quirk):
        return quirk in self.quirks

    def texts(self):
        """The text in its pieces, without end if asked."""
        size = max(1, -(-len(self.text) // max(1, self.pieces)))
        pieces = [self.text[i:i + size] for i in range(0, len(self.text), size)]
        rounds = itertools.repeat(pieces) if self.repeat == 0 else [pieces] * self.repeat
        return itertools.chain.from_iterable(rounds)


class Memory:
    """Scripts by model, gates by model, and what was received, in order. One event loop."""

    LIMIT = 100_000

    def __init__(self):
        self.scripts = {}
        self.gates = collections.defaultdict(asyncio.Event)
        self.received = collections.deque(maxlen=self.LIMIT)
        self.connections = 0

    def script(self, model, behaviours):
        """The first request of `model` gets the first, and so on; the last stays."""
        self.scripts[model] = collections.deque(Behaviour(**b) for b in behaviours)
        self.gates[model] = asyncio.Event()

    def next(self, model):
        script = self.scripts.get(model)
        if not script:
            return Behaviour.of_name(model)
        return script.popleft() if len(script) > 1 else script[0]

    def record(self, request, model):
        entry = {"provider": request.provider, "method": request.method, "path": request.path,
                 "query": request.query, "headers": request.headers, "model": model,
                 "body": request.body.decode("utf-8", "surrogateescape"),
                 "connection": request.connection, "sent": 0, "done": False, "left": False}
        self.received.append(entry)
        return entry


def words(value):
    """Tokens of a sort: the words that are said in messages or inputs."""
    if isinstance(value, str):
        return len(value.split())
    if isinstance(value, dict):
        return sum(words(value[k]) for k in ("content", "text", "output") if k in value)
    if isinstance(value, list):
        return sum(words(v) for v in value)
    return 0
