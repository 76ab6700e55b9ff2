"""What a fit found, and how it is put together: the patch, what it plays, and how close that is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

import ddsp_match
from ddsp_match.core.audio import Audio
from ddsp_match.core.controls import Controls
from ddsp_match.core.features import Features
from ddsp_match.core.settings import FitSettings
from ddsp_match.core.timebase import Timebase
from ddsp_match.effects.rack import Rack
from ddsp_match.fitting.matching import Match
from ddsp_match.fitting.optimise import StopReason, Trace
from ddsp_match.losses import metrics
from ddsp_match.losses.spectral import sizes_for
from ddsp_match.patch import Patch
from ddsp_match.patch.playing import stems_of, through

if TYPE_CHECKING:
    from ddsp_match.fitting.verdict import Verdict


@dataclass
class Hearing:
    """A sound before it is fitted: what it is, and what was heard in it.

    Attributes:
        name: What it is called.
        target: The sound as the fit hears it.
        source_sample_rate: Of the file, in Hz.
        features: What was heard.
        pitched: Whether any pitch was found.
        notes: What the user should know.
        seconds: Wall seconds by stage.
    """

    name: str
    target: Audio
    source_sample_rate: int
    features: Features
    pitched: bool
    notes: list[str]
    seconds: dict[str, float]


@dataclass
class FitResult:
    """What a fit found.

    Attributes:
        target: The sound as the fit heard it.
        match: What the patch plays.
        stems: Its parts before any effects: ``harmonic`` and ``noise``.
        features: What was heard.
        controls: What is played; the batch axis is the channels.
        patch: All that is needed to play it again.
        trace: The course of the optimisation and the reason it ended.
        metrics: How close the match is, in figures.
        verdict: The same in words.
        notes: What the user should know: clipping, resampling, corrected octaves.
        settings: What it was fitted with.
        seconds: Wall seconds by stage.
        pitched: Whether any pitch was found.
        dry: What the patch plays without its effects, the sound out of its room; None where there are none.
        folder: Where the run was written, or None.
    """

    target: Audio
    match: Audio
    stems: dict[str, Audio]
    features: Features
    controls: Controls
    patch: Patch
    trace: Trace
    metrics: dict[str, float]
    verdict: Verdict
    notes: list[str]
    settings: FitSettings
    seconds: dict[str, float]
    pitched: bool = True
    dry: Audio | None = None
    folder: Path | None = None
    name: str = "sound"
    command: str = ""
    files: dict[str, Path] = field(default_factory=dict)

    @property
    def timebase(self) -> Timebase:
        """The frame grid of features and controls."""
        return self.patch.timebase

    @property
    def stop_reason(self) -> StopReason:
        """Why the optimisation ended."""
        return self.trace.reason


def conclude(
    heard: Hearing,
    match: Match,
    offset: list[float],
    settings: FitSettings,
    *,
    rack: Rack | None = None,
    command: str = "",
    on_stage: Callable[[str], None] | None = None,
) -> FitResult:
    """Makes the patch of found controls, plays it, and judges what it plays.

    Args:
        heard: The sound.
        match: What was found for it.
        offset: Constant part of each channel.
        settings: Of the fit.
        rack: Effects that were found with it.
        command: Command line to note down.
        on_stage: Told what begins.
    """
    say, target, trace, controls = on_stage or (lambda _: None), heard.target, match.trace, match.controls
    notes, seconds = list(heard.notes), dict(heard.seconds)
    if not heard.pitched and controls.n_partials > 1:
        notes.append("no pitch to follow: steady partials play it (synth.grid=f0 leaves it to the noise part)")
    elif not heard.pitched:
        notes.append("no pitch to follow, so only the noise part was fitted")
    if trace.recoveries:
        notes.append(f"{trace.recoveries} steps were not finite and were taken back")
    say("render")
    began = time.perf_counter()
    patch = Patch.of(
        controls,
        Timebase.at(target.sample_rate),
        target.n_samples,
        noise_seed=settings.synth.noise_seed,
        phase=settings.synth.phase,
        offset=offset,
        provenance={
            "sound": heard.name,
            "command": command,
            "ddsp_match": ddsp_match.__version__,
            "source_sample_rate": heard.source_sample_rate,
            "edits": [],
        },
        effects=rack,
        pitched=heard.pitched,
        pitch_hz=heard.features.pitch_hz,
        grid=match.grid,
    )
    stems = stems_of(patch)
    parts = (stems.mix, stems.harmonic, stems.noise)
    dry, harmonic, noise = (Audio(part.numpy(), target.sample_rate) for part in parts)
    played = dry if rack is None else through(rack, dry)
    seconds["render"] = time.perf_counter() - began
    say("judge")
    began = time.perf_counter()
    with torch.inference_mode():
        figures = metrics.measure(
            torch.from_numpy(target.samples),
            stems.harmonic,
            stems.noise,
            target.sample_rate,
            sizes_for(target.sample_rate),
            match=None if rack is None else torch.from_numpy(played.samples),
        )
    figures["loss"] = trace.best[-1] if trace.best else float("nan")
    figures["voiced_share"] = float(heard.features.voiced.float().mean())
    figures["doubt_share"] = float(heard.features.doubt.float().mean())
    # Effects that were left at their neutral setting cost no closeness.
    used = settings if not np.array_equal(played.samples, dry.samples) else replace(settings, effects=[])
    verdict = _verdict(figures, trace, heard, used, target.sample_rate / 2)
    seconds["judge"] = time.perf_counter() - began
    return FitResult(
        target=target,
        match=played,
        stems={"harmonic": harmonic, "noise": noise},
        features=heard.features,
        controls=patch.controls,
        patch=patch,
        trace=trace,
        metrics=figures,
        verdict=verdict,
        notes=notes,
        settings=settings,
        seconds=seconds,
        pitched=heard.pitched,
        dry=None if rack is None else dry,
        name=heard.name,
        command=command,
    )


def _verdict(
    figures: dict[str, float], trace: Trace, heard: Hearing, settings: FitSettings, nyquist_hz: float
) -> Verdict:
    from ddsp_match.fitting.verdict import judge

    return judge(
        figures,
        pitched=heard.pitched,
        stop_reason=str(trace.reason),
        nyquist_hz=nyquist_hz,
        pitch_hz=heard.features.pitch_hz,
        settings=asdict(settings),
    )
