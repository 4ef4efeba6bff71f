"""Whether a change made something slower, from paired runs. Pure."""

import dataclasses
import math
import random

MARGIN = 0.10  # What counts as slower: a ratio of changed to base above 1 + MARGIN.
LEAST_PAIRS = 10
CONFIDENCE = 0.95
RESAMPLES = 4000
SEED = 1


@dataclasses.dataclass(frozen=True)
class Verdict:
    slower: bool
    ratio: float  # Median of changed / base over the pairs.
    low: float    # Bounds of that median at CONFIDENCE, by bootstrap over the pairs.
    high: float
    pairs: int

    def __str__(self):
        word = "SLOWER" if self.slower else "not slower"
        return (f"{word}: {self.ratio:.3f} times the base ({self.low:.3f} to {self.high:.3f} at "
                f"{CONFIDENCE:.0%}, {self.pairs} pairs)")


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def judge(base, changed, margin=MARGIN):
    """Slower when the median of the paired ratios is above 1 + margin and its interval is too.

    base[i] and changed[i] were measured one right after the other, so that what else the machine
    did falls out of their ratio; one wild pair moves neither the median nor, by much, the interval.
    """
    if len(base) != len(changed) or len(base) < LEAST_PAIRS:
        raise ValueError(f"{len(base)} and {len(changed)} runs: {LEAST_PAIRS} pairs are needed")
    if min(*base, *changed) <= 0 or not all(map(math.isfinite, [*base, *changed])):
        raise ValueError("a measurement is not a positive number")
    ratios = [new / old for old, new in zip(base, changed)]
    chance = random.Random(SEED)
    medians = sorted(median(chance.choices(ratios, k=len(ratios))) for _ in range(RESAMPLES))
    tail = (1 - CONFIDENCE) / 2
    low, high = medians[int(tail * RESAMPLES)], medians[int((1 - tail) * RESAMPLES) - 1]
    return Verdict(low > 1 + margin, median(ratios), low, high, len(ratios))
