"""Every text of the page."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from ddsp_match.core.controls import Controls
from ddsp_match.dsp.notes import hz_of, note_words
from ddsp_match.edits.instrument import Instrument
from ddsp_match.fitting.numbers_curve import Size, knee
from ddsp_match.fitting.result import FitResult
from ddsp_match.fitting.verdict import CLEARLY, percent
from ddsp_match.report.metrics_table import figures, flat, value_words
from ddsp_match.report.next_steps import next_steps

PHRASE_S = 60.0  # notes of longer sounds are not listed


def words(data: FitResult, patch_file: tuple[str, int] | None = None) -> dict[str, object]:
    """Return what the page is filled with, by name."""
    verdict, target, controls = data.verdict, data.target, data.controls
    steps = (
        f"{len(data.trace.steps)} steps recorded"
        if len(data.trace.steps)
        else "No step was taken: the first guess is the match"
    )
    pitch_hz = data.features.pitch_hz
    patch = data.patch
    phrase = note_rows(Instrument.of([patch])) if patch.follows_pitch and patch.seconds <= PHRASE_S else []
    chosen = f"ddsp-match export {shlex.quote(patch_file[0]) if patch_file else 'PATCH'} --to sfz --note 1,2"
    return {
        "title": data.name,
        "facts": _facts(data, pitch_hz),
        "level": verdict.level,
        "headline": verdict.headline,
        "size": data.size_words,
        "good": verdict.good,
        "weak": verdict.weak,
        "advice": verdict.advice,
        "next_steps": next_steps(patch_file[0], data.patch.follows_pitch) if patch_file else [],
        "notes": data.notes,
        "phrase": phrase if len(phrase) > 1 else [],
        "phrase_words": f"Keys play the note that can be held longest. Others are chosen by number: `{chosen}`.",
        "channel_words": f", the mean of {target.channels} channels" if target.channels > 1 else "",
        "doubt": bool(data.features.doubt.any()),
        "f0_alt": f"Pitch over time; the note of the sound is {pitch_hz:.1f} hertz."
        if pitch_hz
        else "Pitch over time; no pitch was found.",
        "controls_words": _controls_words(controls, data.patch.grid),
        "stop_words": f"{steps}. {_sentence(str(data.stop_reason))}",
        "loss_alt": _loss_alt(data),
        "shares": _shares(data.metrics),
        "metrics": figures(data.metrics),
        "command": data.command,
        "patch_file": patch_file,
        "seconds": data.seconds,
        "settings": flat(asdict(data.settings)),
    }


def channels_in_words(count: int) -> str:
    """Of a sound: ``mono``, ``stereo`` or ``3 channels``."""
    return {1: "mono", 2: "stereo"}.get(count, f"{count} channels")


def _facts(data: FitResult, pitch_hz: float | None) -> str:
    """Length, rate, channels and pitch of the sound on one line."""
    audio = data.target
    parts = [f"{audio.seconds:.2f} s", f"{audio.sample_rate / 1000:g} kHz", channels_in_words(audio.channels)]
    if pitch_hz is None:
        parts.append(note_words(None))
    else:
        voiced = float(data.features.voiced[0].float().mean())
        where = "" if voiced >= CLEARLY else f" in {percent(voiced)} of the frames"
        parts.append(f"{note_words(pitch_hz)} ({pitch_hz:.1f} Hz{where})")
    if "mrstft" in data.metrics:
        parts.append(f"mrstft {value_words('mrstft', data.metrics['mrstft'])}")
    return " · ".join(parts)


def _controls_words(controls: Controls, grid: str) -> str:
    if not bool(controls.amplitude.any()):
        return f"No partials, only noise in {controls.n_bands} bands.{_shown(controls)}"
    phases = "each with its own phase" if controls.phases is not None else "all starting at phase zero"
    harmonic = f"{controls.n_partials} harmonics of one pitch, {phases}"
    if controls.divisions > 1:
        of = f"{controls.n_partials} partials, one in {controls.divisions} of them a harmonic of the pitch"
        harmonic = f"{of}, {phases}"
    elif grid == "steady":
        apart_hz = float(controls.f0_hz[0, 0])
        harmonic = f"{controls.n_partials} partials on a steady grid, {apart_hz:.4g} Hz apart, {phases}"
    return f"{harmonic}, and noise in {controls.n_bands} bands.{_shown(controls)}"


def note_rows(made: Instrument) -> list[tuple[str, ...]]:
    """The notes of an instrument: number, note, level, where it lies, how it is held."""
    owners = [patch for patch, numbers in zip(made.patches, made.chosen, strict=True) for _ in numbers]
    return [
        (
            str(number),
            note_words(hz_of(tone.pitch) if patch.pitch_hz is not None else None),
            f"{tone.level_db:.1f} dB",
            f"{tone.start_s:.2f} to {tone.stop_s:.2f} s",
            "dies away" if tone.loop is None else f"held by {tone.sustain_s:.2f} s",
        )
        for number, (tone, patch) in enumerate(zip(made.tones, owners, strict=True), 1)
    ]


def _round(number: float) -> int:
    """Two digits are enough for a number that is chosen."""
    return int(float(f"{number:.2g}"))


def sizes_words(sizes: list[Size]) -> str:
    """Say what more or fewer numbers would buy; nothing where that was not measured."""
    if not sizes:
        return ""
    return (
        "What more or fewer numbers would buy: how far the first guess is from the target, before the descent brings "
        "it nearer. The dot is this match, after it. Beyond the knee more numbers buy less: "
        f"`model.numbers={_round(knee(sizes).per_second)}` fits with so many."
    )


def timbre_words(timbre: Mapping[str, Sequence] | None) -> str:
    """Say what the marks of timbre frames are; nothing where there are none."""
    if timbre is None:
        return ""
    tone, noise = (f"{len(timbre[name])} moment{'s' * (len(timbre[name]) > 1)}" for name in ("tone_s", "noise_s"))
    return (
        f"Timbre frames: the spectrum of the tone is stored at {tone}, that of the noise at {noise}, marked at the "
        "foot of the levels; in between, levels go straight in dB. A click there, or the slider, chooses one."
    )


def _shown(controls: Controls) -> str:
    """Say so where one picture stands for several channels."""
    return f" Shown is the mean of {len(controls.f0_hz)} channels." if len(controls.f0_hz) > 1 else ""


def _sentence(reason: str) -> str:
    """A reason as a sentence of its own."""
    reason = reason.strip()
    return f"It stopped: {reason.rstrip('.')}." if reason else ""


def _loss_alt(data: FitResult) -> str:
    best = data.trace.best
    return (
        f"Loss over steps, from {best[0]:.3g} to {best[-1]:.3g} at best."
        if len(best)
        else "No loss was recorded."
    )


def _shares(metrics: Mapping[str, float]) -> list[tuple[str, str, str]]:
    """The shares of energy, if known: stem, per cent of the bar, in words."""
    names = ("harmonic", "noise")
    shares = {name: min(max(metrics.get(f"{name}_share", 0.0), 0.0), 1.0) for name in names}
    total = sum(shares.values())
    if not total > 0:
        return []
    return [(name, f"{100 * share / total:.2f}", value_words(f"{name}_share", share)) for name, share in shares.items()]


