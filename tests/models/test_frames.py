"""Timbre frames: few numbers for few lines, the budget that was asked for, and parts that make a whole again."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ddsp_match.core.errors import ConfigError
from ddsp_match.core.settings import FitSettings
from ddsp_match.models.frame_plan import EDIT_PRICE, Plan, compacted
from ddsp_match.models.frames_model import FramesModel, controls_of
from ddsp_match.models.packed_frames import packed
from tests.models.made_frames import TIMEBASE, error_db, lines


def settings(**budget: float) -> FitSettings:
    made = FitSettings()
    made.model.name = "frames"
    for name, value in budget.items():
        setattr(made.model, name, value)
    return made


@pytest.mark.parametrize("channels", [1, 2])
def test_lines_are_held_by_few_numbers_and_come_back(channels):
    controls = lines(channels=channels)
    frames = compacted(controls, TIMEBASE)
    # Four knots of eight partials in groups and a level, two of 32 bands; with f0, phases and offsets.
    assert frames.numbers < 220 * channels
    back = controls_of(frames)
    assert back.f0_hz.shape == controls.f0_hz.shape
    assert error_db(back.partial_amplitudes, controls.partial_amplitudes) < 0.5
    assert error_db(back.noise, controls.noise) < 0.5
    assert float((1200 * (back.f0_hz / controls.f0_hz).log2()).abs().max()) < 1


def test_edges_are_held_too():
    silent = lines(bands=0)
    assert controls_of(compacted(silent, TIMEBASE)).n_bands == 0
    still = compacted(lines(frames=1), TIMEBASE)
    assert controls_of(still).n_frames == 1
    noise = replace(lines(), amplitude=torch.zeros(1, 151))
    back = controls_of(compacted(noise, TIMEBASE))
    assert error_db(back.noise, noise.noise) < 0.5 and float(back.amplitude.max()) < 1e-3
    level = compacted(replace(lines(), phases=None), TIMEBASE)
    assert float(level.voices[0].phase.values.abs().max()) == 0.0


def swaying() -> object:
    """Levels that no few lines hold."""
    controls, t = lines(), torch.arange(151)
    k = torch.arange(8).view(-1, 1)
    sizes = controls.partial_amplitudes * 10 ** (0.3 * torch.sin(0.3 * t + k))
    return replace(controls, amplitude=sizes.sum(1), distribution=sizes / sizes.sum(1, keepdim=True))


@pytest.mark.parametrize("budget", [{"numbers": 400}, {"numbers": 200}, {"rate_kbps": 3.0}])
def test_a_budget_is_kept_and_used(budget):
    frames = FramesModel.compacted(settings(**budget), swaying(), TIMEBASE)
    spent = frames.numbers / 1.5 if "numbers" in budget else len(packed(frames)) / 125 / 1.5
    (most,) = budget.values()
    assert 0.8 * most < spent <= most


def test_a_smaller_budget_costs_closeness():
    controls = swaying()
    errors = []
    for numbers in (200, 400, 1000):
        back = controls_of(FramesModel.compacted(settings(numbers=numbers), controls, TIMEBASE))
        levels = [20 * c.partial_amplitudes.clamp(min=1e-4).log10() for c in (back, controls)]
        errors.append(float((levels[0] - levels[1]).square().mean()))
    assert errors[0] > 1.2 * errors[1] > 1.2 * errors[2]


@pytest.mark.parametrize("name", ["numbers", "rate_kbps"])
def test_a_budget_too_small_is_refused_with_the_least_that_is_enough(name):
    with pytest.raises(ConfigError, match=rf"model\.{name}.*at least") as error:
        FramesModel.compacted(settings(**{name: 0.05}), lines(), TIMEBASE)
    least = float(str(error.value).split("at least ")[1].split()[0])
    FramesModel.compacted(settings(**{name: least}), lines(), TIMEBASE)


def test_parts_give_back_the_whole_with_what_changed_in_them():
    frames = Plan(swaying(), TIMEBASE).at(EDIT_PRICE)
    spans = [(0, 70), (50, 120), (100, 151)]
    parts = [frames.within(*span) for span in spans]
    starts, kept = [a for a, _ in spans], [0, 60, 110]
    assert [part.n_frames for part in parts] == [70, 70, 51] and not any(part.whole for part in parts)
    for (a, b), part in zip(spans, parts, strict=True):
        torch.testing.assert_close(
            controls_of(part).partial_amplitudes, controls_of(frames).partial_amplitudes[..., a:b], rtol=1e-4, atol=1e-7
        )
    same = frames.updated(parts, starts, kept)
    assert packed(same) == packed(frames)
    # The middle part is played 6 dB louder: so is the whole, there and nowhere else.
    (voice,) = parts[1].voices
    louder = replace(voice.tone_level, values=voice.tone_level.values + 6)
    parts[1] = replace(parts[1], voices=(replace(voice, tone_level=louder),))
    moved = frames.updated(parts, starts, kept).voices[0].tone_level
    change, times = moved.values - frames.voices[0].tone_level.values, moved.times
    inside = (times >= 60) & (times < 110)
    assert torch.equal(change[0].round(decimals=4), 6.0 * inside) and bool(inside.any())


def test_the_model_begins_at_its_frames_and_gives_them_back():
    frames = [compacted(lines(f0_hz=hz), TIMEBASE) for hz in (220.0, 310.0)]
    model = FramesModel(frames)
    assert [packed(one) for one in model.stored()] == [packed(one) for one in frames]
    with torch.no_grad():
        model.noise_level_values += 1
    (own, _), noise = model.stored(), frames[0].voices[0].noise_level.values
    torch.testing.assert_close(own.voices[0].noise_level.values, noise + 8.6859, atol=1e-3, rtol=0)


def test_only_of_whole_sounds_the_constants_are_free():
    whole = compacted(lines(), TIMEBASE)
    model = FramesModel([whole, whole.within(0, 100)])
    controls = model()
    (controls.partial_amplitudes.sum() + controls.phases.sum()).backward()
    for values in (model.offset, model.phase_values):
        first, second = values.grad.abs().sum((1, 2)).tolist()
        assert first > 0 and second == 0
