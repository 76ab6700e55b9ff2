"""Runs to score that need no fit: patches made by hand, and sounds that are what they play."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import torch

from ddsp_match.core import audio
from ddsp_match.core.audio import Audio
from ddsp_match.core.controls import Controls
from ddsp_match.core.settings import FitSettings
from ddsp_match.core.timebase import Timebase
from ddsp_match.patch import SUFFIX, Patch
from ddsp_match.runs.store.entry import Entry
from ddsp_match.runs.store.sound_folder import write_sound
from ddsp_match.runs.store.store import Store
from ddsp_match.tasks.render import render

RATE, SECONDS = 16000, 0.4


def some_patch(f0_hz: float = 330.0, noise: float = 0.002, level: float = 0.2, seed: int = 0) -> Patch:
    """A steady tone of four harmonics over noise."""
    timebase = Timebase.at(RATE)
    frames = timebase.frames(round(SECONDS * RATE))
    distribution = torch.tensor([0.5, 0.25, 0.15, 0.1])[None, :, None].expand(1, 4, frames)
    controls = Controls(
        torch.full((1, frames), f0_hz), torch.full((1, frames), level), distribution, torch.full((1, 65, frames), noise)
    )
    return Patch.of(controls, timebase, round(SECONDS * RATE), noise_seed=seed, phase="zero")


def make_run(
    folder: Path,
    sounds: dict[str, tuple[Patch, Audio]],
    *,
    files: str = "sounds",
    failed: dict[str, str] | None = None,
    families: dict[str, str] | None = None,
    **settings: object,
) -> Path:
    """A run over many sounds: by name what is played, and what was to be matched."""
    source = folder.parent / "samples"
    store = Store.create_or_resume(
        folder, command="ddsp-match fit samples", settings=_settings(**settings), source=str(source)
    )
    with store:
        for name, (patch, target) in sounds.items():
            path = source / f"{name}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                audio.write(path, target, "FLOAT")
            entry = Entry(
                name, str(path), "done", (families or {}).get(name, ""),
                metrics={"mrstft": 1.0, "doubt_share": 0.0}, seconds={"first guess": 0.5, "optimise": 0.25},
                facts={"peak_mb": 400.0, "pitched": True, "headline": "A match."},
            )  # fmt: skip
            write_sound(folder, entry, lambda place, patch=patch, name=name: _write(place, patch, name, files))
            store.enter(entry)
        for name, reason in (failed or {}).items():
            store.enter(Entry(name, str(source / f"{name}.wav"), "failed", reason=reason))
    return folder


def make_single(folder: Path, patch: Patch, target: Audio, name: str = "sound") -> Path:
    """The run of one sound, as far as scoring looks at it."""
    folder.mkdir(parents=True)
    patch.save(folder / f"{name}{SUFFIX}")
    audio.write(folder / "match.wav", render(patch), "FLOAT")
    audio.write(folder / "target.wav", target, "FLOAT")
    known = {"sound": name, "metrics": {"mrstft": 0.5, "loss": None}, "seconds": {"optimise": 2.0}, "pitched": True}
    (folder / "metrics.json").write_text(json.dumps(known))
    (folder / "config.yaml").write_text("# ddsp-match fit sound.wav\nf0:\n  model: tiny\n")
    (folder / "report.html").write_text("page")
    return folder


def noisy(sound: Audio, level: float = 0.01, seed: int = 9) -> Audio:
    """A sound and something else beside it."""
    noise = np.random.default_rng(seed).standard_normal(sound.samples.shape).astype(np.float32)
    return Audio(sound.samples + level * noise, sound.sample_rate)


def _write(place: Path, patch: Patch, name: str, files: str) -> None:
    patch.save(place / f"{Path(name).name}{SUFFIX}")
    if files == "sounds":
        audio.write(place / "match.wav", render(patch), "FLOAT")


def _settings(**changed: object) -> dict[str, object]:
    settings = dataclasses.asdict(FitSettings())
    settings["f0"]["model"] = "tiny"
    for key, value in changed.items():
        section, _, name = key.partition("__")
        settings[section][name] = value
    return settings
