"""Curves: bounded in length, true to what they stand for."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ddsp_match.core.controls import Controls
from ddsp_match.core.features import Features
from ddsp_match.core.timebase import Timebase
from ddsp_match.edits.stems import stems_of
from ddsp_match.fitting.optimise import Trace
from ddsp_match.patch import Patch
from ddsp_match.report.series import MAX_POINTS, feature_series, level_series, loss_series, timbre_series
from tests.compare import assert_close
from tests.report.reports import fit_result
from tests.tasks.runs import some_patch


def features(n_frames: int, doubtful: list[int]) -> Features:
    """An f0 that jumps an octave half-way, in doubt in a few frames."""
    f0_hz = torch.full((1, n_frames), 100.0)
    f0_hz[:, n_frames // 2 :] = 200.0
    doubt = torch.zeros(1, n_frames, dtype=torch.bool)
    doubt[:, doubtful] = True
    ones = torch.ones(1, n_frames)
    return Features(f0_hz, ones, -20 * ones, ones.bool(), doubt)


def test_short_curves_hold_every_frame() -> None:
    """Two seconds: 200 points at their times."""
    curve = feature_series(features(200, [7]), 0.01)
    assert_close(curve["time_s"], np.arange(200) * 0.01, 1e-9)
    assert curve["doubt"][7] == 1
    assert sum(curve["doubt"]) == 1


def test_long_curves_are_thinned_without_making_up_values() -> None:
    """Ten minutes fit in the bound; f0 never takes a value between two notes; one frame in doubt is kept."""
    curve = feature_series(features(60_001, [12_345]), 0.01)
    assert {len(values) for values in curve.values()} == {len(curve["f0_hz"])}
    assert 500 < len(curve["f0_hz"]) <= MAX_POINTS
    assert set(curve["f0_hz"]) == {100.0, 200.0}
    assert sum(curve["doubt"]) == 1
    assert curve["time_s"][curve["doubt"].index(1)] == pytest.approx(123.45, abs=0.6)


def patch_of(controls: Controls) -> Patch:
    timebase = Timebase.at(8000)
    return Patch.of(controls, timebase, timebase.samples(controls.n_frames), noise_seed=0, phase="zero")


def test_levels_are_what_the_synthesizer_plays() -> None:
    """Sines of 0.1 and 0.17 have an RMS of -20 dB in the mean of both channels; white noise of gain 0.01, -40 dB."""
    amplitude = torch.tensor([[0.1] * 50, [0.1 * math.sqrt(3)] * 50])
    share, noise = torch.ones(2, 1, 50), torch.full((2, 9, 50), 0.01)
    curve = level_series(patch_of(Controls(100 * torch.ones(2, 50), amplitude, share, noise)))
    assert_close(curve["harmonic_db"], np.full(50, -20.0), 0.01)
    assert_close(curve["noise_db"], np.full(50, -40.0), 0.01)


def test_both_levels_are_those_of_the_rendered_stems() -> None:
    """One axis holds both: the harmonics are no sum of amplitudes."""
    patch = some_patch(noise=0.02)
    stems, curve = stems_of(patch), level_series(patch)
    for name in ("harmonic", "noise"):
        rms = getattr(stems, name)[..., 1600:-1600].square().mean().sqrt()
        assert curve[f"{name}_db"][20] == pytest.approx(20 * math.log10(rms), abs=0.3)


def test_the_outer_noise_bands_count_half() -> None:
    """Bands at 0 Hz and at Nyquist reach to one side only: of nine, each stands for a sixteenth."""
    noise = torch.zeros(1, 9, 20)
    noise[:, 0] = 1.0
    curve = level_series(patch_of(Controls(torch.ones(1, 20), torch.ones(1, 20), torch.ones(1, 1, 20), noise)))
    assert_close(curve["noise_db"], np.full(20, -10 * math.log10(16)), 0.01)


def test_the_loss_curve_keeps_its_ends_and_the_early_steps() -> None:
    """Of 20 000 steps the first ten, where most happens, and the last all stay."""
    steps = list(range(20_000))
    loss = [1 / (1 + step) for step in steps]
    curve = loss_series(Trace(steps, loss, loss))
    assert len(curve["step"]) <= MAX_POINTS
    assert curve["step"][:10] == list(range(10))
    assert curve["step"][-1] == 19_999


def test_what_a_logarithm_cannot_show_is_left_out() -> None:
    """NaN, infinity and zero are no points."""
    curve = loss_series(Trace([0, 1, 2, 3], [1.0, math.nan, 0.0, 0.5], [1.0, 1.0, 0.1, 0.5]))
    assert curve["step"] == [0, 3]
    assert curve["loss"] == [1.0, 0.5]


def test_several_fits_in_a_row_are_counted_on() -> None:
    """Where step numbers start anew, the axis still only rises."""
    curve = loss_series(Trace([0, 1, 0, 1], [4.0, 3.0, 2.0, 1.0], [4.0, 3.0, 2.0, 1.0]))
    assert curve["step"] == [0, 1, 2, 3]


def test_timbre_frames_are_the_levels_that_are_played_at_their_knots() -> None:
    """At every knot, of partials and of noise; nothing where there are no frames."""
    assert timbre_series(fit_result(0.5).patch) is None
    patch = fit_result(0.5, timbre=True).patch
    shown = timbre_series(patch)
    assert shown is not None and patch.frames is not None
    assert shown["time_s"] == sorted({*shown["tone_s"], *shown["noise_s"]})
    at = [round(time * patch.timebase.frame_rate) for time in shown["time_s"]]
    size = patch.controls.partial_amplitudes[0][patch.frames.partials - 1][:, at].T
    assert np.allclose(shown["tone_db"], 20 * np.log10(size.clamp(min=1e-6).numpy()), atol=0.51)
    played = patch.controls.noise[0].square().mean(0)[at].numpy()
    assert len(shown["edges_hz"]) == 33
    assert np.allclose((10 ** (np.array(shown["noise_db"]) / 10)).sum(1), 2 * played, rtol=0.2)
