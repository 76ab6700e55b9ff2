"""The plan of timbre frames: what has no noise, or nothing but noise, is stored and played like all else."""

from __future__ import annotations

import torch

from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.models.frame_plan import Plan
from ddsp_match.models.frames_model import controls_of
from ddsp_match.models.packed_frames import packed, unpacked


def test_a_sound_without_noise_bands_is_stored_and_read_again():
    n_frames = 21
    shares = torch.full((1, 4, n_frames), 0.25)
    amplitude = torch.linspace(0.1, 0.4, n_frames).unsqueeze(0)
    controls = Controls(
        torch.full((1, n_frames), 220.0), amplitude, shares, torch.zeros(1, 0, n_frames), torch.zeros(1, 4, n_frames)
    )
    played = controls_of(unpacked(packed(Plan(controls, Timebase.at(16000)).at(1.0))))
    assert played.n_bands == 0 and not played.noise.numel()
    assert 20 * (played.amplitude / amplitude).log10().abs().max() < 1
