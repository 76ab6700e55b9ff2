"""Every model: from a first guess to controls that play, independently row by row."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ddsp_match.core.controls import Controls
from ddsp_match.core.errors import ConfigError
from ddsp_match.core.settings import FitSettings, ModelSettings
from ddsp_match.core.timebase import Timebase
from ddsp_match.models.registry import MODELS, settled

ROWS, PARTIALS, BANDS, FRAMES, NYQUIST_HZ = 2, 4, 5, 6, 8000.0


def settings(name: str) -> FitSettings:
    return settled(FitSettings(model=ModelSettings(name=name)))


def guess(phases: bool) -> Controls:
    generator = torch.Generator().manual_seed(0)
    sizes = torch.rand(ROWS, PARTIALS, FRAMES, generator=generator) + 0.1
    sizes[1, 2:] = 0  # padding
    total = sizes.sum(1)
    angles = torch.rand(ROWS, PARTIALS, FRAMES, generator=generator) if phases else None
    f0_hz = torch.full((ROWS, FRAMES), 200.0)
    return Controls(f0_hz, total, sizes / total.unsqueeze(1), torch.full((ROWS, BANDS, FRAMES), 0.01), angles)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_starts_near_its_guess_and_every_row_is_on_its_own(name):
    made = settings(name)
    start = guess(made.synth.phase != "zero")
    kind, timebase = MODELS[name], Timebase.at(2 * int(NYQUIST_HZ))
    rows = [replace(start, **{n: v[r : r + 1] for n, v in vars(start).items() if torch.is_tensor(v)}) for r in (0, 1)]
    stored = [one for one in (kind.compacted(made, row, timebase) for row in rows) if one is not None]
    model = kind.of(made, start, NYQUIST_HZ, torch.tensor([PARTIALS, 2]), stored)
    controls = model()
    assert controls.distribution.shape == start.distribution.shape
    assert (controls.phases is None) == (start.phases is None)
    assert float((controls.amplitude - start.amplitude).detach().abs().max()) < (0.05 if not stored else 0.5)
    assert float(controls.distribution[1, 2:].detach().max()) == 0.0
    (controls.amplitude[0].sum() + controls.distribution[0, 0].sum() + controls.noise[0].sum()).backward()
    parameters = [p for group in model.groups(0.1, 0.1) for p in group["params"]]
    slopes = [p.grad for p in parameters if p.grad is not None]
    assert slopes and all(len(p) == ROWS for p in parameters)
    assert all(float(slope[1].abs().max()) == 0.0 for slope in slopes)
    (noise,) = (group["params"] for group in model.groups(0.1, 0.1, harmonics=False))
    assert 0 < len(noise) < len(parameters)


def test_the_notebook_has_no_phases_and_no_partials_between_the_harmonics_whatever_is_asked_for():
    made = FitSettings(model=ModelSettings(name="notebook"))
    made.synth.divisions = 3
    synth = settled(made).synth
    assert (synth.phase, synth.divisions, synth.grid) == ("zero", 1, "f0")
    assert settled(made).optimizer.steps == 400  # its first guess is not as close
    assert made.synth.phase == "tracked"


def test_a_model_that_does_not_exist_is_refused():
    with pytest.raises(ConfigError, match=r"model\.name.*frames \| exact \| notebook"):
        settings("other")
