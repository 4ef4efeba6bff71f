"""What is measured of a gateway. Each case takes a Setup and gives its figures by name."""

import contextlib
import dataclasses
import json
import pathlib
import subprocess
import time
import types

from servers import (BUILT, HaProxy, LiteLlm, NginxProxy, PodiumGateway, Portkey, QuickUpstream,
                     StreamUpstream, TensorZero)

from harness import (awake, closed_loop, cpu_seconds, header_lines, open_loop, pinned, rss_bytes,
                     scratch, system_calls, thread_cpu_seconds)
from verdict import median

ROUNDS = 5
MODEST_RATE = 500       # Calls a second.
STEADY_RATES = (500, 4000, 10_000)
STREAM_RATE = 50        # Streams a second: 5,000 chunks.
CHUNKS = 100            # Of a stream.
PROCESSES = 6           # Of each gateway, one after the other: two of one binary differ by a tenth.
TURNS = 8               # Of each process.
IDLE_STREAMS = 5000
SOAK_SECONDS = 600
SOAK_RATE = 2000        # Calls a second: 1,000,000 in all.
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@dataclasses.dataclass(frozen=True)
class Setup:
    podium: pathlib.Path
    beside: dict          # Name of another build → its binary.
    scale: float          # Of the stretches of time and the numbers of repetitions.
    peers: dict           # Name of a peer → where it is installed.

    def seconds(self, full):
        return max(1, round(full * self.scale))

    def times(self, full):
        return max(2, round(full * self.scale))

    @contextlib.contextmanager
    def gateways(self, peers=True):
        """All of them, running, each on the first CPU; and the directory that they share."""
        with scratch() as directory, contextlib.ExitStack() as stack:
            quick = stack.enter_context(QuickUpstream(directory))
            streams = stack.enter_context(StreamUpstream())
            made = [stack.enter_context(gateway(directory, quick, streams))
                    for gateway in (NginxProxy, HaProxy)]
            for name, binary in {"podium": self.podium, **self.beside}.items():
                home = directory / name
                home.mkdir()
                made.append(stack.enter_context(PodiumGateway(binary, home, quick, streams, name)))
            for name, folder in self.peers.items() if peers else ():
                peer = {"litellm": LiteLlm, "portkey": Portkey, "tensorzero": TensorZero}[name]
                made.append(stack.enter_context(peer(directory, quick, streams, folder)))
            yield types.SimpleNamespace(quick=quick, streams=streams, all=made, directory=directory)


def target(server, kind, name=None):
    """What the load generators of the harness take for a server."""
    path, body = server.call(kind) if hasattr(server, "call") else (server.path, server.body)
    headers = {"traceparent": TRACE, **(server.headers(kind) if hasattr(server, "headers") else {})}
    return types.SimpleNamespace(name=name or server.name, pid=server.pid, port=server.port,
                                 path=path, body=body, headers=headers)


def throughput(setup):
    """64 kept connections, each asking when its last answer has come: CPU per call decides."""
    with setup.gateways() as world:
        targets = [target(s, "quick") for s in (world.quick, *world.all)]
        rounds = {t.name: [] for t in targets}
        for t in targets:
            closed_loop(t, 1, directory=world.directory)  # Warm, and every connection open.
        for _ in range(ROUNDS):
            for t in targets:
                rounds[t.name].append(closed_loop(t, setup.seconds(10), directory=world.directory))
        nginx = rounds["nginx proxy_pass"]
        return {
            "cpu_us_per_call": {n: round(median([r.cpu_us for r in of]), 2)
                                for n, of in rounds.items()},
            "cpu_ratio_to_nginx": {n: round(median([r.cpu_us / base.cpu_us
                                                    for r, base in zip(of, nginx)]), 2)
                                   for n, of in rounds.items()},
            "cpu_ratio_rounds_podium": [round(r.cpu_us / base.cpu_us, 2)
                                        for r, base in zip(rounds["podium"], nginx)],
            "calls_per_second": {n: round(median([r.per_second for r in of]))
                                 for n, of in rounds.items()},
            "system_calls": {s.name: system_calls(target(s, "quick"), world.directory)
                             for s in world.all[:3]},
            "rss_mib": {s.name: round(rss_bytes(s.pid) / 2**20, 1) for s in world.all}}


