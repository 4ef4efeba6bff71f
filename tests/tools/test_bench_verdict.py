"""The rule that fails a change for being slower: it must neither cry wolf nor look away."""

import importlib.util
import pathlib
import random
import sys

import pytest

FILE = pathlib.Path(__file__).resolve().parents[2] / "bench" / "verdict.py"
spec = importlib.util.spec_from_file_location("verdict", FILE)
verdict = importlib.util.module_from_spec(spec)
sys.modules["verdict"] = verdict
spec.loader.exec_module(verdict)


def pairs(ratio, noise, count=10, seed=7, wild=()):
    """Both sides move together with the machine; each side has `noise` of its own."""
    chance = random.Random(seed)
    base, changed = [], []
    for i in range(count):
        machine = chance.uniform(0.7, 1.6)
        base.append(10 * machine * chance.uniform(1 - noise, 1 + noise))
        changed.append(10 * ratio * machine * chance.uniform(1 - noise, 1 + noise))
        if i in wild:
            changed[-1] *= 5
    return base, changed


@pytest.mark.parametrize("name, runs, slower", [
    ("the same", pairs(1.0, 0.03), False),
    ("quicker", pairs(0.7, 0.03), False),
    ("slower by less than the margin", pairs(1.05, 0.02), False),
    ("slower by a fifth", pairs(1.20, 0.03), True),
    ("slower by a fifth on a noisy machine, more pairs", pairs(1.20, 0.10, count=40), True),
    ("the same with two wild pairs", pairs(1.0, 0.03, wild=(2, 6)), False),
    ("slower by a third with two wild pairs the other way round, more pairs",
     tuple(reversed(pairs(0.75, 0.03, count=20, wild=(2, 6)))), True),
    ("too noisy to say", pairs(1.12, 0.5), False),
])
def test_judges(name, runs, slower):
    assert verdict.judge(*runs).slower == slower, name


def test_rarely_cries_wolf():
    alarms = sum(verdict.judge(*pairs(1.0, 0.15, seed=seed)).slower for seed in range(100))
    assert alarms <= 2


def test_rarely_looks_away():
    seen = sum(verdict.judge(*pairs(1.25, 0.05, seed=seed)).slower for seed in range(50))
    assert seen >= 49


def test_exactly_the_margin_is_not_above_it():
    assert not verdict.judge([10.0] * 10, [11.0] * 10).slower
    assert verdict.judge([10.0] * 10, [11.1] * 10).slower


@pytest.mark.parametrize("base, changed", [
    ([1.0] * 9, [1.0] * 9),
    ([1.0] * 10, [1.0] * 11),
    ([1.0] * 10, [0.0] * 10),
    ([1.0] * 10, [float("nan")] * 10),
])
def test_refuses_what_it_cannot_judge(base, changed):
    with pytest.raises(ValueError):
        verdict.judge(base, changed)
