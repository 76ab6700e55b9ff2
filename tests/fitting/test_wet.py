"""Effects behind a source, cut into segments: what they heard before still sounds, and is not played at every step."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ddsp_match.effects.build import build
from ddsp_match.effects.processor import Processor
from ddsp_match.effects.registry import processors
from ddsp_match.fitting import wet as module
from ddsp_match.fitting.wet import Wet
from tests.compare import assert_close

RATE = 16000
CUT = 9000


def sound(channels: int = 1, seconds: float = 1.0) -> torch.Tensor:
    rng = np.random.default_rng(4)
    return torch.from_numpy(0.1 * rng.standard_normal((channels, round(seconds * RATE)))).float()


def settled(chain: Processor, values: dict, recording: torch.Tensor) -> Wet:
    return Wet(chain, values, [knob.name for knob in chain.knobs], recording, RATE, anchored=False)


def lengths_played(monkeypatch, chain: Processor) -> list[int]:
    """The lengths of all that the chain plays from now on."""
    lengths = []
    process = type(chain).process

    def spied(self: Processor, audio: torch.Tensor, *rest) -> torch.Tensor:
        lengths.append(audio.shape[2])
        return process(self, audio, *rest)

    monkeypatch.setattr(type(chain), "process", spied)
    return lengths


@pytest.mark.parametrize("channels", [1, 2])
def test_the_past_of_linear_effects_is_exact(channels):
    chain, held = build([{"delay": {"delay_ms": 150.0, "wet": 0.5}}, {"reverb": {"level": [0.5] * 8}}, "lowpass"])
    assert chain.linear
    dry = sound(channels)
    effects = settled(chain, held, dry)
    whole = chain.process(dry[None], effects.knobs(), RATE)[0]
    pair = effects.after(dry[:, :CUT], dry.shape[1] - CUT)(dry[:, CUT:])
    assert_close(pair[0], dry[:, CUT:], 0.0)
    assert_close(pair[1], whole[:, CUT:], 1e-6)
    alone = effects.after(dry[:, :0], dry.shape[1] - CUT)(dry[:, CUT:])
    assert float((pair[1] - alone[1]).abs().max()) > 0.01


def test_a_step_of_linear_effects_does_not_play_the_past(monkeypatch):
    chain, held = build([{"reverb": {"level": [0.5] * 8}}])
    dry = sound(2)
    step = settled(chain, held, dry).after(dry[:, :CUT], dry.shape[1] - CUT)
    lengths = lengths_played(monkeypatch, chain)
    step(dry[:, CUT:])
    assert lengths == [dry.shape[1] - CUT]


def test_a_step_of_other_effects_plays_a_warm_up_alone(monkeypatch):
    monkeypatch.setattr(module, "WARM_UP_S", 0.1)
    chain, held = build([{"clip": {"high": 0.05}}, "lowpass"])
    dry = sound()
    step = settled(chain, held, dry).after(dry[:, :CUT], dry.shape[1] - CUT)
    lengths = lengths_played(monkeypatch, chain)
    pair = step(dry[:, CUT:])
    assert lengths == [dry.shape[1] - CUT + RATE // 10]
    assert_close(pair[1], chain.process(dry[None], settled(chain, held, dry).knobs(), RATE)[0, :, CUT:], 1e-5)


# An optical cell begins awake and takes seconds of silence to fall asleep, for which there is the warm-up.
@pytest.mark.parametrize("name", sorted(set(processors()) - {"parallel", "mix", "optical"}))
def test_every_effect_swings_on_where_the_sound_is_cut(monkeypatch, name):
    monkeypatch.setattr(module, "WARM_UP_S", 0.0)
    chain, _ = build([name])
    values = {knob.name: knob.at(torch.full(knob.shape, 0.6)).numpy() for knob in chain.knobs}
    dry = sound()
    dry[:, :CUT] = 0.0
    effects = settled(chain, values, dry)
    whole = chain.process(dry[None], effects.knobs(), RATE)[0, :, CUT:]
    pair = effects.after(dry[:, :CUT], dry.shape[1] - CUT)(dry[:, CUT:])
    assert_close(pair[1], whole, 1e-4 * float(whole.abs().max()))
