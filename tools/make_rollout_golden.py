#!/usr/bin/env python3
"""Writes the golden values of the module rollout, computed by an implementation that is not ours.

    python3 -m venv build/golden
    build/golden/bin/pip install --no-deps --require-hashes -r tools/rollout_golden_requirements.txt
    build/golden/bin/python tools/make_rollout_golden.py > tests/data/rollout/golden.json

Everything is written the way the papers have it: products of likelihood ratios as numbers of 60 digits, of
which the logarithm is taken once, at the end. Nothing is shared with the C++ code, which never leaves
log space. A counter file from outside can be judged too:

    build/golden/bin/python tools/make_rollout_golden.py --evidence counters.json
"""

import argparse
import json
import random
import sys

from mpmath import mp, mpf

mp.dps = 60
ERRORS, P50, P90 = (0.25, 16), (0.0625, 16), (0.125, 16)
GRIDS = {"errors": ERRORS, "p99": ERRORS, "p90": P90, "p50": P50}


# The label test.

def theta(rho, r):
    return rho * r / (1 - rho + rho * r)


def likelihood_ratio(step, r, r0):
    rho, s, n = mpf(step["rho"]), step["canary"], step["all"]
    if rho <= 0 or rho >= 1:
        return mpf(1)
    p, q = theta(rho, r), theta(rho, r0)
    return (p / q) ** s * ((1 - p) / (1 - q)) ** (n - s)


def label_e(steps, octaves, points, null=None):
    total = mpf(0)
    for j in range(1, points + 1):
        product = mpf(1)
        for step in steps:
            r0 = mpf(step["r0"]) if null is None else mpf(null)
            product *= likelihood_ratio(step, r0 * mpf(2) ** (mpf(octaves) * j), r0)
        total += product
    return total / points


def regression_e(steps, declared, octaves, points):
    """Half on the start at step 0, half on the later starts; one that has not happened is 1."""
    if not steps:
        return mpf(1)
    if declared == 1:
        return label_e(steps, octaves, points)
    total = label_e(steps, octaves, points) / 2
    if declared:
        for k in range(1, declared):
            e = label_e(steps[k:], octaves, points) if k < len(steps) else mpf(1)
            total += e / (2 * (declared - 1))
        return total
    spent = mpf(0)
    for k in range(1, len(steps)):
        weight = mpf(1) / (2 * k * (k + 1))
        spent += weight
        total += weight * label_e(steps[k:], octaves, points)
    return total + mpf(1) / 2 - spent


def non_inferiority_e(steps, margin):
    return label_e(steps, -0.25, 8, null=margin)


def absolute_e(limit, bad, units):
    p0, total = mpf(limit), mpf(0)
    for j in range(1, 9):
        p = p0 * mpf(2) ** (-mpf(j) / 2)
        total += (p / p0) ** bad * ((1 - p) / (1 - p0)) ** (units - bad)
    return total / 8


def above_e(limit, bad, units):
    p0, total = mpf(limit), mpf(0)
    for j in range(1, 9):
        odds = p0 / (1 - p0) * mpf(2) ** (mpf(j) / 2)
        p = odds / (1 + odds)
        total += (p / p0) ** bad * ((1 - p) / (1 - p0)) ** (units - bad)
    return total / 8


def promotion_e(steps, margin, absolute):
    relative = non_inferiority_e(steps, margin)
    return relative if absolute is None else (relative + absolute_e(*absolute)) / 2


# The others.

def sample_ratio_e(weights, counts):
    used = [(mpf(w), x) for w, x in zip(weights, counts) if w > 0]
    n = sum(x for _, x in used)
    e = mp.gamma(100) / mp.gamma(100 + n)
    for w, x in used:
        e *= mp.gamma(100 * w + x) / mp.gamma(100 * w) / w ** x
    return e


def bounded_e(margin, differences):
    m, total = (1 - mpf(margin)) / 2, mpf(0)
    for j in range(1, 10):
        product = mpf(1)
        for d in differences:
            product *= 1 + mpf(j) / 10 / m * ((1 + mpf(d)) / 2 - m)
        total += product
    return total / 9


