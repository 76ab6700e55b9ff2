"""Matching: a known patch is found again, long sounds have no seams, every mode runs."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from ddsp_match.core.controls import Controls
from ddsp_match.core.settings import FitSettings
from ddsp_match.core.timebase import Timebase
from ddsp_match.fitting.first_guess import POLISH_CENTS, Target, split
from ddsp_match.fitting.matching import Match, match
from ddsp_match.fitting.optimise import StopReason
from ddsp_match.synth.harmonic_noise import play
from tests.compare import assert_close

TIMEBASE = Timebase.at(16000)


def known(seconds: float = 1.0, f0_hz: float = 220.0, noise: float = 0.002, batch: int = 1) -> tuple[Controls, int]:
    n = TIMEBASE.sample_at(seconds)
    t = torch.arange(TIMEBASE.frames(n)) / 100
    k = torch.arange(1, 11).view(1, -1, 1)
    sizes = (0.2 / k) * (1 + 0.4 * torch.sin(2 * math.pi * (1.5 * t + 0.2 * k)))
    sizes = sizes.repeat(batch, 1, 1)
    total = sizes.sum(1)
    f0 = f0_hz * 2 ** (0.3 / 12 * torch.sin(2 * math.pi * 5 * t))
    phases = (0.5 * k + 0.3 * torch.sin(2 * math.pi * t) * torch.ones_like(sizes)).contiguous()
    bands = torch.full((batch, 129, len(t)), noise)
    return Controls(f0.expand(batch, -1).contiguous(), total, sizes / total.unsqueeze(1), bands, phases), n


def settings(model: str = FitSettings().model.name, **optimizer) -> FitSettings:
    made = FitSettings()
    made.model.name = model
    for name, value in {"steps": 40, **optimizer}.items():
        setattr(made.optimizer, name, value)
    return made


def target_of(controls: Controls, n: int, seed: int = 0) -> torch.Tensor:
    return play(controls, TIMEBASE, n, seed).mix.clone()


def fitted(target: torch.Tensor, f0_hz: torch.Tensor, made: FitSettings, pitched: bool = True, **options) -> Match:
    return match([Target(target, f0_hz, pitched)], TIMEBASE, made, **options)[0]


# Timbre frames hold these swaying levels as straight lines, to half a dB, and are fitted in half a dB.
@pytest.mark.parametrize(("model", "typical_db", "most_db"), [("exact", 0.1, 1.5), ("frames", 0.3, 2.0)])
def test_a_known_patch_is_found_again(model, typical_db, most_db):
    controls, n = known()
    made = settings(model, steps=120)
    made.f0.refine, made.synth.divisions = False, 1
    found = fitted(target_of(controls, n), controls.f0_hz, made).controls
    inner = slice(6, -6)
    wanted, got = controls.partial_amplitudes[..., inner], found.partial_amplitudes[:, :10, inner]
    error_db = 20 * torch.log10(got / wanted)
    assert float(error_db.abs().median()) < typical_db
    assert float(error_db.abs().max()) < most_db
    level_db = 20 * torch.log10(found.noise[..., inner].square().mean().sqrt() / 0.002)
    assert abs(float(level_db)) < 3


@pytest.mark.parametrize("off_cents", [-8.0, 8.0])
def test_f0_is_refined_within_the_fit(off_cents):
    controls, n = known(noise=0.0)
    start = controls.f0_hz * 2 ** (off_cents / 1200)
    refined = fitted(target_of(controls, n), start, settings(steps=1)).controls.f0_hz
    error = 1200 * torch.log2(refined / controls.f0_hz)[:, 10:-10]
    # The known phases themselves sway by 0.3 rad a second, 0.3 Hz on the lowest harmonic.
    assert_close(error, torch.zeros_like(error), 3.5)


def test_f0_cannot_jump():
    controls, n = known(noise=0.0)
    start = 1.06 * controls.f0_hz  # a semitone off
    refined = fitted(target_of(controls, n), start, settings("exact", steps=1)).controls.f0_hz
    assert float((1200 * torch.log2(refined / start)).abs().max()) <= POLISH_CENTS + 0.01


@pytest.mark.parametrize("phase", ["zero", "static", "tracked"])
@pytest.mark.parametrize("kind", ["analysis", "random"])
def test_every_mode_lowers_the_loss(phase, kind):
    controls, n = known(0.5)
    made = settings("exact", steps=25)
    made.synth.phase, made.init.kind = phase, kind
    result = fitted(target_of(controls, n), controls.f0_hz, made)
    assert result.trace.best[-1] < 0.9 * result.trace.loss[0]
    assert (result.controls.phases is None) == (phase == "zero")
    if phase == "static":
        assert float(result.controls.phases.std(dim=2).max()) < 1e-5


def test_analysis_starts_far_below_chance():
    controls, n = known(0.5)
    starts = {}
    for kind in ("analysis", "random"):
        made = settings(steps=1)
        made.init.kind = kind
        result = fitted(target_of(controls, n), controls.f0_hz, made)
        starts[kind] = result.trace.loss[0]
    assert starts["analysis"] < 0.2 * starts["random"]


def test_the_same_seed_gives_the_same_controls():
    controls, n = known(0.4)
    runs = []
    for _ in range(2):
        made = settings(steps=10)
        made.init.kind, made.seed = "random", 4
        runs.append(fitted(target_of(controls, n), controls.f0_hz, made).controls)
    for name in ("f0_hz", "amplitude", "distribution", "noise", "phases"):
        assert_close(getattr(runs[0], name), getattr(runs[1], name), 0.0)


def test_noise_alone_where_there_is_no_pitch():
    hiss = 0.05 * torch.randn(1, 8000, generator=torch.Generator().manual_seed(0))
    made = settings(steps=30)
    made.synth.grid = "f0"
    result = fitted(hiss, torch.full((1, 51), 100.0), made, pitched=False)
    stems = play(result.controls, TIMEBASE, 8000, 0)
    assert float(stems.harmonic.abs().max()) < 1e-4
    assert abs(20 * math.log10(float(stems.noise.std()) / 0.05)) < 2


def test_segments_tile_the_sound():
    for seconds in (0.1, 5.0, 12.0, 12.01, 100.0):
        n = TIMEBASE.sample_at(seconds)
        parts = split(TIMEBASE, n, 8.0)
        assert parts[0].keep_first == 0 and parts[-1].keep_last == TIMEBASE.frames(n)
        assert all(a.keep_last == b.keep_first for a, b in itertools.pairwise(parts))
        assert all(p.first <= p.keep_first < p.keep_last <= p.last for p in parts)
        assert max(p.last - p.first for p in parts) <= 1 + 100 * 12.0 + 2 * 20


def test_seams_cannot_be_heard():
    controls, n = known(3.0)
    target = target_of(controls, n)
    errors = []
    for segment_s in (40.0, 0.8):
        made = settings(steps=20)
        made.segment_s = segment_s
        heard = play(fitted(target, controls.f0_hz, made).controls, TIMEBASE, n, 0).mix
        errors.append((heard - target).abs())
        seams = [TIMEBASE.centre(s.keep_first) for s in split(TIMEBASE, n, segment_s)[1:]]
        assert (len(seams) > 0) == (segment_s < 1)
    around = torch.cat([errors[1][:, seam - 400 : seam + 400] for seam in seams], 1)
    elsewhere = errors[1].square().mean().sqrt()
    assert float(around.square().mean().sqrt()) < 1.6 * float(elsewhere)
    for error in errors:
        assert float(error.square().mean() / target.square().mean()) < 10 ** (-25 / 10)


def test_a_budget_is_shared_by_the_segments():
    controls, n = known(2.0)
    made = settings(steps=100_000, budget_s=1.0)
    made.segment_s = 0.8
    result = fitted(target_of(controls, n), controls.f0_hz, made)
    assert result.trace.reason is StopReason.BUDGET
    assert result.seconds["optimise"] < 4.0
    reached = {step // 100_000 for step in result.trace.steps}
    assert reached == set(range(len(split(TIMEBASE, n, 0.8))))


def test_an_interrupt_leaves_the_first_guess_of_the_rest():
    controls, n = known(2.0)
    target, told = target_of(controls, n), []
    made = settings(steps=50)
    made.segment_s = 0.8
    result = fitted(
        target, controls.f0_hz, made, on_step=lambda *facts: told.append(facts), stop=lambda: len(told) >= 5
    )
    assert result.trace.reason is StopReason.INTERRUPTED
    heard = play(result.controls, TIMEBASE, n, 0).mix
    assert float((heard - target).square().mean() / target.square().mean()) < 0.02


def test_channels_keep_their_own_levels():
    controls, n = known(0.6, batch=2)
    target = target_of(controls, n)
    target[1] *= 0.1
    result = fitted(target, controls.f0_hz, settings())
    heard = play(result.controls, TIMEBASE, n, 0).mix
    ratio = heard.square().mean(1).sqrt()
    assert_close(20 * torch.log10(ratio[0] / ratio[1]), 20.0, 0.3)


@pytest.mark.parametrize(("hz", "phase", "wanted"), [(220.0, "tracked", 3), (440.0, "tracked", 5), (90.0, "tracked", 1),
                                                     (440.0, "zero", 1), (440.0, "static", 1)])  # fmt: skip
def test_partials_lie_no_farther_apart_than_the_frame_rate(hz, phase, wanted):
    controls, n = known(0.3, f0_hz=hz)
    made = settings("exact", steps=1)
    made.synth.phase = phase
    found = fitted(target_of(controls, n), controls.f0_hz, made).controls
    assert found.divisions == wanted
    assert float(found.base_hz.max()) * found.n_partials < TIMEBASE.nyquist_hz * 1.1


def test_a_partial_between_the_harmonics_is_found():
    controls, n = known(0.6, f0_hz=400.0, noise=0.0)
    t = torch.arange(n) / 16000
    target = target_of(controls, n) + 0.1 * torch.sin(2 * math.pi * 1010.0 * t)
    snr = {}
    for divisions in (1, None):
        made = settings("exact", steps=20)
        made.synth.divisions = divisions
        result = fitted(target, controls.f0_hz, made)
        error = play(result.controls, TIMEBASE, n, 0).mix - target
        snr[divisions] = 10 * math.log10(float(target.square().sum() / error.square().sum()))
    assert snr[None] > snr[1] + 6
