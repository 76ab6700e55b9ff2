"""Paired differences: signs, intervals, tests."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ddsp_match.score.card import Pair
from ddsp_match.score.definitions import BY_KEY
from ddsp_match.score.paired import by_family, differences, extremes, sounds_needed
from tests.score.rows import row


def pairs(a: np.ndarray, b: np.ndarray, key: str = "mrstft") -> list[Pair]:
    rows = [[row(f"s{k}", **{key: float(value)}) for k, value in enumerate(values)] for values in (a, b)]
    return [Pair(one.name, one, two) for one, two in zip(*rows, strict=True)]


RNG = np.random.default_rng(0)
A = RNG.uniform(0.5, 1.0, 25)
CHANGE = RNG.normal(-0.05, 0.05, 25)


@pytest.mark.parametrize(("key", "verdict"), [("mrstft", "better"), ("mos", "worse"), ("noise_share", "lower")])
def test_a_clear_fall_is_better_or_worse_as_the_metric_has_it(key, verdict):
    (found,) = differences(pairs(A, A + CHANGE, key), [BY_KEY[key]])
    assert found.verdict == verdict and found.n == 25
    assert found.mean == pytest.approx(CHANGE.mean()) and found.mean_a == pytest.approx(A.mean())
    assert found.low < found.mean < found.high < 0
    falls = float(np.mean(CHANGE < 0))
    assert (found.better_share if key == "mrstft" else found.worse_share) == pytest.approx(falls)
    assert found.p == pytest.approx(stats.wilcoxon(A + CHANGE, A).pvalue)


def test_an_interval_alone_makes_nothing_clear():
    # Six sounds that all got worse: the interval says so, but the test cannot, one p of 15.
    made = pairs(A[:6], A[:6] + np.linspace(0.1, 0.2, 6))
    for pair in made:
        pair.a.metrics |= {"mos": 4.0}
        pair.b.metrics |= {"mos": 4.0}
    worse, _ = differences(made, [BY_KEY["mrstft"], BY_KEY["mos"]])
    assert worse.low > 0 and worse.p_holm == pytest.approx(2 / 2**6) and worse.verdict == "worse"
    for pair in made:
        pair.b.metrics |= {"mos": 4.0 + 0.1 * np.sin(len(pair.name) + pair.a.metrics["mrstft"])}
    worse, _ = differences(made, [BY_KEY["mrstft"], BY_KEY["mos"]])
    assert worse.low > 0 and worse.p_holm >= 0.05 and worse.verdict == "no clear difference"


@pytest.mark.parametrize(("metrics", "needed"), [(1, 6), (2, 7), (15, 10)])
def test_so_many_sounds_it_takes(metrics, needed):
    assert sounds_needed(metrics) == needed
    assert 2 ** (1 - needed) * metrics < 0.05 <= 2 ** (2 - needed) * metrics


def test_chance_is_no_difference():
    noise = RNG.normal(0, 0.05, 25)
    (found,) = differences(pairs(A, A + noise - noise.mean()), [BY_KEY["mrstft"]])
    assert found.verdict == "no clear difference" and found.low < 0 < found.high


def test_the_same_run_is_no_difference_and_rounding_is_none():
    (found,) = differences(pairs(A, A * (1 + 1e-12)), [BY_KEY["mrstft"]])
    assert (found.verdict, found.p, found.mean) == ("no clear difference", None, 0)
    assert (found.better_share, found.worse_share) == (0, 0)


def test_one_pair_tells_nothing():
    (found,) = differences(pairs(A[:1], A[:1] - 0.1), [BY_KEY["mrstft"]])
    assert (found.verdict, found.low, found.p) == ("no clear difference", None, None) and found.better_share == 1


def test_a_metric_that_one_side_lacks_is_of_the_other_pairs():
    made = pairs(A[:4], A[:4] - 0.1)
    del made[0].b.metrics["mrstft"]
    (found,) = differences(made, [BY_KEY["mrstft"], BY_KEY["mos"]])
    assert found.n == 3


def test_p_values_are_corrected_as_holm_has_it():
    made = pairs(A, A + CHANGE)
    for k, pair in enumerate(made):
        pair.a.metrics |= {"mos": 4.0, "lsd_db": 1.0}
        pair.b.metrics |= {"mos": 4.0 + 0.1 * (-1) ** k * (k + 1), "lsd_db": 1.0 + 0.01 * (k - 5)}
    found = differences(made, [BY_KEY[key] for key in ("mrstft", "mos", "lsd_db")])
    ps = np.array([one.p for one in found])
    order = np.argsort(ps)
    expected = np.empty(3)
    expected[order] = np.minimum(1, np.maximum.accumulate(ps[order] * [3, 2, 1]))
    assert [one.p_holm for one in found] == pytest.approx(list(expected))
    assert any(one.p_holm > one.p for one in found)


def test_the_largest_changes_first_and_what_stayed_in_neither():
    made = pairs(np.full(4, 3.0), np.array([2.0, 3.0, 5.0, 3.5]), "mos")
    improved, regressed = extremes(made, "mos", 5)
    assert [pair.name for pair in improved] == ["s2", "s3"] and [pair.name for pair in regressed] == ["s0"]
    improved, regressed = extremes(pairs(np.full(4, 3.0), np.array([2.0, 3.0, 5.0, 3.5])), "mrstft", 1)
    assert [pair.name for pair in improved] == ["s0"] and [pair.name for pair in regressed] == ["s2"]


def test_families_are_compared_on_their_own():
    made = pairs(A[:4], A[:4] - 0.1)
    for k, pair in enumerate(made):
        pair.a.family = "brass" if k < 3 else "reed"
    found = by_family(made, [BY_KEY["mrstft"]])
    assert {name: one[0].n for name, one in found.items()} == {"brass": 3, "reed": 1}
    assert by_family(made[:3], [BY_KEY["mrstft"]]) == {}
