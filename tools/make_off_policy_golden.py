#!/usr/bin/env python3
"""Writes the golden values of off-policy evaluation: the estimators as their papers have them, in numpy.

    build/golden/bin/python tools/make_off_policy_golden.py > tests/data/compare/off_policy.json

Nothing is shared with the C++ code: everything is an array of the whole log, clusters are a matrix. With `--obp` nothing is
written: the values are compared with those of the Open Bandit Pipeline (pip install obp; it was 0.4.1).
"""

import importlib
import importlib.util
import json
import pathlib
import sys
import types

import numpy as np

Z = 1.959963984540054


def estimate(values, weights, units):
    mean = np.sum(weights * values) / weights.sum()
    member = (units[:, None] == np.unique(units)[None, :]).astype(float)
    sums = member.T @ (weights * (values - mean))
    half = Z * np.sqrt(np.sum(sums ** 2)) / weights.sum()
    return {"value": mean, "low": mean - half, "high": mean + half, "n": len(values)}


def obp_estimators():
    """obp.ope.estimators alone: the package as a whole wants torch, which these estimators only name in their types."""
    root = pathlib.Path(importlib.util.find_spec("obp").submodule_search_locations[0])
    for name, folder in (("obp", root), ("obp.ope", root / "ope")):
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = [str(folder)]
    if importlib.util.find_spec("torch") is None:
        sys.modules["torch"] = types.ModuleType("torch")
        sys.modules["torch"].Tensor = type("Tensor", (), {})
    return importlib.import_module("obp.ope.estimators")


OBP = obp_estimators() if "--obp" in sys.argv else None


def compare_with_obp(name, arm, reward, propensity, target, q, w):
    """It knows neither thinning, clusters nor clipping: values alone, each decision counted once, weights whole."""
    if OBP is None:
        return
    log = dict(action=arm, reward=reward, pscore=propensity, action_dist=target[:, :, None], position=np.zeros(len(arm), int))
    model = dict(estimated_rewards_by_reg_model=q[:, :, None])
    dm = (target * q).sum(axis=1)
    pairs = [("ips", OBP.InverseProbabilityWeighting().estimate_policy_value(**log), np.mean(w * reward)),
             ("snips", OBP.SelfNormalizedInverseProbabilityWeighting().estimate_policy_value(**log),
              np.average(reward, weights=w)),
             ("dm", OBP.DirectMethod().estimate_policy_value(**log, **model), dm.mean()),
             ("dr", OBP.DoublyRobust().estimate_policy_value(**log, **model),
              np.mean(dm + w * (reward - q[np.arange(len(arm)), arm])))]
    for estimator, theirs, ours in pairs:
        assert abs(theirs - ours) < 1e-12, (name, estimator, theirs, ours)
        print(f"{name}: {estimator} {ours:.12f}, obp differs by {abs(theirs - ours):.1e}", file=sys.stderr)


def case(rng, name, n, strata, logging, target, units_of, clip=0.0, keep=1.0, missing=0):
    logging, target = np.asarray(logging), np.asarray(target)
    arms = logging.shape[1]
    stratum = rng.integers(0, strata, n)
    arm = np.array([rng.choice(arms, p=logging[s]) for s in stratum])
    truth = rng.uniform(0.1, 0.9, (strata, arms))
    reward = (rng.uniform(size=n) < truth[stratum, arm]).astype(float)
    unit = rng.integers(0, units_of, n)
    propensity = logging[stratum, arm].copy()
    kept = rng.choice([1.0, keep], n)
    propensity[:missing] = 0
    log = [dict(arm=int(a), propensity=float(p), reward=float(r), keep=float(k), stratum=int(s),
                unit=int(u)) for a, p, r, k, s, u in zip(arm, propensity, reward, kept, stratum, unit)]
    use = propensity > 0
    stratum, arm, reward, unit, propensity, kept = (
        x[use] for x in (stratum, arm, reward, unit, propensity, kept))
    u = 1 / kept
    w = target[stratum, arm] / propensity
    q = np.zeros((len(arm), arms))
    for fold in (0, 1):
        other = unit % 2 != fold
        for s in range(strata):
            for a in range(arms):
                picks = [other & (stratum == s) & (arm == a), other & (arm == a), other]
                pick = next((p for p in picks if p.any()), None)
                value = 0 if pick is None else np.average(reward[pick], weights=u[pick])
                q[(unit % 2 == fold) & (stratum == s), a] = value
    dm = (target[stratum] * q).sum(axis=1)
    clipped = np.minimum(w, clip) if clip else w
    compare_with_obp(name, arm, reward, propensity, target[stratum], q, w)
    want = {"ips": estimate(w * reward, u, unit),
            "snips": estimate(reward, u * clipped, unit),
            "doubly_robust": estimate(dm + w * (reward - q[np.arange(len(arm)), arm]), u, unit),
            "direct": np.average(dm, weights=u), "ess": (u * w).sum() ** 2 / ((u * w) ** 2).sum(),
            "max_weight": w.max(), "n": len(w), "units": len(np.unique(unit)),
            "without_propensity": missing, "clipped": int((w > clip).sum()) if clip else 0}
    return {"name": name, "target": target.tolist(), "clip": clip, "log": log, "want": want}


def main():
    rng = np.random.default_rng(20260310)
    half = [[0.5, 0.5]]
    cases = [
        case(rng, "half to one arm", 400, 1, half, [[0.0, 1.0]], 400),
        case(rng, "sticky units", 500, 1, [[0.8, 0.2]], [[0.3, 0.7]], 40),
        case(rng, "strata", 600, 3, [[0.6, 0.3, 0.1]] * 3,
             [[0.2, 0.3, 0.5], [1, 0, 0], [0, 0.5, 0.5]], 300, clip=4.0),
        case(rng, "thinned and partly unknown", 500, 2, half * 2, [[0.9, 0.1], [0.1, 0.9]], 100,
             keep=0.25, missing=17),
    ]
    if OBP is not None:
        return
    json.dump(cases, sys.stdout, separators=(",", ":"), default=float)
    print()


if __name__ == "__main__":
    main()
