"""What is measured. Each case takes a Plan and gives its figures by name."""

import contextlib
import dataclasses
import datetime
import json
import os
import pathlib
import subprocess
import threading
import time

from crowd import Crowd
from harness import (ROUTE, MlServer, Nginx, Podium, closed_loop, open_loop, open_loop_argv,
                     rss_bytes, scratch, system_calls)
from prediction_cases import predictions, predictions_postgres
from registry_cases import lists, lists_postgres, retention
from verdict import median

ROUNDS = 5
MODEST_RATE = 2000      # Requests a second: far below what one core can do.
ROLLBACKS = 200
TABLE_ROUTES = 1000
TABLE_VERSIONS = 10     # Of each route.
IDLE, SLOW = 10_000, 2_000
HOUR_OF_REQUESTS = 3600 * 50


@dataclasses.dataclass(frozen=True)
class Plan:
    build: pathlib.Path
    scale: float  # Of the stretches of time and the numbers of repetitions.

    @property
    def podium(self):
        return self.build / "podium"

    @property
    def peers(self):
        """The interpreter that has what bench/requirements.txt names."""
        return self.build / "peers" / "bin" / "python"

    def bench(self, name, *options):
        ended = subprocess.run([self.build / "bench" / name, "--benchmark_format=json", *options],
                               capture_output=True, text=True, check=True)
        return {b["name"]: b for b in json.loads(ended.stdout)["benchmarks"]}

    def seconds(self, full):
        return max(1, round(full * self.scale))

    def times(self, full):
        return max(2, round(full * self.scale))


def quantile(values, q):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def decide(plan):
    """One decision in a table of 1,000 routes with varied keys: median of batch means."""
    found = plan.bench("choose_bench", f"--benchmark_min_time={plan.seconds(5)}")
    return {name: {"median_ns": round(b["median_ns"], 1), "allocations": int(b["allocations"]),
                   "batches": int(b["batches"])} for name, b in found.items()}


def predict(plan):
    """CPU per /predict over 64 kept connections, beside nginx that answers by itself."""
    with scratch() as directory, Podium(plan.podium, directory) as podium:
        podium.seed()
        _, _, answer = podium.call("POST", podium.path, podium.body)
        with Nginx(directory, answer.decode()) as nginx:
            return {**_cpu(plan, podium, nginx, directory),
                    **_latency(plan, podium, nginx, directory),
                    "system_calls": {s.name: system_calls(s, directory) for s in (podium, nginx)}}


def _cpu(plan, podium, peer, directory):
    rounds = {podium.name: [], peer.name: []}
    for _ in range(ROUNDS):
        for server in (podium, peer):
            rounds[server.name].append(closed_loop(server, plan.seconds(10), directory=directory))
    ratios = [ours.cpu_us / theirs.cpu_us
              for ours, theirs in zip(rounds[podium.name], rounds[peer.name])]
    return {"cpu_us_per_request": {name: round(median([r.cpu_us for r in of]), 2)
                                   for name, of in rounds.items()},
            "cpu_ratio": round(median(ratios), 2),
            "cpu_ratio_rounds": [round(r, 2) for r in ratios],
            "requests_per_second": {name: round(median([r.per_second for r in of]))
                                    for name, of in rounds.items()}}


def _latency(plan, podium, nginx, directory):
    rounds = {podium.name: [], nginx.name: []}
    for _ in range(plan.times(3)):
        for server in (podium, nginx):
            rounds[server.name].append(
                open_loop(server, MODEST_RATE, plan.seconds(10), directory))
    return {f"{q}_at_{MODEST_RATE}_per_second": {name: median([r[q] for r in of])
                                                 for name, of in rounds.items()}
            for q in ("p50_us", "p99_us")}


def protocol(plan):
    """CPU per call of the Open Inference Protocol, beside MLServer with the same model."""
    with scratch() as directory, Podium(plan.podium, directory) as podium:
        podium.seed()
        podium.path, podium.body = MlServer.path, MlServer.body
        with MlServer(plan.peers, directory) as peer:
            return _cpu(plan, podium, peer, directory)


