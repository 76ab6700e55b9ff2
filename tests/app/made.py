"""Run folders made by hand, in no time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from ddsp_match.core.audio import Audio, write
from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.patch import Patch
from ddsp_match.tasks.render import render

RATE, N_SAMPLES, F0_HZ = 16000, 8001, 220.0
TIMEBASE = Timebase.at(RATE)


def patch(channels: int = 1, f0_hz: float = F0_HZ, **pitch: Any) -> Patch:
    """Half a second of eight harmonics and faint noise, swelling and fading."""
    frames = TIMEBASE.frames(N_SAMPLES)
    level = 0.4 * torch.sin(torch.linspace(0, torch.pi, frames)).clamp(min=0) ** 0.5
    shares = (1 / torch.arange(1, 9)).view(1, -1, 1).expand(channels, -1, frames)
    controls = Controls(
        torch.full((channels, frames), f0_hz),
        level.expand(channels, -1).contiguous(),
        shares / shares.sum(1, keepdim=True),
        torch.full((channels, 65, frames), 1e-3),
        torch.zeros(channels, 8, frames),
    )
    provenance = {"sound": "tone", "edits": []}
    return Patch.of(controls, TIMEBASE, N_SAMPLES, noise_seed=1, phase="tracked", provenance=provenance, **pitch)


def run(folder: Path, name: str = "tone", f0_hz: float = F0_HZ, pitched: bool = True, **metrics: object) -> Patch:
    """A folder as a fit leaves it."""
    folder.mkdir(parents=True)
    made = patch(f0_hz=f0_hz, pitched=pitched)
    match = render(made)
    made.save(folder / f"{name}.patch.safetensors")
    write(folder / "match.wav", match, "FLOAT")
    write(folder / "target.wav", Audio(match.samples * 0.9, RATE), "FLOAT")
    (folder / "report.html").write_text("<!doctype html><title>report</title><script>1</script>", encoding="utf-8")
    (folder / "loss.csv").write_text("step,loss,best,seconds\n0,0.5,0.5,0.1\n1,0.4,0.4,0.2\n", encoding="utf-8")
    told = {
        "sound": name,
        "verdict": "Good.",
        "level": "good",
        "metrics": {"mrstft": 0.3, "numbers_per_second": 1040.0, "kbit_per_second": 8.125},
        "pitched": pitched,
        **metrics,
    }
    (folder / "metrics.json").write_text(json.dumps(told), encoding="utf-8")
    return made
