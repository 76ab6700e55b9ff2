"""The result of a fit: the patch, what it plays, and how close that is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

import ddsp_match
from ddsp_match.analysis.pitch import PitchTrack
from ddsp_match.core.audio import Audio
from ddsp_match.core.controls import Controls
from ddsp_match.core.features import Features
from ddsp_match.core.settings import FitSettings
from ddsp_match.core.timebase import Timebase
from ddsp_match.edits.stems import stems_of
from ddsp_match.effects.rack import Rack
from ddsp_match.fitting.matching import Match
from ddsp_match.fitting.optimise import StopReason, Trace
from ddsp_match.fitting.verdict import Verdict, judge
from ddsp_match.losses import metrics
from ddsp_match.losses.spectral import sizes_for
from ddsp_match.patch import Patch
from ddsp_match.patch.playing import mix_of, through, with_unseen_noise

Analysis = tuple[Features, PitchTrack]


@dataclass
class Sound:
    """A sound that is to be fitted.

    Attributes:
        name: Its name.
        target: The sound at the rate of the fit.
        source_sample_rate: Of the file, in Hz.
        notes: What the user should know.
        seconds: Wall seconds that it took to read.
    """

    name: str
    target: Audio
    source_sample_rate: int
    notes: list[str]
    seconds: float


@dataclass
class FitResult:
    """The outcome of a fit.

    Attributes:
        target: The sound at the rate of the fit.
        match: The sound of the patch.
        stems: Its parts before any effects: ``harmonic`` and ``noise``.
        features: f0, periodicity and loudness of the target.
        controls: Those of the patch; the batch axis is the channels.
        patch: All that is needed to play the match again.
        trace: The course of the optimisation and the reason it ended.
        metrics: How close the match is, in figures.
        verdict: The same in words.
        notes: What the user should know: clipping, resampling, corrected octaves.
        settings: What it was fitted with.
        seconds: Wall seconds by stage.
        pitched: Whether the sound has a pitch.
        dry: The sound of the patch without its effects; None where there are none.
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

    def save_patch(self, path: str | Path) -> int:
        """Write the patch, and note among the metrics how many bits a second its file takes.

        Returns:
            The size of the file in bytes.

        Raises:
            OutputError: The place cannot be written to.
        """
        n_bytes = self.patch.save(path)
        self.metrics["kbit_per_second"] = 8 * n_bytes / 1000 / self.patch.seconds
        return n_bytes

    @property
    def size_words(self) -> str:
        """How many numbers and, where it was written, bits the patch takes, beside those of the sound itself."""
        rate, channels = self.target.sample_rate, self.target.channels
        numbers = self.patch.numbers_per_second()
        words = f"{numbers:,.0f} numbers a second (the sound itself: {rate * channels:,} samples)"
        if (kbit := self.metrics.get("kbit_per_second")) is None:
            return words
        bits = f"{kbit:,.0f}" if kbit >= 100 else f"{kbit:.3g}"
        return f"{words}, {bits} kbit/s (16-bit WAV: {16 * rate * channels / 1000:,.0f})"

    @property
    def stop_reason(self) -> StopReason:
        """The reason for which the optimisation ended."""
        return self.trace.reason


def _sound(patch: Patch) -> Audio:
    dry = Audio(mix_of(patch).numpy(), patch.timebase.sample_rate)
    return dry if patch.effects is None else through(patch.effects, dry)


def conclude(
    sound: Sound,
    analysis: Analysis,
    match: Match,
    settings: FitSettings,
    *,
    analyse_s: float = 0.0,
    rack: Rack | None = None,
    command: str = "",
    on_stage: Callable[[str], None] | None = None,
) -> FitResult:
    """Make the patch of a match, play it, and judge it: with noise that the fit has not seen.

    Args:
        sound: The sound.
        analysis: Its features and pitch track.
        match: Its match.
        settings: Of the fit.
        analyse_s: Wall seconds that the analysis took.
        rack: Effects that were fitted with it.
        command: Command line to note down.
        on_stage: Called with the name of each stage that begins.
    """
    say, target, trace, controls = on_stage or (lambda _: None), sound.target, match.trace, match.controls
    features, pitched = analysis[0], analysis[1].pitched
    notes = list(sound.notes)
    seconds = {"read and analyse": sound.seconds + analyse_s, **match.seconds}
    if not pitched and controls.n_partials > 1:
        choice = "" if settings.model.name == "frames" else " (synth.grid=f0 leaves it to the noise part)"
        notes.append(f"no pitch to follow: steady partials play it{choice}")
    elif not pitched:
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
        phase=settings.synth.phase if match.stored is None else "static",
        offset=match.offset,
        provenance={
            "sound": sound.name,
            "command": command,
            "ddsp_match": ddsp_match.__version__,
            "model": settings.model.name,
            "source_sample_rate": sound.source_sample_rate,
            "edits": [],
        },
        effects=rack,
        pitched=pitched,
        pitch_hz=features.pitch_hz,
        grid=match.grid,
        frames=match.stored,
    )
    mix = mix_of(patch)
    stems = stems_of(patch, mix)
    dry, harmonic, noise = (Audio(part.numpy(), target.sample_rate) for part in (mix, stems.harmonic, stems.noise))
    played = dry if rack is None else through(rack, dry)
    seconds["render"] = time.perf_counter() - began
    say("judge")
    began = time.perf_counter()
    other_draw = torch.from_numpy(_sound(with_unseen_noise(patch)).samples)
    with torch.inference_mode():
        figures = metrics.measure(
            torch.from_numpy(target.samples),
            stems.harmonic,
            stems.noise,
            target.sample_rate,
            sizes_for(target.sample_rate),
            match=other_draw,
        )
        figures["mel_net_db"] = metrics.mel_net_db(
            figures["mel_db"], other_draw, torch.from_numpy(played.samples), target.sample_rate
        )
    figures["loss"] = trace.lowest
    figures["numbers_per_second"] = patch.numbers_per_second()
    figures["voiced_share"] = float(features.voiced.float().mean())
    figures["doubt_share"] = float(features.doubt.float().mean())
    # Effects that were left at their neutral setting cost no closeness.
    effective = settings if not np.array_equal(played.samples, dry.samples) else replace(settings, effects=[])
    verdict = judge(
        figures,
        pitched=pitched,
        stop_reason=str(trace.reason),
        nyquist_hz=target.sample_rate / 2,
        pitch_hz=features.pitch_hz,
        settings=asdict(effective),
    )
    seconds["judge"] = time.perf_counter() - began
    return FitResult(
        target=target,
        match=played,
        stems={"harmonic": harmonic, "noise": noise},
        features=features,
        controls=patch.controls,
        patch=patch,
        trace=trace,
        metrics=figures,
        verdict=verdict,
        notes=notes,
        settings=settings,
        seconds=seconds,
        pitched=pitched,
        dry=None if rack is None else dry,
        name=sound.name,
        command=command,
    )