def latency(setup):
    """What a gateway adds at a modest constant rate: the distance to asking the provider directly."""
    with setup.gateways() as world:
        targets, failed = _able([target(s, "quick") for s in (world.quick, *world.all)],
                                lambda t: open_loop(t, MODEST_RATE, setup.seconds(10),
                                                    world.directory))
        rounds = {t.name: [] for t in targets}
        for _ in range(setup.times(ROUNDS)):
            for t in targets:
                rounds[t.name].append(open_loop(t, MODEST_RATE, setup.seconds(10), world.directory))
        figures = {"failed": failed}
        for q in ("p50_us", "p99_us"):
            of = {n: [r[q] for r in rs] for n, rs in rounds.items()}
            figures[f"{q}_at_{MODEST_RATE}"] = {n: round(median(v), 1) for n, v in of.items()}
            figures[f"added_{q}"] = {
                n: round(median([mine - base for mine, base in zip(v, of["direct"])]), 1)
                for n, v in of.items() if n != "direct"}
        return figures


def latency_awake(setup):
    """The same with processors that do not sleep: what the gateway itself adds."""
    with awake():
        return latency(setup)


def steady(setup):
    """The same calls a second through each: CPU per call at a load that is not the gateway's most.

    At full speed a gateway that takes less per call has it cheaper still: it finds several calls
    waiting whenever it looks, and wakes nobody."""
    with setup.gateways() as world:
        targets = [target(s, "quick") for s in world.all]
        figures = {}
        for rate in STEADY_RATES:
            rounds = {t.name: [] for t in targets}
            for _ in range(setup.times(ROUNDS)):
                for t in targets:
                    rounds[t.name].append(_cpu_at(t, rate, setup.seconds(5), world.directory))
            nginx = rounds["nginx proxy_pass"]
            figures[f"cpu_us_per_call_at_{rate}"] = {n: round(median(of), 1)
                                                     for n, of in rounds.items()}
            figures[f"cpu_ratio_to_nginx_at_{rate}"] = {
                n: round(median([mine / base for mine, base in zip(of, nginx)]), 2)
                for n, of in rounds.items()}
        return figures


def _cpu_at(t, rate, seconds, directory):
    before = cpu_seconds(t.pid)
    open_loop(t, rate, seconds, directory)
    return 1e6 * (cpu_seconds(t.pid) - before) / (rate * seconds)