def rollback(plan):
    """From a rollback's commit to the last answer of what it took back, under load.

    The beginning is the time in the audit row, which is taken before the commit is on disk: the
    figures are an upper bound. The end is when the caller has read the answer.
    """
    count = plan.times(ROLLBACKS)
    with scratch() as directory:
        podium = Podium(plan.podium, directory).seed()
        podium.must("DELETE", f"/api/v1/routes/{ROUTE}/canary", {})
        rival = podium.register(ROUTE, "v3", status="shadow")
        log = directory / "answers.txt"
        seconds = 5 + count // 10
        load = subprocess.Popen(open_loop_argv(podium, MODEST_RATE, seconds, directory, answers=log),
                                stdout=subprocess.PIPE, text=True)
        try:
            changes = [_forth_and_back(podium, rival) for _ in range(count)]
            report = json.loads(load.communicate()[0])
        finally:
            load.kill()
            podium.stop()
        answers = [line.split() for line in log.read_text().splitlines()]
    late = [_last_answer_of_before(answers, *change) for change in changes]
    late = [l for l in late if l is not None]
    return {"rollbacks": len(changes), "with_answers_of_before": len(late),
            "failed_requests": report["failed"],
            "p50_ms": round(quantile(late, 0.5) / 1000, 2),
            "p99_ms": round(quantile(late, 0.99) / 1000, 2), "max_ms": round(max(late) / 1000, 2)}


def _forth_and_back(podium, rival):
    """A promotion and the rollback that undoes it; gives the latter's (audit time in µs, generation)."""
    podium.must("POST", f"/api/v1/versions/{rival}/promote", {})
    change = podium.must("POST", f"/api/v1/routes/{ROUTE}/rollback", {})["change"]
    at = datetime.datetime.fromisoformat(change["at"].replace("Z", "+00:00"))
    return round(at.timestamp() * 1_000_000), change["revision"]


def _last_answer_of_before(answers, at_us, generation):
    """Microseconds from the commit to the last answer that was pinned before it; None without."""
    late = [int(read) - at_us for _, _, read, of, _ in answers
            if int(of) < generation and int(read) >= at_us]
    return max(late) if late else None


def publish(plan):
    """1,000 routes and 10,000 versions: compile and publish, and what live calls feel of it."""
    found = plan.bench("publish_bench", f"--benchmark_min_time={plan.seconds(5)}")
    figures = {f"{name}_ms": round(b["real_time"], 2) for name, b in found.items()}
    with scratch() as directory:
        podium = Podium(plan.podium, directory).seed()
        try:
            canaries = _fill_table(podium, plan)
            quiet, busy, changes = [], [], 0
            for _ in range(plan.times(ROUNDS)):
                quiet.append(open_loop(podium, MODEST_RATE, plan.seconds(5), directory)["p99_us"])
                with Changing(podium, canaries) as changing:
                    busy.append(open_loop(podium, MODEST_RATE, plan.seconds(5), directory)["p99_us"])
                changes += changing.count
        finally:
            podium.stop()
    return {**figures, "routes": len(canaries), "changes_meanwhile": changes,
            "p99_us_undisturbed": median(quiet), "p99_us_while_publishing": median(busy),
            "p99_ratio": round(median([b / q for b, q in zip(busy, quiet)]), 2)}


def _fill_table(podium, plan):
    """Registers the table; gives (route, canary) of each route."""
    uri = podium.must("GET", f"/api/v1/versions?route={ROUTE}")["items"][0]["artifact_uri"]
    canaries = []
    for number in range(plan.times(TABLE_ROUTES)):
        route, ids = f"route-{number:04}", []
        for version in range(TABLE_VERSIONS):
            ids.append(podium.must("POST", "/api/v1/versions", {
                "route": route, "name": route, "version": f"v{version}", "artifact_uri": uri,
                "load": "lazy"})["model_id"])
        podium.must("POST", f"/api/v1/versions/{ids[0]}/activate", {})
        podium.must("PUT", f"/api/v1/routes/{route}/canary",
                    {"model_id": ids[1], "traffic_pct": 5})
        canaries.append((route, ids[1]))
    return canaries


class Changing(threading.Thread):
    """Moves the share of one canary after the other, ten a second."""

    def __init__(self, podium, canaries):
        super().__init__()
        self.podium, self.canaries, self.count = podium, canaries, 0
        self.stop = threading.Event()

    def run(self):
        while not self.stop.wait(0.1):
            route, canary = self.canaries[self.count % len(self.canaries)]
            self.count += 1
            self.podium.must("PUT", f"/api/v1/routes/{route}/canary",
                             {"model_id": canary, "traffic_pct": 5 + self.count % 40})

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.join()


