"""The decay of a room heard in a sound: known rooms, other falls than the room's, next to nothing to hear."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal

from ddsp_match.analysis import blind_decay as module
from ddsp_match.analysis.blind_decay import SIXTY_DB, blind_decay
from tests.compare import assert_close

RATE = 16000
BANDS_HZ = 125.0 * 2.0 ** np.arange(7)
HEARD = slice(2, 6)  # 500 Hz to 4 kHz: enough independent bins to read a decay to some percent


def bursts(seconds: float = 4.0, seed: int = 0) -> np.ndarray:
    """Half seconds of noise, half a second of silence between them."""
    t = np.arange(round(seconds * RATE)) / RATE
    return 0.1 * np.random.default_rng(seed).standard_normal(len(t)) * (t % 1.0 < 0.5) * (t > 0.02)


def room(rt60_s: float, level: float = 1.0, seed: int = 1) -> np.ndarray:
    """Direct sound and decaying noise of as much power times `level`."""
    t = np.arange(round(1.5 * rt60_s * RATE)) / RATE
    tail = np.random.default_rng(seed).standard_normal(len(t)) * np.exp(-SIXTY_DB / 2 * t / rt60_s)
    tail *= np.sqrt(level / np.square(tail).sum())
    tail[0] = 1.0
    return tail


def in_room(dry: np.ndarray, rt60_s: float, level: float = 1.0) -> np.ndarray:
    return scipy.signal.fftconvolve(dry, room(rt60_s, level))[None, : len(dry)]


@pytest.mark.parametrize("rt60_s", [0.3, 0.6, 1.5])
def test_the_decay_of_a_known_room_is_heard(rt60_s):
    result = blind_decay(in_room(bursts(), rt60_s), RATE, BANDS_HZ)
    assert_close(result.rt60_s[HEARD] / rt60_s, np.ones(4), 0.12)
    assert (result.spread[HEARD] < 0.2).all()


def test_two_channels_tell_of_one_room():
    wet = in_room(bursts(), 0.6)
    both = blind_decay(np.concatenate([wet, 0.5 * wet]), RATE, BANDS_HZ)
    assert_close(both.rt60_s, blind_decay(wet, RATE, BANDS_HZ).rt60_s, 1e-3)


def test_a_string_that_rings_longer_than_the_room_does_not_lengthen_it():
    t = np.arange(4 * RATE) / RATE
    string = 0.3 * np.sin(2 * np.pi * 1000 * t) * np.exp(-SIXTY_DB / 2 * t / 3.0) * (t > 0.02)
    result = blind_decay(in_room(bursts() + string, 0.5), RATE, BANDS_HZ)
    assert abs(result.rt60_s[4] / 0.5 - 1) < 0.15


def test_a_slower_fall_says_little_against_a_room_and_a_faster_one_much():
    times = module.TIMES_S

    def against(room_s: float, fall_s: float) -> float:
        near = np.exp(-0.5 * (np.log(times / fall_s) / 0.05) ** 2)
        likelihood = module._log_likelihood(near / (near.sum() * module.STEP))
        return float(likelihood.max() - np.interp(np.log(room_s), np.log(times), likelihood))

    assert against(1.0, fall_s=3.0) < 3
    assert against(1.0, fall_s=0.3) > against(1.0, fall_s=3.0) + 2
    assert against(1.0, fall_s=1.0) < 0.1


def test_silence_and_a_steady_tone_leave_what_is_typical():
    t = np.arange(RATE) / RATE
    for samples in (np.zeros((1, RATE)), np.sin(2 * np.pi * 440 * t)[None]):
        result = blind_decay(samples, RATE, BANDS_HZ)
        assert np.isfinite(result.rt60_s).all()
        assert (result.spread > 0.25).all()


def test_bands_beyond_half_the_rate_follow_their_neighbours():
    wide = 125.0 * 2.0 ** np.arange(9)
    result = blind_decay(in_room(bursts(), 0.6), RATE, wide)
    assert result.rt60_s.shape == (9,)
    assert not result.falls[7] and not result.falls[8]
    assert abs(result.rt60_s[8] / result.rt60_s[6] - 1) < 0.5


def test_descents_end_where_the_level_rises():
    level_db = np.concatenate([np.linspace(0, -20, 21), np.linspace(-19, -10, 10), np.linspace(-11, -40, 30)])
    assert module._descents(level_db, least_db=8.0) == [(0, 20), (30, 60)]
    assert module._descents(level_db, least_db=25.0) == [(30, 60)]


def test_an_octave_is_read_as_the_standard_reads_it():
    assert_close(module._as_read(np.full(5, 0.7)), np.full(5, 0.7), 1e-6)
    sloped = np.array([2.0, 1.0, 0.5])
    assert sloped[1] * 1.01 < module._as_read(sloped)[1] < sloped[1] * 1.2
