"""Echoes, combs and allpasses against loops in plain Python, and their delays found from anywhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddsp_match.dsp.delay_loop import Loop, LoopStream
from ddsp_match.effects.allpass import Allpass
from ddsp_match.effects.combs import FeedbackComb
from ddsp_match.effects.delay import Delay, FeedforwardComb
from ddsp_match.effects.feedback_delay import FeedbackDelay, LowpassFeedbackComb
from ddsp_match.effects.rack import Rack
from tests.compare import assert_close

RATE = 24_000
ALL = [Delay, FeedforwardComb, FeedbackComb, FeedbackDelay, LowpassFeedbackComb, Allpass]


def noise(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((1, n))


def ms(samples: float) -> float:
    return samples * 1000 / RATE


def by_hand(name: str, x: np.ndarray, m: int, k: dict[str, float]) -> np.ndarray:
    """One sample after the other, from the equations, for a delay of `m` whole samples."""
    x, y, echo, dull = x[0], np.zeros(x.shape[1]), np.zeros(x.shape[1]), 0.0

    def ago(row: np.ndarray, n: int) -> float:
        return row[n - m] if n >= m else 0.0

    for n in range(len(x)):
        if name == "delay":
            y[n] = k["dry"] * x[n] + k["wet"] * ago(x, n)
        elif name == "feedforward_comb":
            y[n] = x[n] + k["gain"] * ago(x, n)
        elif name == "feedback_comb":
            y[n] = x[n] + k["feedback"] * ago(y, n)
        elif name == "feedback_delay":
            echo[n] = ago(x, n) + k["feedback"] * ago(echo, n)
            y[n] = k["dry"] * x[n] + k["wet"] * echo[n]
        elif name == "lowpass_feedback_comb":
            # Freeverb's comb: the line's output passes a lowpass on its way back.
            out = ago(echo, n)
            dull = (1 - k["damping"]) * out + k["damping"] * dull
            echo[n] = x[n] + k["feedback"] * dull
            y[n] = k["dry"] * x[n] + k["wet"] * out
        else:
            echo[n] = -k["gain"] * x[n] + ago(x, n) + k["gain"] * ago(echo, n)
            y[n] = (1 - k["mix"]) * x[n] + k["mix"] * echo[n]
    return y


def some_knobs(part, delay_ms: float, seed: int) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    values = {knob.name: float(rng.uniform(knob.low, knob.high)) for knob in part.knobs}
    return {**values, "delay_ms": delay_ms}


@pytest.mark.parametrize("m", [3, 40, 700])
@pytest.mark.parametrize("kind", ALL)
def test_against_the_equation(kind, m):
    x, part = noise(1500), kind()
    for seed in range(2):
        knobs = some_knobs(part, ms(m), seed)
        want = by_hand(part.name, x, m, knobs)
        output = part(torch.from_numpy(x)[None], RATE, **knobs)[0, 0]
        assert_close(output, want, 1e-8 * np.abs(want).max())
        stream = Rack.of(part, RATE, knobs).process_in_blocks(x, RATE, 64)[0]
        assert_close(stream, want, 1e-11 * np.abs(want).max())


@pytest.mark.parametrize("delay", [0.0, 0.5, 12.3, 40.7])
def test_an_echo_of_a_sine_is_its_phase(delay):
    """Shorter than the kernel too: the whole sound is at hand, and the stream waits."""
    cycles, n = 0.21, 3000
    x = np.sin(2 * np.pi * cycles * np.arange(n))[None]
    rack = Rack.of(Delay(), RATE, {"delay_ms": ms(delay), "dry": 0.0, "wet": 1.0})
    inside = slice(200, n - 200)
    want = np.sin(2 * np.pi * cycles * (np.arange(n) - delay))[inside]
    assert_close(rack.process(x, RATE)[0, inside], want, 1e-5)
    assert_close(rack.process_in_blocks(x, RATE, 64)[0, inside], want, 1e-5)


def test_no_jump_as_the_length_passes_a_whole_number():
    x = torch.from_numpy(noise(2000))[None]
    for kind in ALL:
        part = kind()
        knobs = some_knobs(part, 0.0, 5)
        around = [part(x, RATE, **{**knobs, "delay_ms": ms(50 + off)}) for off in (-1e-6, 0.0, 1e-6)]
        scale = float(around[1].abs().max())
        assert float((around[2] - around[0]).abs().max()) < 1e-3 * scale, part.name
        assert float((around[2] - 2 * around[1] + around[0]).abs().max()) < 1e-6 * scale, part.name


@pytest.mark.parametrize("gain", [0.7, -0.9])
def test_an_allpass_leaves_the_spectrum_alone(gain):
    part = Allpass()
    hz = torch.linspace(0, 12_000, 500, dtype=torch.float64)
    whole = part.response(part.tensors({"delay_ms": ms(31), "gain": gain, "mix": 1.0}), RATE, hz)
    assert_close(whole.abs(), torch.ones_like(whole.abs()), 1e-12)
    between = part.response(part.tensors({"delay_ms": ms(131.4), "gain": gain, "mix": 1.0}), RATE, hz)
    assert_close(between.abs()[:, :400], torch.ones(1, 400), 1e-3)


@pytest.mark.parametrize("kind", ALL)
def test_slopes_of_every_knob(kind):
    part = kind()
    x = torch.from_numpy(noise(40, seed=3))[None].requires_grad_()
    names = [knob.name for knob in part.knobs]
    values = some_knobs(part, ms(20.3), 8)
    leaves = [torch.tensor([values[name]], dtype=torch.float64, requires_grad=True) for name in names]

    def run(x: torch.Tensor, *knobs: torch.Tensor) -> torch.Tensor:
        return part(x, RATE, **dict(zip(names, knobs, strict=True)))

    assert torch.autograd.gradcheck(run, (x, *leaves), eps=1e-6, atol=1e-4)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.sampled_from(ALL), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.sampled_from([8000, 96_000]))
def test_no_setting_makes_a_loop_grow(kind, first, second, third, rate):
    """The response on the unit circle of a growing loop would be finite too: so the stream is played."""
    part = kind()
    shares = dict(zip([knob.name for knob in part.knobs[1:]], (second, third, second, third), strict=False))
    knobs = {k.name: k.low + shares.get(k.name, 0.0) * (k.high - k.low) for k in part.knobs}
    # Short delays, whose kernels are narrow and which go round most often.
    knobs["delay_ms"] = part.knob("delay_ms").low + 1000 * first * 100 / rate
    x = np.zeros((1, 9000))
    x[0, :50] = noise(50)[0]
    output = np.abs(Rack.of(part, rate, knobs).process_in_blocks(x, rate, 3000))
    assert output[:, -3000:].max() <= 1.01 * output[:, :3000].max() + 1e-12


@pytest.mark.parametrize("n", [1, 7, 100])
def test_sounds_shorter_than_the_delay(n):
    x = noise(n)
    rack = Rack.of(FeedbackDelay(), RATE, {"delay_ms": 900.0, "feedback": 0.9, "wet": 1.0})
    assert_close(rack.process(x, RATE), x, 1e-12)
    assert_close(rack.process_in_blocks(x, RATE, 3), x, 1e-12)


class OneAtATime(FeedbackDelay):
    batch_bytes = 1


def test_many_settings_are_processed_a_few_at_a_time():
    x = torch.from_numpy(noise(500))[None]
    knobs = {"delay_ms": torch.linspace(1, 9, 5), "wet": torch.linspace(-1, 1, 5), "feedback": 0.5}
    assert_close(OneAtATime()(x, RATE, **knobs), FeedbackDelay()(x, RATE, **knobs), 1e-14)


def test_a_loop_that_looks_ahead_is_refused():
    with pytest.raises(ValueError, match="causal"):
        LoopStream(Loop(np.ones(4), -1, 0.5, 0.0, 1.0, 0.0), 1)


def tone(n: int) -> np.ndarray:
    """A steady tone of ten harmonics that fades in and out: its lags are ambiguous by its period."""
    time = np.arange(n) / RATE
    wave = sum(np.sin(2 * np.pi * 220.7 * k * time + k) / k for k in range(1, 11))
    return (wave * np.sin(np.pi * np.arange(n) / n))[None]


@pytest.mark.parametrize(("sound", "delay"), [(noise, 31.37), (noise, 9321.48), (tone, 2345.62)])
@pytest.mark.parametrize("kind", ALL)
def test_the_delay_is_found_from_anywhere(kind, sound, delay):
    part, x = kind(), sound(24_000)
    knobs = {"delay_ms": ms(delay), "feedback": 0.6, "damping": 0.3, "gain": -0.55, "mix": 0.8, "dry": 0.7, "wet": -0.5}
    knobs = {name: value for name, value in knobs.items() if name in {knob.name for knob in part.knobs}}
    target = part(torch.from_numpy(x)[None], RATE, **knobs)[0].numpy()
    guesses = part.guesses(x, target, RATE)
    assert 1 <= len(guesses) <= 8
    assert min(abs(float(guess["delay_ms"]) - ms(delay)) for guess in guesses) * RATE / 1000 < 0.15
    if sound is tone and kind is LowpassFeedbackComb:
        return  # a damped loop of another whole number of periods is nearly the same on a tone
    best = guesses[0]
    assert abs(float(best["delay_ms"]) - ms(delay)) * RATE / 1000 < 0.15
    for name in ("feedback", "gain"):
        if name in knobs:
            assert abs(float(best[name]) - knobs[name]) < 0.15


@pytest.mark.parametrize("kind", [Delay, FeedbackComb, Allpass])
def test_the_delay_is_found_though_the_sound_was_filtered_and_clipped(kind):
    x = noise(24_000)
    shaped = np.clip(x + np.pad(0.8 * x, ((0, 0), (2, 0)))[:, :-2], -0.8, 1.1)
    part = kind()
    knobs = {"delay_ms": ms(5432.1), "feedback": 0.6, "gain": 0.6, "mix": 0.9, "dry": 1.0, "wet": 0.5}
    knobs = {name: value for name, value in knobs.items() if name in {knob.name for knob in part.knobs}}
    target = part(torch.from_numpy(shaped)[None], RATE, **knobs)[0].numpy()
    result = [abs(float(guess["delay_ms"]) - ms(5432.1)) * RATE / 1000 for guess in part.guesses(x, target, RATE)]
    assert min(result) < 0.2


@pytest.mark.parametrize("kind", ALL)
def test_nothing_is_guessed_from_silence(kind):
    assert kind().guesses(np.zeros((1, 5000)), noise(5000), RATE) == []
    assert kind().guesses(noise(5000), np.zeros((1, 5000)), RATE) == []
    assert kind().guesses(noise(20), noise(20), RATE) == []