def stream_load(t, directory, *options, **popen):
    """The running generator of streams."""
    file = pathlib.Path(directory) / f"stream-{t.port}.json"
    file.write_bytes(t.body)
    argv = [*pinned("load"), BUILT / "stream_load", "--port", t.port, "--path", t.path, "--body", file,
            "--headers", header_lines(t), *options]
    return subprocess.Popen([str(a) for a in argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, **popen)


def streams(setup):
    """100 chunks, one a millisecond: when the first comes, and what each costs."""
    with setup.gateways() as world:
        world.streams.body = target(world.all[0], "streams").body
        targets, failed = _able([target(s, "streams") for s in (world.streams, *world.all)],
                                lambda t: stream_round(t, setup.seconds(10), world.directory))
        rounds = {t.name: [] for t in targets}
        for _ in range(ROUNDS):
            for t in targets:
                rounds[t.name].append(stream_round(t, setup.seconds(10), world.directory))
        figures = {"failed": failed,
                   "cpu_us_per_chunk": {n: round(median([r["cpu_us"] for r in of]), 2)
                                        for n, of in rounds.items() if n != "direct"},
                   "cpu_ratio_rounds_podium": [round(r["cpu_us"] / base["cpu_us"], 2) for r, base in
                                               zip(rounds["podium"], rounds["nginx proxy_pass"])]}
        for q in ("first_p50_us", "first_p99_us"):
            of = {n: [r[q] for r in rs] for n, rs in rounds.items()}
            figures[f"{q}"] = {n: round(median(v), 1) for n, v in of.items()}
            figures[f"added_{q}"] = {
                n: round(median([mine - base for mine, base in zip(v, of["direct"])]), 1)
                for n, v in of.items() if n != "direct"}
        return figures


def _able(targets, warm_up):
    """Those that get through a whole round to warm up; why the others do not: a peer that cannot keep up is
    named, not left out."""
    failed = {}
    for t in targets:
        try:
            warm_up(t)
        except RuntimeError as error:
            failed[t.name] = str(error)[:300]
    if "podium" in failed or "direct" in failed:
        raise RuntimeError(str(failed))
    return [t for t in targets if t.name not in failed], failed


def stream_round(t, seconds, directory):
    before = cpu_seconds(t.pid)
    with stream_load(t, directory, "--rate", STREAM_RATE, "--seconds", seconds) as load:
        said, why = load.communicate()
    report = json.loads(said or "{}")
    if load.returncode != 0 or report["tokens"] != report["streams"] * CHUNKS:
        raise RuntimeError(f"{t.name}: {said}{why}")
    return {**report, "cpu_us": 1e6 * (cpu_seconds(t.pid) - before) / report["tokens"]}


def chunks(setup):
    """CPU per chunk again, with less noise: short rounds in turn, and several processes of each.

    Given are the round that a quarter of them did not exceed, and the median; of all threads, and of
    the one that does the work."""
    return _in_turns(setup, "streams", lambda t, directory: stream_round(t, 1, directory)["tokens"])


def calls(setup):
    """CPU per call of the closed loop again, with less noise: as chunks."""
    return _in_turns(setup, "quick",
                     lambda t, directory: closed_loop(t, 1, directory=directory).requests)


def _in_turns(setup, kind, load):
    """CPU of each gateway for a unit of `load`, which says how many units it was."""
    rounds = {}
    for _ in range(setup.times(PROCESSES)):
        with setup.gateways(peers=False) as world:
            targets = [target(s, kind) for s in world.all]
            for t in targets:
                load(t, world.directory)
            for turn in range(TURNS):
                for t in targets if turn % 2 else targets[::-1]:
                    rounds.setdefault(t.name, []).append(_thread_round(t, load, world.directory))
    figures = {}
    for part, of in (("process", sum), ("busiest_thread", max)):
        cost = {n: sorted(of(threads) for threads in rs) for n, rs in rounds.items()}
        for which, at in (("quarter", 0.25), ("median", 0.5)):
            us = {n: costs[int(len(costs) * at)] for n, costs in cost.items()}
            figures[f"{part}_us_{which}"] = {n: round(v, 2) for n, v in us.items()}
            figures[f"{part}_ratio_to_nginx_{which}"] = {
                n: round(v / us["nginx proxy_pass"], 3) for n, v in us.items()}
    return figures


def _thread_round(t, load, directory):
    """CPU µs per unit of each thread."""
    before = thread_cpu_seconds(t.pid)
    units = load(t, directory)
    after = thread_cpu_seconds(t.pid)
    return [1e6 * (used - before.get(thread, 0)) / units for thread, used in after.items()]


def idle(setup):
    """Streams whose provider says one token and then nothing: what each keeps in memory."""
    count, figures = setup.times(IDLE_STREAMS), {}
    with setup.gateways(peers=False) as world:
        for server in world.all:
            t = target(server, "idle")
            before = rss_bytes(t.pid)
            with stream_load(t, world.directory, "--hold", count, stdin=subprocess.PIPE) as load:
                report = json.loads(load.stdout.readline() or "{}")
                if report.get("streams") != count:
                    raise RuntimeError(f"{t.name}: {report}")
                held = rss_bytes(t.pid)
                load.stdin.close()
            figures[t.name] = {"streams": count, "rss_mib_before": round(before / 2**20, 1),
                               "rss_mib": round(held / 2**20, 1),
                               "bytes_per_stream": round((held - before) / count)}
    return figures


def soak(setup):
    """Ten minutes of calls at a constant rate, and of streams: memory by the minute."""
    with setup.gateways(peers=False) as world:
        podium, memory = world.all[2], []
        end = time.monotonic() + setup.seconds(SOAK_SECONDS)
        while time.monotonic() < end:
            open_loop(target(podium, "quick"), SOAK_RATE, setup.seconds(50), world.directory)
            stream_round(target(podium, "streams"), setup.seconds(10), world.directory)
            memory.append(round(rss_bytes(podium.pid) / 2**20, 1))
        return {"rss_mib": memory}


CASES = {f.__name__: f for f in (throughput, calls, latency, latency_awake, steady, streams, chunks,
                                 idle, soak)}
