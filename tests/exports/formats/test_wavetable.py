"""Single periods."""

from __future__ import annotations

import itertools
import struct

import numpy as np
import pytest

from ddsp_match.exports.formats.wavetable import FRAME_SIZES, PEAK, choose, periods, wt_bytes
from tests.compare import assert_close

SPECTRA = np.array([[1.0, 0.5, 0.25, 0.0], [0.1, 0.0, 0.0, 0.05]])


@pytest.mark.parametrize("size", FRAME_SIZES)
def test_a_period_has_the_harmonics_asked_for_all_as_sines(size):
    waves = periods(SPECTRA, size, keep_levels=True)
    assert waves.shape == (2, size)
    spectrum = np.fft.rfft(waves) * 2 / size
    loudest = np.abs(periods(SPECTRA[:1], size, keep_levels=True)).max()
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


@pytest.mark.parametrize("size", FRAME_SIZES)
def test_more_harmonics_than_a_period_holds_are_dropped_and_do_not_fold(size):
    highest = size // 2 - 1
    many = np.zeros((1, highest + 50))
    many[0, [0, highest - 1, highest + 1, -1]] = 1.0
    spectrum = np.abs(np.fft.rfft(periods(many, size)[0]))
    loud = np.flatnonzero(spectrum > 1e-6 * spectrum.max())
    assert loud.tolist() == [1, highest]


def test_silence_stays_silent():
    assert not periods(np.zeros((2, 3))).any()


def test_a_spectrum_that_stands_still_is_one_frame_and_a_straight_glide_two():
    still = np.tile(SPECTRA[0], (100, 1)) + 0.002 * np.random.default_rng(0).standard_normal((100, 4))
    assert len(choose(still, 256)) == 1
    way = np.linspace(0, 1, 101)[:, None]
    glide = (1 - way) * [1.0, 0.0, 0.0, 0.0] + way * [0.0, 1.0, 0.0, 0.0]
    assert choose(glide, 256).tolist() == [0, 100]


def test_the_frame_that_differs_most_comes_first_and_each_lies_near_the_table():
    spectra = np.tile([1.0, 0.0, 0.0], (90, 1))
    spectra[30:60] = [0.8, 0.3, 0.0]
    spectra[70] = [0.0, 0.0, 1.0]
    assert 70 in choose(spectra, 2)
    for error_db in (-10.0, -20.0, -40.0):
        moving = 1 + np.sin(np.linspace(0, 9, 200)[:, None] * [1.0, 2.1, 3.3, 4.2]) + np.arange(200)[:, None] // 80
        chosen = choose(moving, 256, error_db)
        assert len(chosen) < 200 and (np.diff(chosen) > 0).all()
        # Between two chosen frames each lies near one of a thousand places on the way from one to the other.
        share = np.linspace(0, 1, 1000)[:, None]
        off = [0.0]
        for a, b in itertools.pairwise(chosen):
            line = (1 - share) * moving[a] + share * moving[b]
            off += [np.linalg.norm(line - point, axis=1).min() for point in moving[a : b + 1]]
        assert max(off) <= 1.01 * 10 ** (error_db / 20) * np.linalg.norm(moving, axis=1).max()
    assert len(choose(moving, 5)) == 5


def read_wt(data: bytes) -> tuple[np.ndarray, int]:
    """The periods in a ``.wt``, full scale at ±1, and its flags: by the layout that Surge publishes."""
    assert data[:4] == b"vawt"
    size, count, flags = struct.unpack("<IHH", data[4:12])
    assert 2 <= size <= 4096 and size & (size - 1) == 0 and 1 <= count <= 512
    if not flags & 0x4:
        samples = np.frombuffer(data[12:], "<f4").astype(float)
    else:
        # Without the flag 8, whole numbers have the peak at 2**14.
        samples = np.frombuffer(data[12:], "<i2") / (2**15 if flags & 0x8 else 2**14)
    return samples.reshape(count, size), flags


@pytest.mark.parametrize(("bits", "wanted", "atol"), [(32, 0x0, 1e-7), (16, 0x4 | 0x8, 2e-5)])
@pytest.mark.parametrize("size", FRAME_SIZES)
def test_surges_own_format_holds_the_same_periods(size, bits, wanted, atol):
    waves = periods(SPECTRA, size)
    held, flags = read_wt(wt_bytes(waves, bits))
    assert flags == wanted
    assert_close(held, waves, atol)
