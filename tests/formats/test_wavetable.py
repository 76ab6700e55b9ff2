"""Single periods."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_match.formats.wavetable import MOST_HARMONICS, PEAK, PERIOD, periods
from tests.compare import assert_close

SPECTRA = np.array([[1.0, 0.5, 0.25, 0.0], [0.1, 0.0, 0.0, 0.05]])


def test_a_period_has_the_harmonics_asked_for_all_as_sines():
    waves = periods(SPECTRA, keep_levels=True)
    assert waves.shape == (2, PERIOD)
    spectrum = np.fft.rfft(waves) * 2 / PERIOD
    loudest = np.abs(periods(SPECTRA[:1], keep_levels=True)).max()
    assert loudest == pytest.approx(PEAK)
    found = -spectrum[:, 1:5].imag
    assert_close(found / found[0, 0], SPECTRA, 1e-9)
    rest = spectrum.copy()
    rest[:, 1:5] = rest[:, 1:5].real
    assert np.abs(rest).max() < 1e-12


def test_a_period_begins_at_zero_and_has_no_constant_part():
    waves = periods(np.random.default_rng(0).random((5, 60)))
    assert np.abs(waves[:, 0]).max() < 1e-9
    assert np.abs(waves.mean(1)).max() < 1e-9


def test_peaks_are_alike_unless_levels_are_kept():
    assert_close(np.abs(periods(SPECTRA)).max(1), [PEAK, PEAK], 1e-9)
    kept = np.abs(periods(SPECTRA, keep_levels=True)).max(1)
    assert kept[0] == pytest.approx(PEAK) and kept[1] < 0.15


def test_more_harmonics_than_a_period_holds_are_dropped_and_do_not_fold():
    many = np.zeros((1, MOST_HARMONICS + 50))
    many[0, [0, MOST_HARMONICS - 1, MOST_HARMONICS + 1, -1]] = 1.0
    spectrum = np.abs(np.fft.rfft(periods(many)[0]))
    loud = np.flatnonzero(spectrum > 1e-6 * spectrum.max())
    assert loud.tolist() == [1, MOST_HARMONICS]


def test_silence_stays_silent():
    assert not periods(np.zeros((2, 3))).any()
