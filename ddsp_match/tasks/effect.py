"""Hear a dry and a wet sound, find the knobs of the effects between them, judge what was found."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ddsp_match.analysis.alignment import Alignment, align, shifted
from ddsp_match.analysis.relation import explains
from ddsp_match.audio import Audio
from ddsp_match.effects.build import HELP, build, check
from ddsp_match.effects.processor import Processor
from ddsp_match.effects.rack import Rack
from ddsp_match.errors import ConfigError
from ddsp_match.optimise import StopReason
from ddsp_match.settings import EffectSettings
from ddsp_match.tasks.identify import Identification, Identifier, OnStep, Step
from ddsp_match.tasks.pair import Pair, read_pair
from ddsp_match.tasks.run_folder import check_free

UNSEEN_AT_LEAST_S = 0.25  # a shorter end says nothing about the rest
WORDS = (  # error-to-signal ratios up to which these words hold
    (1e-6, "found: the difference cannot be heard"),
    (1e-3, "very close"),
    (0.02, "close"),
    (0.2, "the main part of it"),
)
EXPLAINED = 0.9  # share of the wet energy left unexplained from which the pair itself is doubted


@dataclass
class EffectResult:
    """What an identification found.

    Attributes:
        dry: Input, aligned with the wet sound and trimmed to what both have.
        wet: What should come out.
        output: What the found chain makes of `dry`.
        rack: The chain with its knobs.
        esr: Error-to-signal ratio over the whole pair.
        esr_seen: Over the part that was fitted.
        esr_unseen: Over the part at the end that was not, or None without one.
        esr_gain: Of the best single gain, over the same part as `esr_unseen` (or the whole).
        seen: First and last sample (not included) of the fitted part.
        history: The way from neutral to what was found.
        alignment: Latency and polarity between the files.
        verdict: In a sentence, how well the chain explains the pair.
        matched: False where nothing explains wet from dry.
        ambiguous: Numbers that sound the same at other values.
        notes: What the user should know: resampling, trimming, latency.
        settings: What it was found with.
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
    verdict: str
    matched: bool
    ambiguous: list[str]
    notes: list[str]
    settings: EffectSettings
    seconds: dict[str, float]
    stop_reason: StopReason
    name: str = "effect"
    command: str = ""
    folder: Path | None = None
    files: dict[str, Path] = field(default_factory=dict)


def effect(
    dry: Audio | str | Path | Any,
    wet: Audio | str | Path | Any,
    sample_rate: int | None = None,
    *,
    settings: EffectSettings | None = None,
    out: str | Path | None = None,
    force: bool = False,
    command: str = "",
    name: str | None = None,
    on_stage: Callable[[str], None] | None = None,
    on_step: OnStep | None = None,
    stop: Callable[[], bool] | None = None,
) -> EffectResult:
    """Finds the knob settings that turn one sound into another.

    Args:
        dry: The sound before the effects: `Audio`, a path, or an array ``(samples,)`` or ``(channels, samples)``.
        wet: The sound after them.
        sample_rate: Of arrays, in Hz.
        settings: The chain and how it is searched.
        out: Folder to write to: sounds, patch, report, animation. Nothing is written without one.
        force: Replace `out` if it exists.
        command: Command line to note down.
        name: Name of the run; by default the wet file's.
        on_stage: Told what begins.
        on_step: Told steps done, steps at most, the loss and the lowest so far.
        stop: Asked again and again whether to end with the best so far.

    Returns:
        What was found; `EffectResult.matched` tells whether it explains the pair.

    Raises:
        SoundError: A sound cannot be read, is silent, or the two cannot be made into a pair.
        ConfigError: The chain names a processor or knob that does not exist, or none at all.
        OutputError: `out` exists already, or cannot be written.

    Example:
        >>> settings = EffectSettings(effects=["lowpass", "clip"])
        >>> result = ddsp_match.effect("dry.wav", "wet.wav", settings=settings)
        >>> result.rack.knobs["clip.high"]
    """
    settings = settings or EffectSettings()
    if not settings.effects:
        raise ConfigError("no effects", where="effects", needed="the chain to look for, effects=[iir,clip]", hint=HELP)
    chain, held = build(settings.effects)
    check(chain, held)
    folder = None if out is None else Path(out)
    if folder is not None:
        check_free(folder, force=force)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    say = on_stage or (lambda _: None)
    seconds: dict[str, float] = {}

    began = time.perf_counter()
    say("read")
    pair = read_pair(dry, wet, sample_rate)
    rate, notes = pair.dry.sample_rate, list(pair.notes)
    say("align")
    alignment = align(pair.dry.samples, pair.wet.samples, rate, settings.max_latency_s)
    moved = _moved(alignment, chain, settings)
    source, target = (np.asarray(part, dtype=np.float64) for part in shifted(pair.dry.samples, pair.wet.samples, moved))
    target = target * moved.polarity
    notes += _alignment_notes(alignment, moved, rate)
    seconds["read and align"] = time.perf_counter() - began

    began = time.perf_counter()
    say("search")
    n = target.shape[1]
    last = n - round(n * settings.holdout)
    if n - last < UNSEEN_AT_LEAST_S * rate:
        last = n
    fitted = {key: np.asarray(value, dtype=np.float64) for key, value in held.items()}
    search = Identifier(
        chain, fitted, source[:, :last], target[:, :last], rate, settings, on_step=on_step, stop=stop
    )
    found = search.run()
    seconds["search"] = time.perf_counter() - began

    say("judge")
    began = time.perf_counter()
    rack = Rack(chain, found.knobs, rate, moved.polarity, moved.latency_samples)
    output = rack.process(source, rate)
    wet_again = target * moved.polarity
    unseen = slice(last, n) if last < n else slice(0, n)
    ratios = {
        "esr": _esr(output, wet_again, slice(0, n)),
        "esr_seen": _esr(output, wet_again, slice(0, last)),
        "esr_unseen": _esr(output, wet_again, unseen) if last < n else None,
        "esr_gain": _esr_of_gain(source, wet_again, slice(0, last), unseen),
    }
    related = _related(ratios, rate, pair, alignment)
    matched, verdict = _judged(ratios, related, found)
    seconds["judge"] = time.perf_counter() - began
    result = EffectResult(
        dry=Audio(source.astype(np.float32), rate),
        wet=Audio(wet_again.astype(np.float32), rate),
        output=Audio(output.astype(np.float32), rate),
        rack=rack,
        **ratios,  # pyright: ignore[reportArgumentType]
        seen=(0, last),
        history=found.history,
        alignment=alignment,
        verdict=verdict,
        matched=matched,
        ambiguous=found.ambiguous,
        notes=notes,
        settings=settings,
        seconds=seconds,
        stop_reason=found.reason,
        name=name or (Path(wet).stem if isinstance(wet, str | Path) else "effect"),
        command=command,
    )
    if folder is not None:
        from ddsp_match.tasks.write_effect import write_effect

        say("write")
        write_effect(result, folder)
    return result