def score_e(canary, active, rho, r0):
    rho, r0, total = mpf(rho), mpf(r0), mpf(0)
    for i in range(10):
        b, product = mpf("0.98") * mpf(2) ** (-mpf(6) * i / 10), mpf(1)
        for cell in range(16):
            x = mpf(cell + 1) / 16
            product *= (1 + b * x * (1 - rho) / (rho * r0)) ** canary[cell]
            product *= (1 - b * x) ** active[cell]
        total += product
    return total / 10


def asymptotic_radius(n, squares, alpha, planned):
    t, a = mpf(n), mpf(alpha)
    q2 = (-2 * mp.log(a) + mp.log(-2 * mp.log(a)) + 1) / mpf(planned)
    return mp.sqrt(mpf(squares) / t) * mp.sqrt(
        2 * (t * q2 + 1) / (t * t * q2) * mp.log(mp.sqrt(t * q2 + 1) / a))


def attempt_alpha(alpha, k):
    return mpf(alpha) * 6 / (mp.pi ** 2 * k ** 2)


def bisect(low, high, is_low):
    for _ in range(120):
        middle = (low + high) / 2
        low, high = (middle, high) if is_low(middle) else (low, middle)
    return mpf(2) ** ((low + high) / 2)


def ratio(steps, lower_threshold, upper_threshold):
    estimate = bisect(mpf(-20), mpf(20), lambda o: sum(
        s["canary"] - s["all"] * theta(mpf(s["rho"]), mpf(2) ** o) for s in steps) > 0)
    lower = bisect(mpf(-20), mpf(20), lambda o: mp.log(
        label_e(steps, 0.25, 16, null=mpf(2) ** o)) >= lower_threshold)
    upper = bisect(mpf(-20), mpf(20), lambda o: mp.log(
        non_inferiority_e(steps, mpf(2) ** o)) < upper_threshold)
    return estimate, lower, upper


# The verdict from counters alone, as the documents combine it.

def epoch_weight(k, declared):
    return mpf(1) / declared if declared else mpf(1) / (k * (k + 1))


def judge(e):
    sticky = e.get("unit", "request") == "sticky"
    alpha_r = attempt_alpha(e.get("alpha_rollback", 0.05), e.get("attempt", 1))
    alpha_p = attempt_alpha(e.get("alpha_promote", 0.05), e.get("attempt", 1))
    declared = e.get("declared_steps", 0)
    rhos = [s.get("label_probability", s["share_pct"] / 100) for s in e["steps"]]
    ratios = [sample_ratio_e((rho, 1 - rho), (s["canary_units"], s["units"] - s["canary_units"]))
              for rho, s in zip(rhos, e["steps"])]
    if sticky:
        ratios = [x * epoch_weight(k, declared) for k, x in enumerate(ratios, 1)]
    sample_ratio = max(ratios) if sticky else mp.fprod(ratios)
    weights = sum(mpf(m.get("weight", 1)) for m in e["metrics"])
    combined, alarm, passes, promotions, alarms = mpf(0), False, [], [], []
    for metric in e["metrics"]:
        weight = mpf(metric.get("weight", 1)) / weights / len(metric["series"])
        for series in metric["series"]:
            grid = GRIDS[series.get("grid", "errors")]
            steps = [{"rho": rho, "r0": s.get("null_ratio", 1.1), "canary": s["canary_events"],
                      "all": s["events"]} for rho, s in zip(rhos, series["steps"])]
            p0 = series.get("absolute_limit")
            # A report stands for a unit, counted already or not.
            seen = sum(max(s["canary_units"], raw["canary_events"] if series.get("reported") else 0)
                       for s, raw in zip(e["steps"], series["steps"]))
            if not sticky:
                one = regression_e(steps, declared, *grid)
                if "harmless_rate" in series:
                    one = min(one, above_e(series["harmless_rate"], sum(s["canary"] for s in steps),
                                           seen))
                combined += weight * one
                alarms.append(one)
                absolute = None if p0 is None else (p0, sum(s["canary"] for s in steps), seen)
                promote = promotion_e(steps, e.get("margin", 1.5), absolute)
                needs = 1 / alpha_p
            else:
                best = None
                for k, (step, raw) in enumerate(zip(steps, series["steps"]), 1):
                    closed = raw.get("closed", {})
                    one = max(label_e([step], *ERRORS),
                              score_e(closed.get("canary", [0] * 16), closed.get("active", [0] * 16),
                                      step["rho"], step["r0"]))
                    lacks = 2 / (weight * epoch_weight(k, declared) * alpha_r) / one
                    if best is None or lacks <= best[0]:
                        best = (lacks, one)
                alarm = alarm or best[0] <= 1
                alarms.append(best[1])
                raw, judged = series["steps"][-1], series["steps"][-1].get("judged", {})
                q, r1 = mpf(judged.get("repeat_share", 0)), mpf(e.get("margin", 1.5))
                margin = r1 * (1 - 2 * (r1 - 1) * q)
                early = [{"rho": rhos[-1], "canary": raw.get("canary_early", 0),
                          "all": raw.get("early", 0)}]
                absolute = None if p0 is None else (
                    p0, raw.get("canary_early", 0), raw.get("canary_judged", 0))
                promote = promotion_e(early, margin, absolute) if margin > 1 else mpf(1)
                needs = mpf("inf") if margin <= 1 else 1 / (
                    alpha_p * epoch_weight(e.get("epoch_of_step", 1), e.get("epochs_in_step", 1)))
            promotions.append(promote)
            if metric.get("guards_promotion", True):
                passes.append(promote >= needs)
    if sample_ratio >= 1000:
        decision = "freeze"
    elif alarm if sticky else combined >= 1 / alpha_r:
        decision = "roll_back"
    elif passes and all(passes):
        decision = "step_up"
    else:
        decision = "hold"
    answer = {"decision": decision, "log_e_sample_ratio": number(mp.log(sample_ratio)),
              "log_e_alarm": [number(mp.log(x)) for x in alarms],
              "log_e_promote": [number(mp.log(x)) for x in promotions]}
    if not sticky:
        answer["log_e_rollback"] = number(mp.log(combined))
    return answer


