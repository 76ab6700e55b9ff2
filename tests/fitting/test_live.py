"""The best sound so far, told while a fit runs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from ddsp_match.core.settings import FitSettings, ModelSettings, OptimizerSettings
from ddsp_match.fitting.live import Live
from ddsp_match.tasks.fit import fit

SETTINGS = FitSettings(model=ModelSettings("exact"), optimizer=OptimizerSettings(steps=12))


@pytest.fixture(scope="module")
def fits(tmp_path_factory):
    """The same fit with nobody looking on, and with somebody who is told of every better sound."""
    time_s = np.arange(8000) / 16000
    rng = np.random.default_rng(0)
    wave = sum(0.3 / k * np.sin(2 * np.pi * 220 * k * time_s + k) for k in range(1, 6)) + 0.1
    sound = (wave + 1e-3 * rng.standard_normal(len(time_s))).astype(np.float32)
    patch = pytest.MonkeyPatch()
    told, heard = [], []
    settings = dataclasses.replace(SETTINGS)
    settings.f0 = dataclasses.replace(settings.f0, source="constant", hz=220.0)
    plain = fit(sound, 16000, settings=settings)
    with patch.context() as patched:
        patched.setattr(Live.__init__, "__defaults__", (0.0,))
        live = fit(sound, 16000, settings=settings, on_best=told.append, on_analysis=heard.append)
    again = fit(sound, 16000, settings=settings, analysis=heard[0])
    return plain, live, again, told


def test_looking_on_changes_nothing(fits):
    plain, live, again, _ = fits
    for other in (live, again):
        assert np.array_equal(plain.match.samples, other.match.samples)
        assert plain.trace.loss == other.trace.loss


def test_it_is_told_from_the_first_guess_to_the_end_and_always_better(fits):
    plain, _, _, told = fits
    assert told[0].step == 0 and len(told) > 2
    losses = [best.loss for best in told]
    assert losses == sorted(losses, reverse=True) and losses[-1] == min(plain.trace.loss)


def test_what_is_told_last_is_what_is_written(fits):
    plain, _, _, told = fits
    match, best = plain.match.samples, told[-1].audio().samples
    assert best.shape == match.shape and abs(float(best.mean()) - 0.1) < 1e-2  # with the offset of the recording
    assert np.square(best - match).sum() < 1e-3 * np.square(match - match.mean()).sum()  # but for the patch's rounding


def told_by(live: Live, sound: torch.Tensor, loss: float, best: float, first: int = 0) -> None:
    live.rendered(sound)
    live.judged(first, 1, loss, best)


def test_not_more_often_than_asked_and_only_what_is_better():
    told = []
    live = Live(told.append, torch.zeros(1), 16000, every_s=100.0)
    live.begin(4)
    told_by(live, torch.ones(1, 4), 2.0, 1.0)
    assert told == []
    told_by(live, torch.ones(1, 4), 1.0, 1.0)
    told_by(live, torch.ones(1, 4), 0.5, 0.5)
    assert [best.loss for best in told] == [1.0]


def test_of_a_long_sound_the_parts_that_wait_are_heard_as_guessed():
    told = []
    live = Live(told.append, torch.tensor([1.0]), 16000, every_s=0.0)
    live.begin(6)
    live.put(3, torch.full((1, 3), 5.0))
    told_by(live, torch.full((1, 4), 2.0), 1.0, 1.0)
    assert told[0].samples.tolist() == [[3.0, 3.0, 3.0, 3.0, 6.0, 6.0]]
    told_by(live, torch.full((1, 3), 7.0), 1.0, 1.0, first=3)
    assert told[1].samples.tolist() == [[3.0, 3.0, 3.0, 8.0, 8.0, 8.0]]
    assert told[0].samples[0, 4] == 6.0  # what was told stays as it was


def test_what_the_loss_does_to_a_rendering_is_not_heard():
    told, sound = [], torch.ones(1, 2)
    live = Live(told.append, torch.zeros(1), 16000)
    live.begin(2)
    live.rendered(sound)
    sound.zero_()
    live.judged(0, 0, 1.0, 1.0)
    assert told[0].samples.tolist() == [[1.0, 1.0]]


def test_of_a_sound_with_a_room_the_wet_sound_is_told():
    time_s = np.arange(12000) / 16000
    dry = sum(0.2 / k * np.sin(2 * np.pi * 220 * k * time_s) for k in range(1, 5)) * np.exp(-8 * time_s)
    settings = dataclasses.replace(SETTINGS, effects=["reverb"])
    settings.f0 = dataclasses.replace(settings.f0, source="constant", hz=220.0)
    told = []
    done = fit(dry.astype(np.float32), 16000, settings=settings, on_best=told.append)
    match, best = done.match.samples, told[-1].audio().samples
    assert best.shape == match.shape
    assert np.square(best - match).sum() < 0.2 * np.square(match).sum()


def test_of_a_long_sound_with_a_room_all_pieces_are_told_with_their_room():
    told, rng = [], np.random.default_rng(0)
    time_s = np.arange(13 * 8000) / 8000
    dry = 0.2 * sum(np.sin(2 * np.pi * 220 * k * time_s) / k for k in range(1, 5)) * np.exp(-6 * (time_s % 1.0))
    room = rng.standard_normal(4000) * np.exp(-8 * np.arange(4000) / 4000) * 0.1
    room[0] = 1.0
    sound = np.convolve(dry, room)[: len(dry)].astype(np.float32)
    settings = dataclasses.replace(SETTINGS, effects=["reverb"], optimizer=OptimizerSettings(steps=4))
    settings.f0 = dataclasses.replace(settings.f0, source="constant", hz=220.0)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Live.__init__, "__defaults__", (0.0,))
        done = fit(sound, 8000, settings=settings, on_best=told.append)
    match, best = done.match.samples, told[-1].audio().samples
    assert len(told) > 1
    assert np.square(best - match).sum() < 0.05 * np.square(match).sum()
    first = told[0].audio().samples  # already the pieces that wait
    assert np.square(first[:, -16000:]).mean() > 0.3 * np.square(match[:, -16000:]).mean()
