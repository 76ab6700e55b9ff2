"""f0 moves to where the harmonics are, as far as it may and no further."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_match.analysis.refine_f0 import refine_f0

RATE, HOP = 16000, 160


def stiff_string(f0_hz: float, seconds: float = 1.0, inharmonicity: float = 0.0) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    partials = ((k, f0_hz * k * np.sqrt(1 + inharmonicity * k * k)) for k in range(1, 13))
    return sum(0.3 / k * np.sin(2 * np.pi * hz * t) for k, hz in partials).astype(np.float32)


def refined(
    samples: np.ndarray, start_hz: float, max_cents: float = 30.0, voiced: slice = slice(None)
) -> np.ndarray:
    mask = np.zeros(101, dtype=bool)
    mask[voiced] = True
    return refine_f0(samples, RATE, HOP, np.full(101, start_hz), mask, max_cents)


def cents(f0_hz: np.ndarray, expected_hz: float) -> np.ndarray:
    return 1200 * np.log2(f0_hz / expected_hz)


@pytest.mark.parametrize("f0_hz", [31.0, 82.4, 440.0, 1500.0, 4200.0])
@pytest.mark.parametrize("off_cents", [-25.0, 20.0])
def test_a_wrong_f0_is_corrected(f0_hz: float, off_cents: float) -> None:
    result = refined(stiff_string(f0_hz), f0_hz * 2 ** (off_cents / 1200))
    assert np.abs(cents(result, f0_hz))[15:-15].max() < 0.2


def test_it_moves_no_further_than_allowed() -> None:
    result = refined(stiff_string(440.0), 440.0 * 2 ** (50 / 1200), max_cents=20.0)
    assert cents(result, 440.0)[20:-20] == pytest.approx(30.0, abs=0.5)
    assert cents(result, 440.0).min() > 30.0 - 1e-6


def test_stiffness_sharpens_it_by_little() -> None:
    result = cents(refined(stiff_string(110.0, inharmonicity=4e-4), 110.0), 110.0)
    assert 0 < result[20:-20].mean() < 6


def test_unvoiced_frames_stay() -> None:
    result = refined(stiff_string(440.0), 444.0, voiced=slice(0, 50))
    assert (result[50:] == 444.0).all()
    assert np.abs(cents(result, 440.0))[10:40].max() < 0.2


def test_silence_leaves_it_alone() -> None:
    assert refined(np.zeros(RATE, dtype=np.float32), 440.0) == pytest.approx(440.0)


def test_a_sound_shorter_than_its_frames() -> None:
    assert np.isfinite(refined(stiff_string(440.0)[:3000], 441.0)).all()
