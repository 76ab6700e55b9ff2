"""What the report of an identified effect is made of: plain data, gathered once by whoever ran the identification."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from ddsp_match.core.audio import Audio
from ddsp_match.core.params import Parameter
from ddsp_match.report.ratios import counted


@dataclass(frozen=True)
class KnobHistory:
    """The search, one entry for each step that was recorded.

    Attributes:
        steps: Step numbers, rising.
        loss: Loss at that step.
        knobs: Values by knob: ``(steps,)``, or ``(steps, size)`` for a row of knobs.
    """

    steps: Sequence[int] = ()
    loss: Sequence[float] = ()
    knobs: Mapping[str, Float[np.ndarray, "steps ..."]] = field(default_factory=dict)


@dataclass(frozen=True)
class Approach:
    """A short excerpt of the output at some steps of the search, beside what it should become.

    Attributes:
        dry: The excerpt of the input, ``(channels, n)``.
        wet: The same excerpt of the target.
        outputs: Step number, error-to-signal ratio of the excerpt, and the output there; the last is the result.
    """

    dry: Float[np.ndarray, "channels samples"]
    wet: Float[np.ndarray, "channels samples"]
    outputs: Sequence[tuple[int, float, np.ndarray]]


@dataclass(frozen=True)
class EffectReport:
    """All that `ddsp_match.report.effect_page.write` puts on the page. No text in it needs to be trusted.

    Attributes:
        title: Name of the pair.
        command: The command line that made the run.
        dry: The input, aligned with `wet`.
        wet: The target, of the same shape.
        output: What the found chain makes of `dry`, of the same shape.
        chain: The processors in words: ``iir → clip``.
        knobs: Every knob of the chain.
        found: A value for each knob by name, ``()`` or ``(size,)``.
        ambiguous: Names of knobs that sound the same at other values; ``name`` or ``name[3]``.
        history: The search.
        esr: Error-to-signal ratio (energy of the difference over that of `wet`) of the whole.
        esr_seen: Of the part that was fitted.
        esr_unseen: Of the part that was held out, or None if nothing was.
        esr_gain: What the best static gain alone reaches on the unseen part (of all, if nothing was held out).
        seen: First and last sample of the part that was fitted.
        verdict: The judgement in one or two sentences.
        advice: What to try next.
        level: ``excellent``, ``good``, ``fair`` or ``poor``.
        matched: False where nothing explains wet from dry.
        by_ear: Why spectra are compared and not samples; empty where samples are.
        latency_samples: By how much the wet recording was late.
        polarity: 1, or -1 where it was upside down.
        confidence: How sure the alignment is, 0 to 1, or None where none was made.
        explained: Share of wet's energy that the best linear filter of dry explains, or None.
        response_hz: Frequencies of `response_db`; None where the chain is not linear, and is measured instead.
        response_db: Exact magnitude response of the found chain.
        approach: The output on its way to the target, or None.
        notes: Remarks for the user.
        settings: The settings as a plain nested mapping.
        stop_reason: Why the search ended.
        seconds: Wall seconds by stage.
        patch: File name of the patch and its size in bytes, or None if none was written.
    """

    title: str
    command: str
    dry: Audio
    wet: Audio
    output: Audio
    chain: str
    knobs: Sequence[Parameter]
    found: Mapping[str, np.ndarray]
    ambiguous: Collection[str]
    history: KnobHistory
    esr: float
    esr_seen: float
    esr_unseen: float | None
    esr_gain: float
    seen: tuple[int, int]
    verdict: str
    level: str
    matched: bool
    by_ear: str = ""
    advice: Sequence[str] = ()
    latency_samples: float = 0.0
    polarity: float = 1.0
    confidence: float | None = None
    explained: float | None = None
    response_hz: Float[np.ndarray, " points"] | None = None
    response_db: Float[np.ndarray, " points"] | None = None
    approach: Approach | None = None
    notes: Sequence[str] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    stop_reason: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    patch: tuple[str, int] | None = None

    def __post_init__(self) -> None:
        shapes = {audio.samples.shape for audio in (self.dry, self.wet, self.output)}
        if len(shapes) > 1:
            raise ValueError(f"dry, wet and output have different shapes: {sorted(shapes)}")
        missing = [knob.name for knob in self.knobs if knob.name not in self.found]
        if missing:
            raise ValueError(f"knobs without a value: {missing}")

    @property
    def judged(self) -> float:
        """The error-to-signal ratio that counts."""
        return counted(self.esr, self.esr_unseen)

    @property
    def difference(self) -> Audio:
        """Wet minus output."""
        return Audio(self.wet.samples - self.output.samples, self.wet.sample_rate)
