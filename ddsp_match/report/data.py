"""What a report is made of: everything the page shows, gathered once by whoever ran the fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ddsp_match.core.audio import Audio
from ddsp_match.core.controls import Controls
from ddsp_match.core.features import Features
from ddsp_match.core.timebase import Timebase
from ddsp_match.fitting.verdict import Verdict


@dataclass(frozen=True)
class LossTrace:
    """The loss over the optimisation, one entry for each step that was recorded.

    Attributes:
        steps: Step numbers, rising.
        loss: Loss at that step.
        best: Lowest loss up to that step.
    """

    steps: Sequence[int] = ()
    loss: Sequence[float] = ()
    best: Sequence[float] = ()


@dataclass(frozen=True)
class PatchFacts:
    """The size of the patch that plays the match.

    Attributes:
        filename: Name of the patch file, without its folder.
        n_bytes: Size of that file.
        numbers_per_second: Numbers that one second of the sound takes, all channels together.
        follows_pitch: Whether it has notes to transpose and to export.
    """

    filename: str
    n_bytes: int
    numbers_per_second: float
    follows_pitch: bool = True


@dataclass(frozen=True)
class ReportData:
    """All that `ddsp_match.report.page.write` puts on the page. No text in it needs to be trusted.

    Attributes:
        title: Name of the sound.
        command: The command line that made the run.
        target: The sound as the fit heard it.
        match: The synthesizer's rendering of it.
        stems: Parts of the match by name: ``harmonic``, ``noise``.
        timebase: Frame grid of `features` and `controls`.
        features: What was heard.
        controls: What is played; the batch axis holds the channels.
        grid: What its partials are multiples of: ``f0``, or ``steady`` frequencies.
        trace: The loss over the optimisation.
        metrics: Figures of closeness by name; see `ddsp_match.report.metrics_table`.
        verdict: The judgement in words.
        notes: Remarks for the user: clipping, resampling, a corrected octave.
        settings: The settings as a plain nested mapping.
        stop_reason: Why the fit ended.
        seconds: Wall seconds by stage.
        patch: The patch file, or None if none was written.
    """

    title: str
    command: str
    target: Audio
    match: Audio
    stems: Mapping[str, Audio]
    timebase: Timebase
    features: Features
    controls: Controls
    grid: str
    trace: LossTrace
    metrics: Mapping[str, float]
    verdict: Verdict
    notes: Sequence[str] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    stop_reason: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    patch: PatchFacts | None = None
