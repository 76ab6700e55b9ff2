"""Partials are found where they are, and the right pitch explains them best."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_match.analysis.partial_kernels import peaks, spread
from ddsp_match.analysis.spectral_evidence import (
    CELL_CENTS,
    FIRST_HZ,
    HARMONICS,
    MISSING_COST,
    PartialMap,
    cell_of,
    harmonic_scores,
    partial_map,
)

RATE = 16000
CENTRES = np.array([4000, 8000, 12000])


def tone(amplitudes: dict[float, float]) -> np.ndarray:
    t = np.arange(RATE) / RATE
    return sum(a * np.sin(2 * np.pi * hz * t) for hz, a in amplitudes.items())


def test_partials_are_in_their_cells_at_their_level() -> None:
    partials = partial_map(tone({300.0: 0.5, 1234.5: 0.05}), RATE, CENTRES)
    for hz in (300.0, 1234.5):
        filled = np.flatnonzero(partials.strength[1] > 0) * CELL_CENTS
        offsets = filled - 1200 * np.log2(hz / FIRST_HZ)
        assert sorted(np.round(offsets[np.abs(offsets) < 100] / CELL_CENTS)) == [-2, -1, 0, 1, 2]
    assert np.count_nonzero(partials.strength[1]) == 10
    assert partials.level_db[1] == pytest.approx(20 * np.log10(0.5), abs=0.3)
    assert partials.tonality[1] == pytest.approx(1.0, abs=0.02)
    share = partials.share[1, int(np.round(cell_of(1234.5)))]
    assert share == pytest.approx(0.01 / 1.01, rel=0.05)


def test_an_offset_and_noise_are_no_partials() -> None:
    noise = np.random.default_rng(0).standard_normal(RATE)
    partials = partial_map(5.0 + noise, RATE, CENTRES)
    assert partials.tonality.max() < 0.1


@pytest.mark.parametrize(
    ("f0_hz", "partials"),
    [
        (100.0, range(1, 30)),
        (100.0, range(1, 12, 2)),
        (100.0, range(3, 9)),
        (35.0, range(1, 40)),
        (3000.0, range(1, 3)),
    ],
)
def test_octaves_and_twelfths_explain_less(f0_hz: float, partials: range) -> None:
    candidates = f0_hz * np.array([1.0, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 2, 2.0, 3.0, 4.0])
    sound = tone({k * f0_hz: 0.3 / k for k in partials})
    scores, shares = harmonic_scores(partial_map(sound, RATE, CENTRES), candidates)
    margin = scores[:, 0] - scores[:, 1:][:, candidates[1:] > FIRST_HZ].max(1)
    assert margin.min() > 0.1
    assert shares[:, 0].min() > 0.9


def test_scores_are_those_of_the_definition() -> None:
    rng = np.random.default_rng(0)
    strength, share = np.where(rng.random((2, 7, 1000)) < 0.1, rng.random((2, 7, 1000)), 0).astype(np.float32)
    silence = np.zeros(7)
    candidates = np.array([15.0, 40.0, 41.0, 300.0, 5000.0])
    scores, shares = harmonic_scores(PartialMap(strength, strength.sum(1), share, silence, silence), candidates)
    for column, hz in enumerate(candidates):
        cells = np.round(cell_of(hz)) + np.round(120 * np.log2(np.arange(HARMONICS, 0, -1)))
        inside = (cells >= 0) & (cells < 1000)
        at = np.where(inside, cells, 0).astype(int)
        levels = strength[:, at] * inside
        missing = (np.maximum.accumulate(levels, 1) - levels).sum(1)
        expected = (levels.sum(1) - MISSING_COST * missing) / np.maximum(strength.sum(1), 1)
        np.testing.assert_allclose(scores[:, column], expected, atol=1e-5)
        np.testing.assert_allclose(shares[:, column], np.minimum((share[:, at] * inside).sum(1), 1), atol=1e-5)


def test_peaks_rise_above_their_neighbours_and_surroundings() -> None:
    rng = np.random.default_rng(1)
    level = rng.normal(0, 6, (3, 50)).astype(np.float32)
    least, prominence, width = rng.normal(0, 3, (3, 50)).astype(np.float32), np.full(50, 4.0), 5
    frame, column = np.empty((2, 75), dtype=np.int64)
    count = peaks(level, least, prominence, width, frame, column, np.empty(61))
    around = np.lib.stride_tricks.sliding_window_view(np.pad(level, ((0, 0), (5, 5)), mode="reflect"), 11, 1).mean(2)
    expected = [
        (f, b) for f in range(3) for b in range(1, 49)
        if level[f, b] > max(least[f, b], level[f, b - 1], around[f, b] + 4) and level[f, b] >= level[f, b + 1]
    ]  # fmt: skip
    assert len(expected) > 5 and list(zip(frame[:count], column[:count], strict=True)) == expected


def test_the_larger_partial_stays_where_two_meet() -> None:
    out = np.zeros((6, 2), dtype=np.float32)
    spread(np.array([0, 0, 1]), np.array([1, 3, 5]), np.array([3.0, 2.0, 1.0], dtype=np.float32), 2, out)
    assert out.T.tolist() == [[3, 3, 3, 3, 2, 2], [0, 0, 0, 1, 1, 1]]
