"""The result of an identified effect."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ddsp_match.analysis.alignment import Alignment
from ddsp_match.core.audio import Audio
from ddsp_match.core.settings import EffectSettings
from ddsp_match.effects.rack import Rack
from ddsp_match.fitting.identify import Step
from ddsp_match.fitting.optimise import StopReason
from ddsp_match.fitting.verdict import Verdict


@dataclass
class EffectResult:
    """The chain that an identification arrived at, what it plays, and how close that is.

    Attributes:
        dry: Input, aligned with the wet sound and trimmed to what both have.
        wet: The sound after the effects.
        output: `dry` through the chain.
        rack: The chain with its knobs.
        esr: Error-to-signal ratio over the whole pair.
        esr_seen: Over the part that was fitted.
        esr_unseen: Over the part at the end that was not, or None without one.
        esr_gain: Of the best single gain, over the same part as `esr_unseen` (or the whole).
        seen: First and last sample (not included) of the fitted part.
        history: The search, from neutral to the result.
        alignment: Latency and polarity between the files.
        verdict: How well the chain explains the pair, in words, and what to try next.
        loss: What the search minimised, at the result; by ear the distance of the spectra.
        ambiguous: Numbers that sound the same at other values.
        notes: What the user should know: resampling, trimming, latency.
        settings: Of the search.
        seconds: Wall seconds by stage.
        stop_reason: Why the search ended.
    """

    dry: Audio
    wet: Audio
    output: Audio
    rack: Rack
    esr: float
    esr_seen: float
    esr_unseen: float | None
    esr_gain: float
    seen: tuple[int, int]
    history: list[Step]
    alignment: Alignment
    verdict: Verdict
    loss: float
    ambiguous: list[str]
    notes: list[str]
    settings: EffectSettings
    seconds: dict[str, float]
    stop_reason: StopReason
    name: str = "effect"
    command: str = ""
    folder: Path | None = None
    files: dict[str, Path] = field(default_factory=dict)

    @property
    def level(self) -> str:
        """The verdict in a word: ``excellent``, ``good``, ``fair`` or ``poor``."""
        return self.verdict.level

    @property
    def advice(self) -> list[str]:
        """Next things to try, most promising first."""
        return self.verdict.advice

    @property
    def matched(self) -> bool:
        """False where nothing explains wet from dry."""
        return self.verdict.matched

    @property
    def by_ear(self) -> str:
        """Why the verdict compares spectra and not samples; empty where it compares samples."""
        return self.verdict.by_ear

    @property
    def difference(self) -> Audio:
        """Wet minus output."""
        return Audio(self.wet.samples - self.output.samples, self.wet.sample_rate)
