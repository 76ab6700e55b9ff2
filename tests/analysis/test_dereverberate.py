"""A sound without its room: what is taken away is what the room added."""

from __future__ import annotations

import numpy as np

from ddsp_match.analysis.blind_decay import SIXTY_DB, blind_decay
from ddsp_match.analysis.dereverberate import dereverberated, late_power, reverberation_db
from tests.analysis.test_blind_decay import BANDS_HZ, HEARD, RATE, bursts, in_room
from tests.compare import assert_close


def test_late_power_of_a_pulse_decays_with_the_room():
    pulse = np.zeros(50)
    pulse[3] = 2.0
    late = late_power(pulse, 0.5, 0.8, 0.01)
    keep = np.exp(-SIXTY_DB * 0.01 / 0.5)
    wanted = np.zeros(50)
    wanted[4:] = 2.0 * 0.8 * (1 - keep) * keep ** np.arange(46)
    assert_close(late, wanted, 1e-12)


def test_in_the_steady_state_the_ratio_is_kept():
    late = late_power(np.full((2, 400), 3.0), np.array([0.2, 0.4]), np.array([[1.0], [4.0]]), 0.01)
    assert_close(late[:, -1] / (3.0 - late[:, -1]), np.array([1.0, 4.0]), 1e-6)


def test_without_reverberation_nothing_is_taken():
    dry = bursts(1.0)[None]
    same = dereverberated(dry, RATE, BANDS_HZ, np.full(7, 0.5), np.full(7, -120.0))
    assert_close(same, dry, 1e-9)


def test_what_is_left_is_nearer_to_the_dry_sound():
    dry = bursts(3.0)
    wet = in_room(dry, 0.6, level=2.0)
    decay = blind_decay(wet, RATE, BANDS_HZ)
    result = dereverberated(wet, RATE, BANDS_HZ, decay.rt60_s, reverberation_db(decay))[0]

    def power_db(x: np.ndarray) -> np.ndarray:
        frames = x[: len(x) // 800 * 800].reshape(-1, 800)
        return 10 * np.log10(np.square(frames).mean(1) + 1e-6)

    far, near = (np.abs(power_db(x) - power_db(dry)).mean() for x in (wet[0], result))
    assert near < 0.6 * far
    # A steady part keeps the level of its direct sound, 4.8 dB below the wet one; more than that is taken.
    steady = slice(round(1.3 * RATE), round(1.48 * RATE))
    level_db = 10 * np.log10(np.square(result[steady]).mean() / np.square(dry[steady]).mean())
    assert -6 < level_db < 3


def test_more_reverberation_is_heard_as_more():
    levels = []
    for level in (0.1, 4.0):
        wet = in_room(bursts(), 0.6, level)
        levels.append(reverberation_db(blind_decay(wet, RATE, BANDS_HZ))[HEARD])
    assert (levels[1] - levels[0] > 4).all()


def test_a_room_that_is_known_is_taken_out_by_least_squares():
    dry = bursts(1.5)
    response = np.zeros((1, 2000))
    response[0, [0, 700, 1500]] = 1.0, 0.35, -0.2
    wet = np.convolve(dry, response[0])[None, : len(dry)]
    original = (RATE, BANDS_HZ, np.full(7, 0.3), np.full(7, -6.0))
    rough, solved = (dereverberated(wet, *original, *more) for more in ((), (response,)))

    def left_db(x: np.ndarray) -> float:
        again = np.convolve(x[0], response[0])[: len(dry)]
        return 10 * np.log10(np.square(again - wet[0]).sum() / np.square(wet).sum())

    assert left_db(solved) < left_db(rough) - 6
    assert np.square(solved[0] - dry).sum() < np.square(rough[0] - dry).sum()


def test_a_room_that_does_not_explain_the_recording_moves_nothing():
    wet = in_room(bursts(1.5), 1.5, level=3.0)
    original = (RATE, BANDS_HZ, np.full(7, 1.5), np.full(7, 6.0))
    other = np.random.default_rng(5).standard_normal((1, RATE)) * np.exp(-np.arange(RATE) / RATE * 4)
    assert_close(dereverberated(wet, *original, other), dereverberated(wet, *original), 0.0)