# The cases.

def number(x):
    return float(mp.nstr(x, 17))


def step(rho, canary, events, r0=1.0):
    return {"rho": rho, "r0": r0, "canary": canary, "all": events}


def random_steps(rng):
    steps = []
    for _ in range(rng.randint(1, 6)):
        rho = rng.choice([0.0, 0.01, 0.05, 0.25, 0.5, 0.5, 0.9, 1.0])
        events = rng.choice([0, 3, 40, 700, 20000])
        true = theta(rho, rng.choice([0.3, 0.8, 1.0, 1.3, 3.0]))
        canary = min(events, max(0, round(events * true + rng.gauss(0, 1) * events ** 0.5 / 2)))
        steps.append(step(rho, canary if 0 < rho < 1 else round(rho) * events, events,
                          rng.choice([1.0, 1.1, 1.5, 2.25])))
    return steps


def label_cases(rng):
    chosen = [[], [step(0.05, 0, 0)], [step(0.05, 1, 1)], [step(0.5, 0, 1)], [step(0.05, 29, 90)],
              [step(0.0, 0, 5), step(1.0, 7, 7)], [step(0.05, 520000, 10_000_000)],
              [step(0.25, 10, 40), step(0.5, 30, 50, 1.1)]]
    for steps in chosen + [random_steps(rng) for _ in range(40)]:
        for octaves, points in (ERRORS, P90, P50, (-0.25, 8)):
            yield {"steps": steps, "octaves": octaves, "points": points,
                   "log_e": number(mp.log(label_e(steps, octaves, points)))}


def regression_cases(rng):
    for _ in range(40):
        steps = random_steps(rng)
        for declared in (0, len(steps), len(steps) + 3):
            yield {"steps": steps, "declared": declared,
                   "log_e": number(mp.log(regression_e(steps, declared, *ERRORS)))}


