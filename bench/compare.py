"""Whether this build is slower than an earlier one: paired runs, one right after the other."""

import pathlib

from harness import Podium, closed_loop, scratch
from verdict import LEAST_PAIRS, judge

import cases


def run(build, base, quick=False):
    """Prints a verdict for each figure; 1 when one of them is slower, and again when repeated."""
    base = pathlib.Path(base)
    seconds = 1 if quick else 5
    failed = False
    for name, measure in (("decide", _decisions), ("predict", _predictions)):
        verdict = judge(*measure(base, build, seconds))
        print(f"{name}: {verdict}", flush=True)
        if verdict.slower:  # Once is an accident of the machine until it has happened twice.
            verdict = judge(*measure(base, build, seconds))
            print(f"{name}, repeated: {verdict}", flush=True)
            failed |= verdict.slower
    return 1 if failed else 0


def _decisions(base, build, seconds):
    """Nanoseconds of one decision, for each pair."""
    def once(directory):
        plan = cases.Plan(pathlib.Path(directory), 1.0)
        found = plan.bench("choose_bench", "--benchmark_filter=FindChooseChain",
                           f"--benchmark_min_time={seconds / 5}")
        return found["FindChooseChain"]["median_ns"]
    return _pairs(lambda: once(base), lambda: once(build))


def _predictions(base, build, seconds):
    """CPU of one /predict, for each pair. Both servers stand ready all the time."""
    with scratch() as one, scratch() as other:
        servers = [Podium(base / "podium", one).seed(), Podium(build / "podium", other).seed()]
        try:
            return _pairs(*[lambda s=s, d=d: closed_loop(s, seconds, directory=d).cpu_us
                            for s, d in zip(servers, (one, other))])
        finally:
            for server in servers:
                server.stop()


def _pairs(base, changed):
    """Which of the two goes first changes from pair to pair: being second may be an advantage."""
    figures = [], []
    for pair in range(LEAST_PAIRS):
        order = ((0, base), (1, changed)) if pair % 2 == 0 else ((1, changed), (0, base))
        for side, once in order:
            figures[side].append(once())
    return figures