def start(plan):
    """From the start of the process to its first answer; memory, then and after an hour's calls."""
    with scratch() as directory:
        podium = Podium(plan.podium, directory).seed()
        podium.stop()
        times = []
        for _ in range(plan.times(10)):
            podium = Podium(plan.podium, directory)
            times.append(podium.first_answer())
            podium.stop()
        podium = Podium(plan.podium, directory)
        try:
            podium.first_answer()
            figures = {"first_answer_ms": round(1000 * median(times), 1),
                       "first_answer_worst_ms": round(1000 * max(times), 1),
                       "rss_mib_after_start": round(rss_bytes(podium.pid) / 2**20, 1)}
            return {**figures, **_soak(plan, podium, directory)}
        finally:
            podium.stop()


def _soak(plan, podium, directory):
    """As many calls as an hour of 50 a second has, four times, as fast as they go."""
    memory, calls = [], 0
    for _ in range(4):
        wanted, done = HOUR_OF_REQUESTS * plan.scale, 0
        while done < wanted:
            done += closed_loop(podium, plan.seconds(5), directory=directory).requests
        calls += done
        memory.append(round(rss_bytes(podium.pid) / 2**20, 1))
    return {"soak_calls": calls, "rss_mib_by_hour": memory}


@contextlib.contextmanager
def going_first():
    """What is started within goes before all else that the machine does: the crowd shares a CPU with
    the load, and what it takes to be a crowd is no part of what live calls feel. For modest loads
    only. Gives False where that is not allowed."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    except PermissionError:
        yield False
        return
    try:
        yield True
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def connections(plan):
    """10,000 idle and 2,000 slow connections: what live calls feel, and what one costs."""
    def p99(podium, directory):
        return [open_loop(podium, MODEST_RATE, plan.seconds(10), directory)["p99_us"]
                for _ in range(plan.times(3))]

    with scratch() as directory, going_first() as went_first:
        podium = Podium(plan.podium, directory).seed()
        try:
            open_loop(podium, MODEST_RATE, plan.seconds(5), directory)
            before = p99(podium, directory)
            empty = rss_bytes(podium.pid)
            with Crowd(podium, plan.times(IDLE), plan.times(SLOW)) as crowd:
                crowd.settle()
                full = rss_bytes(podium.pid)
                during = p99(podium, directory)
                held = crowd.report()
            if held["idle_still_open"] < held["idle"]:
                raise RuntimeError(f"the crowd was not whole to the end: {held}")
            time.sleep(3)
            after = p99(podium, directory)
        finally:
            podium.stop()
    undisturbed = median(before + after)
    return {**held, "went_first": went_first, "p99_us_undisturbed": undisturbed,
            "p99_us_with_crowd": median(during), "p99_ratio": round(median(during) / undisturbed, 2),
            "bytes_per_connection": round((full - empty) / (held["idle"] + held["slow"]))}


def shadow(plan):
    """What a shadow that sees every call costs its callers: p99 with 100 % against none, in turns."""
    rounds = {"none": [], "all": []}
    with scratch() as directory, Podium(plan.podium, directory) as podium:
        podium.seed()
        podium.register(ROUTE, "shadow", status="shadow")
        path = f"/api/v1/routes/{ROUTE}/shadow"
        open_loop(podium, MODEST_RATE, plan.seconds(5), directory)
        for turn in range(2 * plan.times(5)):
            # none, all, all, none: what drifts meanwhile falls on both.
            name = "all" if turn % 4 in (1, 2) else "none"
            podium.must("PUT", path, {"rate": 1.0 if name == "all" else 0.0})
            rounds[name].append(open_loop(podium, MODEST_RATE, plan.seconds(10), directory))
        seen = podium.must("GET", path)["shadows"][0]
    if seen["sampled_requests"] == 0 or seen["pairs"] == 0:
        raise RuntimeError(f"the shadow has seen nothing: {seen}")
    figures = {f"{q}_{name}": median([r[q] for r in of])
               for name, of in rounds.items() for q in ("p50_us", "p99_us")}
    spread = [r["p99_us"] for r in rounds["none"]]
    return {**figures, "p99_ratio": round(figures["p99_us_all"] / figures["p99_us_none"], 2),
            "p99_us_none_from": min(spread), "p99_us_none_to": max(spread),
            "pairs": seen["pairs"], "shed": seen["shed"]}


CASES = {f.__name__: f for f in (decide, predict, protocol, rollback, publish, start,
                                  connections, shadow, lists, lists_postgres, retention, predictions,
                                  predictions_postgres)}