def promotion_cases(rng):
    # The document's example: no error in 1,000 requests against 0.5 %; alone 3.99, halved 3.30.
    chosen = [([], 3.0, (0.005, 0, 1000)), ([step(0.05, 0, 0)], 2.0, None)]
    for _ in range(40):
        units = rng.randint(0, 50000)
        chosen.append((random_steps(rng), rng.choice([1.25, 1.5, 2.0, 3.0]),
                       rng.choice([None, (rng.choice([0.001, 0.005, 0.02, 0.5]),
                                          rng.randint(0, units // 50), units)])))
    for steps, margin, absolute in chosen:
        yield {"steps": steps, "margin": margin, "absolute": absolute,
               "log_e": number(mp.log(promotion_e(steps, margin, absolute))),
               "log_e_absolute": number(mp.log(absolute_e(*absolute))) if absolute else None,
               "log_e_above": number(mp.log(above_e(*absolute))) if absolute else None}


def sample_ratio_cases(rng):
    chosen = [((0.05, 0.95), (0, 0)), ((0.05, 0.95), (1, 0)), ((0.05, 0.95), (500_000, 9_500_000)),
              ((0.05, 0.95), (505_000, 9_495_000)), ((0.0, 1.0), (0, 50)),
              ((0.2, 0.3, 0.5), (210, 280, 510))]
    for _ in range(40):
        w, n = rng.choice([0.0001, 0.01, 0.05, 0.25, 0.5]), rng.randint(0, 30000)
        x = min(n, max(0, round(n * w * rng.choice([0.7, 0.95, 1.0, 1.05, 1.4]))))
        chosen.append(((w, 1 - w), (x, n - x)))
    for weights, counts in chosen:
        yield {"weights": weights, "counts": counts,
               "log_e": number(mp.log(sample_ratio_e(weights, counts)))}


def bounded_cases(rng):
    for n in (0, 1, 2, 30, 300):
        for shift in (-0.4, 0.0, 0.2):
            values = [max(-1.0, min(1.0, round(rng.gauss(shift, 0.5), 3))) for _ in range(n)]
            for margin in (0.0, 0.05, 0.5):
                yield {"margin": margin, "differences": values,
                       "log_e": number(mp.log(bounded_e(margin, values)))}


def histogram(rng, most):
    return [rng.randint(0, most // (cell + 1)) for cell in range(16)]


def score_cases(rng):
    yield {"canary": [0] * 16, "active": [0] * 16, "rho": 0.05, "r0": 1.0, "log_e": 0.0}
    for _ in range(40):
        canary, active = histogram(rng, rng.choice([0, 8, 200])), histogram(rng, 400)
        rho, r0 = rng.choice([0.01, 0.05, 0.25, 0.5]), rng.choice([1.0, 1.1, 1.5])
        yield {"canary": canary, "active": active, "rho": rho, "r0": r0,
               "log_e": number(mp.log(score_e(canary, active, rho, r0)))}


def ratio_cases():
    for steps in ([step(0.05, 90, 900)], [step(0.05, 45, 1000)], [step(0.5, 400, 1000)],
                  [step(0.01, 20, 1000), step(0.05, 80, 1200), step(0.25, 500, 1500)],
                  [step(0.25, 30, 400), step(0.5, 90, 500)]):
        for lower, upper in ((3.0, 3.0), (4.6, 3.5)):
            estimate, low, high = ratio(steps, lower, upper)
            yield {"steps": steps, "lower_threshold": lower, "upper_threshold": upper,
                   "estimate": number(estimate), "lower": number(low), "upper": number(high)}


def other_cases():
    for k in (1, 2, 3, 10):
        yield {"attempt": k, "alpha": 0.05, "attempt_alpha": number(attempt_alpha(0.05, k))}
    for n, squares in ((2, 0.5), (1000, 4000.0), (10 ** 6, 2.5e6)):
        yield {"n": n, "squares": squares, "alpha": 0.05, "planned": 10000.0,
               "radius": number(asymptotic_radius(n, squares, 0.05, 10000.0))}


def units(share_pct, canary, total):
    return {"share_pct": share_pct, "canary_units": canary, "units": total}


def events(canary, total, null_ratio=1.1, **more):
    return {"null_ratio": null_ratio, "canary_events": canary, "events": total, **more}


def request_evidence(steps, errors, slow=None, **more):
    metrics = [{"name": "error rate", "series": [{"name": "errors", "steps": errors}]}]
    if slow:
        metrics.append({"name": "latency", "series": [
            {"name": name, "grid": name, "steps": counts} for name, counts in slow.items()]})
    return {"steps": steps, "metrics": metrics, **more}


def sticky_evidence(rng, rates, keys, **more):
    steps, series = [], []
    for share, worse in rates:
        canary_keys = round(keys * share / 100)
        hit_canary, hit_active = round(canary_keys * 0.02 * worse), round((keys - canary_keys) * 0.02)
        steps.append(units(share, canary_keys, keys))
        closed = {"canary": [0] * 16, "active": [0] * 16}
        for arm, hit in (("canary", hit_canary), ("active", hit_active)):
            for _ in range(hit * 3 // 4):
                closed[arm][min(15, int(rng.expovariate(0.7)))] += 1
        early = (hit_canary * 4 // 5, hit_active * 4 // 5)
        series.append(events(hit_canary, hit_canary + hit_active, closed=closed,
                             judged={"requests": 8, "repeat_share": 0.05}, canary_early=early[0],
                             early=sum(early), canary_judged=canary_keys))
    return {"unit": "sticky", "steps": steps, "declared_steps": 8, "metrics": [
        {"name": "error rate", "series": [{"name": "errors", "steps": series}]}], **more}


def evidence_cases(rng):
    ramp = [units(1, 1002, 100000), units(5, 4990, 100000), units(25, 25011, 100000)]
    quiet = [events(10, 1004), events(49, 1000), events(252, 1000)]
    slow = {"p50": [events(500, 50000), events(2510, 50100), events(12400, 49800)],
            "p90": [events(99, 10010), events(510, 10000), events(2480, 10100)],
            "p99": [events(12, 1003), events(55, 1020), events(251, 999)]}
    yield request_evidence(ramp, quiet, declared_steps=4, margin=1.5, next_share_pct=50)
    yield request_evidence(ramp, quiet, slow, declared_steps=4, margin=2.0, attempt=2)
    yield request_evidence(ramp, [events(10, 1004), events(49, 1000), events(420, 1170)], slow,
                           declared_steps=4)
    yield request_evidence(ramp[:2], [events(30, 1024), events(70, 1021)], declared_steps=0)
    yield request_evidence([units(5, 6000, 100000)], [events(49, 1000)])
    rare = request_evidence([units(5, 2000, 40000)], [events(0, 4)], margin=3.0)
    rare["metrics"][0]["series"][0]["absolute_limit"] = 0.005
    yield rare
    for harmless in (0.005, 0.02):  # The candidate's rate is about 1.7 %.
        held = request_evidence(ramp, [events(10, 1004), events(49, 1000), events(420, 1170)])
        held["metrics"][0]["series"][0]["harmless_rate"] = harmless
        yield held
    # Reports ahead of their units: 40 of 30 seen in the last step.
    ahead = request_evidence([units(5, 480, 10000), units(50, 30, 60)],
                             [events(3, 70), events(40, 41)])
    ahead["metrics"][0]["series"][0].update(reported=True, absolute_limit=0.02, harmless_rate=0.01)
    yield ahead
    yield sticky_evidence(rng, [(1, 1), (5, 1), (25, 1)], 20000)
    yield sticky_evidence(rng, [(1, 1), (5, 2.4), (25, 1)], 20000)
    yield sticky_evidence(rng, [(5, 1), (25, 3)], 20000, attempt=3)
    yield sticky_evidence(rng, [(5, 0.9), (25, 0.8), (50, 0.9)], 60000, margin=2.0)


def cases():
    rng = random.Random(20261122)
    return {"label": list(label_cases(rng)), "regression": list(regression_cases(rng)),
            "promotion": list(promotion_cases(rng)),
            "sample_ratio": list(sample_ratio_cases(rng)), "bounded": list(bounded_cases(rng)),
            "score": list(score_cases(rng)), "ratio": list(ratio_cases()),
            "other": list(other_cases()),
            "evidence": [{"evidence": e, "verdict": judge(e)} for e in evidence_cases(rng)]}


def text(groups):
    """One case a line, so that a change shows as the lines it touches."""
    blocks = []
    for name, group in groups.items():
        lines = ",\n  ".join(json.dumps(each) for each in group)
        blocks.append(f'"{name}": [\n  {lines}\n]')
    return "{" + ",\n".join(blocks) + "}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evidence", type=argparse.FileType("r"))
    arguments = parser.parse_args()
    if arguments.evidence:
        print(json.dumps(judge(json.load(arguments.evidence))))
    else:
        sys.stdout.write(text(cases()))


if __name__ == "__main__":
    main()
