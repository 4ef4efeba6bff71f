#!/usr/bin/env python3
"""Writes the golden values of Thompson sampling: P(X > Y) of two Beta variables, posteriors outcome by outcome.

    build/golden/bin/python tools/make_thompson_golden.py > tests/data/rollout/thompson.json

Nothing is shared with the C++ code: the probability is the integral of one density times the other's incomplete beta
function (scipy) over the rate itself, for whole numbers a finite sum with 40 digits (mpmath); the discount is applied to each outcome by itself.
"""

import json
import math
import random
import sys

import mpmath as mp
from scipy import integrate, special, stats

mp.mp.dps = 40


def above(a, b):
    (a1, b1), (a2, b2) = a, b
    mean = a1 / (a1 + b1)
    sd = math.sqrt(mean * (1 - mean) / (a1 + b1 + 1))
    bounds = sorted({min(max(mean + k * sd, 0.0), 1.0) for k in range(-40, 41)} | {0.0, 1.0})

    def integrand(x):
        return stats.beta.pdf(x, a1, b1) * special.betainc(a2, b2, x)

    value = math.fsum(integrate.quad(integrand, lo, hi, epsabs=1e-14, epsrel=1e-12)[0]
                      for lo, hi in zip(bounds, bounds[1:]) if hi > lo)
    if all(float(x).is_integer() and x < 20000 for x in (*a, *b)):
        exact = closed_sum(*map(int, (a1, b1, a2, b2)))
        assert abs(exact - value) < 1e-10, (a, b, exact, value)
        return float(exact)
    return value


def closed_sum(a1, b1, a2, b2):
    """P(X > Y) for whole numbers, as a finite sum with 40 digits."""
    def log_beta(x, y):
        return mp.loggamma(x) + mp.loggamma(y) - mp.loggamma(x + y)
    term = mp.exp(log_beta(a2, b1 + b2) - mp.log(b1) - log_beta(1, b1) - log_beta(a2, b2))
    total = term
    for i in range(a1 - 1):
        # B(a2+i, b1+b2) / ((b1+i) B(1+i, b1)), each from the one before.
        term *= mp.mpf(a2 + i) * (b1 + i) / ((a2 + i + b1 + b2) * mp.mpf(1 + i))
        total += term
    return total


def posterior(epochs, discount):
    weights = {"candidate": [mp.mpf(1), mp.mpf(1)], "primary": [mp.mpf(1), mp.mpf(1)]}
    later = 0
    for epoch in reversed(epochs):
        count = sum(sum(epoch[arm]) for arm in epoch)
        # Evenly mixed: an outcome has each place of the epoch with the same probability.
        mean = sum(mp.mpf(discount) ** place for place in range(count)) / count if count else 0
        for arm, (successes, failures) in epoch.items():
            weights[arm][0] += mean * mp.mpf(discount) ** later * successes
            weights[arm][1] += mean * mp.mpf(discount) ** later * failures
        later += count
    return {arm: [float(x) for x in pair] for arm, pair in weights.items()}


def main():
    rng = random.Random(20260310)
    pairs = [((1, 1), (1, 1)), ((2, 1), (1, 2)), ((1, 1), (500, 3)), ((10.5, 3.25), (7.75, 2.125)), ((1, 2001), (1, 2001)),
             ((996.5, 4.5), (9000, 31)), ((9951, 51), (9961, 41)), ((300.5, 700.5), (330.25, 670.75)), ((50, 1), (1, 50)),
             ((99001, 1001), (98901, 1101)), ((1.0e6, 1.0e3), (1.0e6, 1.05e3)), ((5.0e6, 5.0e6), (5.001e6, 4.999e6))]
    pairs += [((1 + rng.expovariate(1 / 200), 1 + rng.expovariate(1 / 20)), (1 + rng.expovariate(1 / 200),
               1 + rng.expovariate(1 / 20))) for _ in range(8)]
    logs = [(0.9999, [{"candidate": (40, 1), "primary": (950, 9)}, {"candidate": (480, 20), "primary": (495, 5)}]),
            (0.99, [{"candidate": (10, 2), "primary": (300, 1)}, {"candidate": (0, 0), "primary": (0, 0)},
                    {"candidate": (3, 0), "primary": (17, 4)}]),
            (1.0, [{"candidate": (5, 6), "primary": (7, 8)}, {"candidate": (1, 1), "primary": (1, 1)}])]
    golden = {"above": [{"a": a, "b": b, "want": float(above(a, b))} for a, b in pairs],
              "posteriors": [{"discount": d, "epochs": e, "want": posterior(e, d)} for d, e in logs]}
    json.dump(golden, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
