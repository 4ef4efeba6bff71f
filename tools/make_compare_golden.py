#!/usr/bin/env python3
"""Writes the golden values of `podium compare`: scikit-learn's figures on the demo's own models and data.

    python3 -m venv build/golden
    build/golden/bin/pip install scikit-learn==1.9.1 scipy==1.17.1 onnxruntime==1.32.0
    build/golden/bin/python tools/make_compare_golden.py > tests/data/compare/golden.json

Scores are what the models of examples/ answer to their held-back rows. Point figures are scikit-learn's
and numpy's; Wilson's interval is scipy's; DeLong's variance is computed here over all pairs, as the paper
has it, where the C++ code takes mid-ranks.
"""

import json
import pathlib
import sys

import numpy as np
import onnxruntime
from scipy import stats
from sklearn import metrics

ROOT = pathlib.Path(__file__).resolve().parents[1]
Z = stats.norm.ppf(0.975)


def wilson(successes, n):
    successes, n = int(successes), int(n)
    if n == 0:
        return None
    interval = stats.binomtest(successes, n).proportion_ci(0.95, method="wilson")
    return {"value": successes / n, "low": interval.low, "high": interval.high, "n": n}


def mean(values):
    values = np.asarray(values, dtype=float)
    half = Z * values.std(ddof=1) / np.sqrt(len(values))
    return {"value": values.mean(), "low": values.mean() - half, "high": values.mean() + half,
            "n": len(values)}


def delong(labels, scores):
    ones, zeros = scores[labels == 1], scores[labels == 0]
    wins = (ones[:, None] > zeros[None, :]) + 0.5 * (ones[:, None] == zeros[None, :])
    auc = metrics.roc_auc_score(labels, scores)
    variance = wins.mean(axis=1).var(ddof=1) / len(ones) + wins.mean(axis=0).var(ddof=1) / len(zeros)
    half = Z * np.sqrt(variance)
    return {"value": auc, "low": max(auc - half, 0), "high": min(auc + half, 1), "n": len(labels)}


def quantile(values, q):
    values, n = np.sort(values), len(values)
    half = Z * np.sqrt(n * q * (1 - q))
    low = values[int(np.clip(np.floor(n * q - half) - 1, 0, n - 1))]
    high = values[int(np.clip(np.ceil(n * q + half), 0, n - 1))]
    value = np.quantile(values, q)
    return {"value": value, "low": min(low, value), "high": max(high, value), "n": n}


def binary_case(name, labels, scores, threshold=0.5):
    labels, scores = np.asarray(labels), np.asarray(scores, dtype=float)
    said = scores >= threshold
    counts = metrics.confusion_matrix(labels, said, labels=[0, 1])
    (tn, fp), (fn, tp) = counts
    clipped = np.clip(scores, np.finfo(float).eps, 1 - np.finfo(float).eps)
    losses = -np.where(labels == 1, np.log(clipped), np.log(1 - clipped))
    figures = {"auc": delong(labels, scores), "accuracy": wilson(tp + tn, len(labels)),
               "precision": wilson(tp, tp + fp), "recall": wilson(tp, tp + fn),
               "log_loss": mean(losses)}
    # The figures that people will compare with are the library's own.
    assert np.isclose(figures["log_loss"]["value"], metrics.log_loss(labels, scores), atol=1e-12)
    assert np.isclose(figures["accuracy"]["value"], metrics.accuracy_score(labels, said), atol=1e-12)
    assert np.isclose(figures["precision"]["value"], metrics.precision_score(labels, said), atol=1e-12)
    assert np.isclose(figures["recall"]["value"], metrics.recall_score(labels, said), atol=1e-12)
    figures["log_loss"]["value"] = metrics.log_loss(labels, scores)
    return {"name": name, "threshold": threshold, "labels": labels.tolist(),
            "scores": scores.tolist(), "figures": figures}


def demo_scores(route, version):
    rows = json.loads((ROOT / "examples" / f"{route}.rows.json").read_text())
    session = onnxruntime.InferenceSession(str(ROOT / "examples" / f"{route}-v{version}.onnx"))
    given = np.asarray(rows["rows"], dtype=np.float32)
    outputs = dict(zip([o.name for o in session.get_outputs()],
                       session.run(None, {session.get_inputs()[0].name: given})))
    return rows["labels"], outputs


def main():
    rng = np.random.default_rng(20260309)
    cases = []
    for version in (1, 2):
        labels, outputs = demo_scores("tumour", version)
        scores = outputs["probabilities"][:, 1].astype(float)
        cases.append(binary_case(f"tumour v{version}", labels, scores))
        cases.append(binary_case(f"tumour v{version}, strict", labels, scores, 0.9))
        # Ties, and scores at the ends.
        cases.append(binary_case(f"tumour v{version}, in fifths", labels, np.round(scores * 5) / 5))
    labels, outputs = demo_scores("digits", 1)
    said = np.asarray(outputs["label"])
    right = int((np.asarray(labels) == said).sum())
    assert np.isclose(right / len(labels), metrics.accuracy_score(labels, said))
    latencies = np.round(rng.lognormal(1.0, 0.7, 1000), 3)
    errors = rng.normal(0.0, 2.0, 300)
    json.dump({
        "binary": cases,
        "classes": {"labels": list(labels), "scores": said.tolist(),
                    "accuracy": wilson(right, len(labels))},
        "latency": {"values": latencies.tolist(),
                    "quantiles": [{"q": q, "estimate": quantile(latencies, q)}
                                  for q in (0.5, 0.9, 0.99)]},
        "quantity": {"errors": errors.tolist(),
                     "absolute_error": mean(np.abs(errors)), "squared_error": mean(errors ** 2)},
        "shares": [dict(successes=s, **wilson(s, n)) for s, n in
                   ((0, 10), (10, 10), (1, 1), (5, 10), (950, 1000), (1, 100000))],
    }, sys.stdout, indent=None, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