def _moved(alignment: Alignment, chain: Processor, settings: EffectSettings) -> Alignment:
    """The shift that is applied: none where the chain can explain lateness by itself, or alignment is not wanted."""
    from dataclasses import replace

    if not settings.align:
        return replace(alignment, latency_samples=0.0, polarity=1.0)
    if chain.delays:
        return replace(alignment, latency_samples=0.0)
    return alignment


def _alignment_notes(alignment: Alignment, moved: Alignment, rate: int) -> list[str]:
    ms = 1000 * alignment.latency_samples / rate
    notes = [alignment.note] if alignment.note else []
    if abs(alignment.latency_samples) >= 0.5 and moved.latency_samples == 0:
        notes.append(f"the wet sound lies {ms:+.2f} ms from the dry one; left as it is, for the chain to explain")
    return notes


def _esr(output: np.ndarray, wet: np.ndarray, part: slice) -> float:
    energy = float(np.square(wet[:, part]).sum())
    return float(np.square(output[:, part] - wet[:, part]).sum()) / max(energy, 1e-30)


def _esr_of_gain(dry: np.ndarray, wet: np.ndarray, seen: slice, unseen: slice) -> float:
    """Of the best single gain on the part that is fitted, where the chain is judged."""
    energy = float(np.square(dry[:, seen]).sum())
    gain = float((dry[:, seen] * wet[:, seen]).sum()) / max(energy, 1e-30)
    return _esr(gain * dry, wet, unseen)


def _related(
    ratios: dict[str, Any], rate: int, pair: Pair, alignment: Alignment
) -> bool:
    """Whether anything speaks for one sound having been made from the other; asked only where the chain failed."""
    value = ratios["esr"] if ratios["esr_unseen"] is None else ratios["esr_unseen"]
    if value < EXPLAINED:
        return True
    return explains(pair.dry.samples, pair.wet.samples, rate, alignment).related


def _judged(ratios: dict[str, Any], related: bool, found: Identification) -> tuple[bool, str]:
    """Whether the chain explains the pair, and how well, in words."""
    value = ratios["esr"] if ratios["esr_unseen"] is None else ratios["esr_unseen"]
    where = "over the whole" if ratios["esr_unseen"] is None else "on the part that was not fitted"
    decibels = 10 * np.log10(max(value, 1e-30))
    figure = f"error-to-signal ratio {value:.2g} ({decibels:.1f} dB) {where}"
    if value >= EXPLAINED and not related:
        return False, f"no match: nothing explains wet from dry; {figure}"
    if found.measure == "mrstft":
        return True, _judged_by_ear(found)
    if value >= EXPLAINED:
        return True, f"poor: the two belong together, but this chain does not make one from the other; {figure}"
    for bound, words in WORDS:
        if value <= bound:
            return True, f"{words}; {figure}"
    return True, f"rough: much is left unexplained, so other processors are at work; {figure}"


def _judged_by_ear(found: Identification) -> str:
    """In words, how much nearer the spectra came, where samples are not to be compared."""
    before, after = found.history[0].loss, found.loss
    figure = f"spectral distance {after:.2g}, and {before:.2g} without the effects"
    if after < 0.5 * before:
        return f"close in its spectrum (the samples are not compared: chance has a part in them); {figure}"
    if after < 0.9 * before:
        return f"nearer in its spectrum (the samples are not compared: chance has a part in them); {figure}"
    return f"poor: these effects bring the spectra hardly nearer; {figure}"
