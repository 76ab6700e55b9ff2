"""Latency and polarity: what was shifted, turned over, filtered, clipped and echoed is found as late as it was made."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from ddsp_match.analysis.alignment import Alignment, align, shifted
from tests.compare import assert_close

RATE = 16_000


def plucks(seconds: float = 2.0, seed: int = 0) -> np.ndarray:
    """A line of plucked notes: partials that decay, and a little noise at each attack."""
    rng = np.random.default_rng(seed)
    n, step = round(seconds * RATE), RATE // 4
    out = np.zeros(n)
    for first in range(0, n - step, step):
        t = np.arange(n - first) / RATE
        hz = 110 * 2 ** (rng.integers(0, 24) / 12)
        for k in range(1, int(7000 / hz)):
            out[first:] += np.exp(-t * (4 + k)) / k * np.sin(2 * np.pi * k * hz * t + rng.uniform(0, 6))
        out[first : first + 400] += 0.2 * rng.standard_normal(400) * np.linspace(1, 0, 400)
    return out[None] / np.abs(out).max()


def noise(seed: int = 1) -> np.ndarray:
    return 0.3 * np.random.default_rng(seed).standard_normal((1, 2 * RATE))


def moved(sound: np.ndarray, lag: int) -> np.ndarray:
    """Late by `lag` samples, or early where it is negative."""
    return np.concatenate([np.zeros((len(sound), max(0, lag))), sound[:, max(0, -lag) :]], axis=1)


def butter(order: int, hz: float | list[float], kind: str):
    return lambda x: signal.sosfilt(signal.butter(order, hz, kind, fs=RATE, output="sos"), x)


def late(x: np.ndarray, samples: float) -> np.ndarray:
    n = 2 * x.shape[1]
    turned = np.fft.rfft(x, n) * np.exp(-2j * np.pi * np.fft.rfftfreq(n) * samples)
    return np.fft.irfft(turned, n)[:, : x.shape[1]]


def test_a_sound_and_itself_are_aligned_exactly():
    assert align(plucks(), plucks(), RATE) == Alignment(0.0, 1.0, 1.0, 1.0)


@pytest.mark.parametrize("sound", [plucks(), noise()], ids=["plucks", "noise"])
@pytest.mark.parametrize("lag", [-3001, 1, 15_000])
def test_whole_samples_are_found_to_the_sample(sound, lag):
    level = 0.3 if lag == 1 else -1.5
    result = align(sound, level * moved(sound, lag), RATE)
    assert (result.whole_samples, result.polarity) == (lag, np.sign(level))
    assert abs(result.latency_samples - lag) < 0.1
    assert result.confidence > 0.9
    assert result.strength > 0.95


@pytest.mark.parametrize("samples", [0.25, 100.5, 200.7])
def test_parts_of_samples(samples):
    assert_close(align(noise(), late(noise(), samples), RATE).latency_samples, samples, 0.06)
    assert_close(align(plucks(), late(plucks(), samples), RATE).latency_samples, samples, 0.25)


@pytest.mark.parametrize(
    ("effect", "polarity"),
    [
        (butter(1, 1000, "low"), 1),
        (butter(2, 500, "low"), 1),
        (butter(4, 2000, "low"), 1),
        (butter(2, 300, "high"), 1),
        (lambda x: -butter(1, [300, 3000], "band")(x), -1),
    ],
)
def test_the_delay_of_a_filter_is_not_latency(effect, polarity):
    for sound in (plucks(), noise()):
        result = align(sound, effect(moved(sound, 77)), RATE)
        assert abs(result.latency_samples - 77) < 0.0003 * RATE
        assert result.polarity == polarity


@pytest.mark.parametrize(
    "effect",
    [
        lambda x: np.clip(12 * x, -0.5, 0.5),
        lambda x: np.sign(x) * np.abs(x) ** 0.1,
        lambda x: np.tanh(6 * x + 1) - np.tanh(1),
        lambda x: -np.clip(8 * x, -0.3, 0.5),
    ],
    ids=["clip", "fuzz", "crooked", "inverted clip"],
)
def test_distortion_keeps_the_latency(effect):
    result = align(plucks(), effect(moved(plucks(), 250)), RATE)
    assert abs(result.latency_samples - 250) < 1.5
    assert result.polarity == (1 if effect(np.full((1, 1), 0.5)) > 0 else -1)


@pytest.mark.parametrize(("direct", "first", "feedback"), [(1.0, 0.6, 0.0), (0.5, 1.0, 0.0), (1.0, 0.7, 0.7)])
def test_the_direct_sound_decides_and_not_the_loudest_echo(direct, first, feedback):
    d = 4800
    late_by, back = np.zeros(d + 1), np.zeros(d + 1)
    late_by[[0, d]], back[[0, d]] = (1.0, first / direct - feedback), (1.0, -feedback)
    for sound in (plucks(), noise()):
        wet = direct * signal.lfilter(late_by, back, moved(sound, 40))
        assert align(sound, wet, RATE).whole_samples == 40


def test_the_period_of_a_note_is_no_direct_sound():
    # One held note, distorted: its periods correlate nearly as well as the truth, before it and behind it.
    t = np.arange(2 * RATE) / RATE
    partials = [np.sin(2 * np.pi * 262 * k * t + k * k) / k for k in range(1, 12)]
    note = np.clip(t / 0.05, 0, 1) * np.sum(partials, axis=0)[None] + 1e-4 * noise()
    for effect in (lambda x: np.tanh(3 * x + 1) - np.tanh(1), butter(2, 500, "low")):
        assert abs(align(note, effect(moved(note, 300)), RATE).latency_samples - 300) < 0.0003 * RATE


def test_a_reverberant_tail_does_not_move_it():
    rng = np.random.default_rng(3)
    tail = 0.1 * rng.standard_normal(RATE) * 10 ** (-3 * np.arange(RATE) / RATE)
    tail[0] = 1.0
    wet = signal.fftconvolve(moved(plucks(), 500), tail[None], axes=1)
    assert align(plucks(), wet, RATE).whole_samples == 500


def test_ring_modulation_is_aligned_by_the_envelopes():
    wet = moved(plucks() * np.sin(2 * np.pi * 300 * np.arange(2 * RATE) / RATE), 800)
    result = align(plucks(), wet, RATE)
    assert abs(result.latency_samples - 800) < 0.001 * RATE
    assert "envelopes" in result.note


def test_a_tone_takes_the_shortest_lag_that_fits():
    tone = np.sin(2 * np.pi * 200 * np.arange(2 * RATE) / RATE)[None]  # a period is 80 samples
    assert abs(align(tone[:, 90:20_090], tone[:, 80:20_080], RATE).latency_samples - 10) <= 1
    result = align(tone, -tone, RATE)
    assert (result.latency_samples, result.polarity) == (0.0, -1.0)
    assert "shortest" in result.note
    assert result.confidence < 0.2


def test_stereo_and_lengths_may_differ():
    stereo = np.concatenate([plucks(), 0.5 * noise()])
    assert align(stereo, moved(stereo, 33)[:, :25_000], RATE).whole_samples == 33
    assert align(plucks(), np.repeat(moved(plucks(), 33), 2, axis=0), RATE).whole_samples == 33


def test_silence_and_a_few_samples_say_so():
    for dry, wet in ((np.zeros((1, 4000)), plucks()), (plucks(), np.ones((1, 4000))), (plucks()[:, :9], plucks())):
        result = align(dry, wet, RATE)
        assert (result.latency_samples, result.confidence, result.strength) == (0.0, 0.0, 0.0)
        assert result.note


@pytest.mark.parametrize("lag", [-500, 500])
def test_shifted_pairs_are_the_common_part(lag):
    dry, wet = shifted(plucks(), moved(plucks(), lag), Alignment(lag + 0.3))
    assert_close(dry, wet, 0)
    assert dry.shape[1] == 2 * RATE - max(0, -lag)
