"""The filters as processors: against scipy, stable everywhere, and sensible in what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from ddsp_match.dsp import recursive, time_varying
from ddsp_match.effects.biquad import Lowpass, Peak
from ddsp_match.effects.fir import Fir
from ddsp_match.effects.iir import Iir
from ddsp_match.effects.lfo import swept
from ddsp_match.effects.one_pole import OnePole
from ddsp_match.effects.parametric_eq import Eq, Sos
from ddsp_match.effects.phaser import Phaser
from ddsp_match.effects.rack import Rack
from ddsp_match.effects.sections import Sections
from ddsp_match.effects.state_variable import StateVariable
from ddsp_match.effects.stereo import Pan, Width
from tests.compare import assert_close
from tests.effects.test_every_processor import noise, random_knobs

RATE = 24_000


def sound(channels: int = 2, n: int = 2000, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(noise(channels, n, seed))[None]


@pytest.mark.parametrize("part", [Lowpass(), Peak(), OnePole(), Eq(), Sos(), Eq(bands=1), StateVariable(sweep=False)])
def test_a_cascade_is_scipys_sosfilt_of_its_coefficients(part):
    for seed in range(5):
        knobs = random_knobs(part, seed)
        expected = signal.sosfilt(part.coefficients(RATE, **knobs), sound()[0].numpy())
        scale = max(1.0, float(np.abs(expected).max()))
        assert_close(part(sound(), RATE, **knobs)[0] / scale, expected / scale, 1e-9)


@pytest.mark.parametrize("order", [1, 2, 5, 8])
def test_the_direct_form_is_scipys_lfilter_of_its_coefficients(order):
    part = Iir(order)
    for seed in range(5):
        knobs = random_knobs(part, seed, spread=0.8)
        expected = signal.lfilter(*part.coefficients(**knobs), sound()[0].numpy())
        assert_close(part(sound(), RATE, **knobs)[0] / np.abs(expected).max(), expected / np.abs(expected).max(), 1e-9)


@pytest.mark.parametrize("taps", [1, 2, 40])
def test_the_fir_is_a_convolution(taps):
    knobs = random_knobs(Fir(taps), 3)
    expected = signal.lfilter(knobs["taps"], [1.0], sound()[0].numpy())
    assert_close(Fir(taps)(sound(), RATE, **knobs)[0], expected, 1e-10)


def test_plain_coefficients_to_knobs_and_back():
    b, a = signal.cheby1(4, 1, 0.3)
    part = Iir(4)
    found_b, found_a = part.coefficients(**part.settings(b, a))
    assert_close(found_b, b, 1e-9)
    assert_close(found_a, a, 1e-9)


def test_poles_outside_the_circle_are_mirrored_into_it():
    part = Iir(2)
    _, a = part.coefficients(**part.settings(np.array([1.0]), np.poly([1.25, 0.5]).real))
    assert_close(np.sort(np.roots(a)), [0.5 * 0.9999, 0.8 * 0.9999], 1e-3)


def lattice(x: np.ndarray, b: np.ndarray, reflections: np.ndarray) -> np.ndarray:
    """The same filter sample by sample in the normalised lattice, which cannot blow up by rounding."""
    order, a, polynomials = len(reflections), np.ones(1), [np.ones(1)]
    for k in reflections:
        a = np.append(a, 0) + k * np.append(a, 0)[::-1]
        polynomials.append(a)
    ladder, rest = np.zeros(order + 1), b.copy()
    for m in range(order, -1, -1):
        ladder[m] = rest[m]
        rest[: m + 1] -= ladder[m] * polynomials[m][::-1]
    memory, built = np.zeros(order + 1), []
    for value in x:
        forward, fixed = value, memory.copy()
        for m in range(order, 0, -1):
            forward -= reflections[m - 1] * fixed[m - 1]
            memory[m] = fixed[m - 1] + reflections[m - 1] * forward
        memory[0] = forward
        built.append(float(ladder @ memory))
    return np.array(built)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 8), st.integers(0, 10**6), st.booleans())
def test_any_reflections_in_range_are_stable_in_the_direct_form(order, seed, corners):
    rng = np.random.default_rng(seed)
    part = Iir(order)
    edge = part.furthest
    reflections = rng.choice([-edge, edge], order) if corners else rng.uniform(-edge, edge, order)
    b = rng.uniform(-1, 1, order + 1)
    x = np.zeros(4000)
    x[:50] = rng.standard_normal(50)
    output = part(torch.from_numpy(x).reshape(1, 1, -1), RATE, taps=b, reflections=reflections)[0, 0].numpy()
    expected = lattice(x, b, reflections)
    assert_close(output / np.abs(expected).max(), expected / np.abs(expected).max(), 1e-6)


def test_the_corners_of_the_highest_order_keep_their_digits():
    part, b = Iir(8), np.eye(1, 9)[0]
    x = np.random.default_rng(0).standard_normal(20)
    x = np.pad(x, (0, 980))
    for index in range(0, 256, 8):
        reflections = part.furthest * (1.0 - 2 * ((index >> np.arange(8)[::-1]) & 1))
        output = part(torch.from_numpy(x).reshape(1, 1, -1), RATE, taps=b, reflections=reflections)[0, 0].numpy()
        expected = lattice(x, b, reflections)
        assert_close(output / np.abs(expected).max(), expected / np.abs(expected).max(), 1e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([8000, 24_000, 96_000]))
def test_any_sections_in_range_have_their_poles_inside(seed, rate):
    for part in (Sos(3), Eq(4)):
        rng = np.random.default_rng(seed)
        given_knobs = {
            knob.name: knob.at(torch.from_numpy(rng.choice([0.0, rng.random(), 1.0], knob.size))).numpy()
            for knob in part.knobs
        }
        clipped = {k.name: np.clip(given_knobs[k.name], k.low, k.high) for k in part.knobs}
        table = part.coefficients(rate, **clipped)
        assert bool((np.abs(table[:, 5]) < 1).all() and (np.abs(table[:, 4]) < 1 + table[:, 5]).all())


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([8000, 96_000]))
def test_no_phaser_or_sweep_grows(seed, rate):
    x = torch.zeros(1, 1, 12_000, dtype=torch.float64)
    x[..., :100] = sound(1, 100, seed)
    for part in (Phaser(6), StateVariable()):
        output = part(x, rate, **random_knobs(part, seed))
        assert float(output[..., -3000:].abs().max()) <= 2 * float(output[..., :6000].abs().max()) + 1e-9


def test_a_sweep_of_no_octaves_is_the_filter_at_rest():
    knobs = random_knobs(StateVariable(sweep=False), 4)
    still = StateVariable(sweep=False)(sound(), RATE, **knobs)
    moving = StateVariable()(sound(), RATE, **knobs, sweep_hz=3.0, sweep_phase=0.4)
    assert_close(moving, still, 1e-10)


def test_a_swept_filter_is_the_function_under_its_cutoff():
    n = 2000
    knobs = {"cutoff_hz": 600.0, "sweep_octaves": 1.5, "sweep_hz": 6.0, "sweep_phase": 0.2}
    t = torch.arange(n, dtype=torch.float64) / RATE
    cutoff = 600 * 2 ** (1.5 * torch.sin(2 * torch.pi * (6 * t + 0.2)))
    low, band, high = time_varying.state_variable_filter(sound(), cutoff[None], torch.tensor([2.0]), RATE)
    output = StateVariable()(sound(), RATE, **knobs, q=2.0, low=1.0, band=-0.5, high=2.0)
    assert_close(output, low - 0.5 * band + 2 * high, 1e-10)


def test_the_sweep_swings_as_far_as_it_says():
    knobs = {
        name: torch.tensor([[value]])
        for name, value in (("sweep_octaves", 2.0), ("sweep_hz", 4.0), ("sweep_phase", 0.0))
    }
    hz = swept(torch.tensor([[1000.0]]), knobs, RATE, RATE)[0]
    assert_close([hz.min(), hz[0], hz.max()], [250.0, 1000.0, 4000.0], 0.1)
    assert int(((hz[:-1] < 1000) & (hz[1:] >= 1000)).sum()) in (3, 4)


def test_a_phaser_at_half_has_notches_where_its_allpasses_turn_the_phase_around():
    """Four stages: two notches, at the break frequency times tan(pi/8) and tan(3 pi/8), in warped frequency."""
    n = 1 << 15
    impulse = torch.zeros(1, 1, n, dtype=torch.float64)
    impulse[..., 0] = 1.0
    output = Phaser()(impulse, RATE, centre_hz=1000.0, sweep_octaves=0.0, mix=0.5)
    spectrum = torch.fft.rfft(output[0, 0]).abs()
    warped = np.tan(np.pi * 1000 / RATE)
    for eighths in (1, 3):
        notch_hz = RATE / np.pi * np.arctan(warped * np.tan(eighths * np.pi / 8))
        assert float(spectrum[round(notch_hz * n / RATE)]) < 0.01
    assert float(spectrum[0]) == pytest.approx(1.0)


def test_low_blocks_of_a_long_sweep_are_the_whole():
    for part in (Phaser(), StateVariable()):
        rack = Rack.of(part, RATE, random_knobs(part, 8))
        x = noise(2, 30_000)
        assert_close(rack.process_in_blocks(x, RATE, 777), rack.process(x, RATE), 1e-9)


def test_pan_keeps_the_power_of_a_centred_sound():
    x = sound(1).expand(-1, 2, -1)
    for place in (-1.0, -0.3, 0.5, 1.0):
        output = Pan()(x, RATE, pan=place)
        assert_close(output.square().sum(), x.square().sum(), 1e-9)
    assert_close(Pan()(x, RATE, pan=-1.0)[0, 1], torch.zeros(2000), 1e-12)


def test_width_is_mid_and_side():
    x = sound()
    output = Width()(x, RATE, width=1.7)
    assert_close(output.sum(1), x.sum(1), 1e-12)
    assert_close(output[:, 0] - output[:, 1], 1.7 * (x[:, 0] - x[:, 1]), 1e-12)
    assert_close(Width()(x, RATE, width=0.0)[:, 0], Width()(x, RATE, width=0.0)[:, 1], 1e-12)


@pytest.mark.parametrize(("part", "knobs"), [(Pan(), {"pan": 0.7}), (Width(), {"width": 0.2})])
def test_one_channel_passes_where_two_are_placed(part, knobs):
    assert_close(part(sound(1), RATE, **knobs), sound(1), 0.0)
    assert_close(Rack.of(part, RATE, knobs).process_in_blocks(noise(1, 100), RATE, 7), noise(1, 100), 0.0)


@pytest.mark.parametrize(
    ("part", "knobs"), [(Pan(), {"pan": -0.4}), (Width(), {"width": 0.6}), (Width(), {"width": 1.5})]
)
def test_places_are_guessed_from_levels(part, knobs):
    wet = part(sound(), RATE, **knobs)[0].numpy()
    guess = part.guesses(sound()[0].numpy(), wet, RATE)[0]
    for name, value in knobs.items():
        assert_close(guess[name], value, 1e-9)


@pytest.mark.parametrize(
    "make",
    [lambda: Fir(0), lambda: Iir(9), lambda: Eq(0), lambda: Sos(13), lambda: Phaser(0)],
)
def test_structures_out_of_bounds_are_refused(make):
    with pytest.raises(ValueError, match="allowed"):
        make()


def test_an_equaliser_of_one_band_is_a_bell():
    assert_close(
        Eq(1)(sound(), RATE, cutoff_hz=[500.0], q=[2.0], gain_db=[6.0]),
        Peak()(sound(), RATE, cutoff_hz=500.0, q=2.0, gain_db=6.0),
        1e-12,
    )


def test_every_cascade_registers_as_linear():
    assert all(kind.linear for kind in Sections.__subclasses__() if kind.name not in ("", "svf"))
    assert StateVariable(sweep=False).linear and not StateVariable().linear


def test_a_filter_of_settings_that_do_not_move_a_gradient_still_has_one():
    """At its neutral place a filter must tell which way to turn, or nothing that starts there would ever move."""
    x, target = sound(1), Peak()(sound(1), RATE, cutoff_hz=700.0, gain_db=6.0)
    gain_db = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    (Peak()(x, RATE, gain_db=gain_db) - target).square().sum().backward()
    assert gain_db.grad is not None and float(gain_db.grad) < 0
    reflections = torch.zeros(1, 2, dtype=torch.float64, requires_grad=True)
    duller = recursive.lfilter(x, torch.ones(1, 1), torch.tensor([[1.0, -0.5]]))
    (Iir()(x, RATE, reflections=reflections) - duller).square().sum().backward()
    assert reflections.grad is not None and float(reflections.grad[0, 0]) > 0
