"""Zimtohrli's score, as the project's scorer takes it."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_match.core.audio import Audio, resample
from ddsp_match.score import opinion
from tests.compare import assert_close


def test_what_is_heard_is_mono_at_48_khz(tone):
    sound = tone(channels=2)
    heard = opinion.signal_of(sound)
    assert heard.dtype == np.float32 and heard.shape == (48000,)
    assert_close(heard, resample(Audio(sound.mono()[None], 16000), 48000).samples[0], 0)


def test_the_median_over_shifts(tone):
    zimtohrli = pytest.importorskip("zimtohrli")
    clean = opinion.signal_of(tone(seconds=0.3, amplitudes=(0.3, 0.2)))
    noisy = clean + 0.003 * np.random.default_rng(0).standard_normal(len(clean)).astype(np.float32)
    singles = [
        zimtohrli.mos_from_signals(np.pad(clean, (pad, 0)), np.pad(noisy, (pad, 0)))
        for pad in (0, 997, 2003, 3001, 4001, 5003, 6007)
    ]
    assert opinion.opinion(clean, noisy) == float(np.median(singles))
    assert opinion.opinion(clean, noisy, 1) == singles[0]
    assert opinion.opinion(clean, clean, 1) == pytest.approx(5.0)
    assert opinion.version()


def test_the_longer_one_is_cut(tone):
    pytest.importorskip("zimtohrli")
    clean = opinion.signal_of(tone(seconds=0.3))
    assert opinion.opinion(clean, clean[:-7], 1) == pytest.approx(5.0)
