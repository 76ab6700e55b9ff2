"""Every text of the page, escaped: nothing a user or a file name says can become markup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from html import escape

from ddsp_match.core.controls import Controls
from ddsp_match.dsp.notes import note_words
from ddsp_match.fitting.result import FitResult
from ddsp_match.fitting.verdict import CLEARLY, percent
from ddsp_match.report.metrics_table import (
    bullet_list,
    copyable,
    metrics_rows,
    seconds_rows,
    settings_rows,
    value_words,
)
from ddsp_match.report.next_steps import next_steps


def words(data: FitResult, patch_file: tuple[str, int] | None = None) -> dict[str, str]:
    """The texts of the page by the name of their place, as HTML."""
    verdict, target, controls = data.verdict, data.target, data.controls
    steps = (
        f"{len(data.trace.steps)} steps recorded"
        if len(data.trace.steps)
        else "No step was taken: the first guess is the match"
    )
    pitch_hz = data.features.pitch_hz
    return {
        "title": escape(data.name),
        "facts": escape(_facts(data, pitch_hz)),
        "level": escape(verdict.level),
        "headline": escape(verdict.headline),
        "good": bullet_list(verdict.good, "None."),
        "weak": bullet_list(verdict.weak, "None."),
        "advice": bullet_list(verdict.advice, "Nothing to improve."),
        "next_steps": _next_steps(data, patch_file),
        "notes": f'<div class="notes"><h3>Notes</h3>{bullet_list(list(data.notes), "")}</div>'
        if data.notes
        else "",
        "channel_words": f", the mean of {target.channels} channels" if target.channels > 1 else "",
        "doubt_legend": '<span class="legend"><i class="swatch doubt"></i>in doubt</span>'
        if data.features.doubt.any()
        else "",
        "f0_alt": f"Pitch over time; the note of the sound is {pitch_hz:.1f} hertz."
        if pitch_hz
        else "Pitch over time; no pitch was found.",
        "controls_words": escape(_controls_words(controls, data.patch.grid)),
        "stop_words": escape(f"{steps}. {_sentence(str(data.stop_reason))}"),
        "loss_alt": escape(_loss_alt(data)),
        "shares": _shares(data.metrics),
        "metrics_rows": metrics_rows(data.metrics, pitch_hz is not None),
        "command": copyable(data.command),
        "patch_words": _patch_words(data, patch_file),
        "seconds_rows": seconds_rows(data.seconds),
        "settings_rows": settings_rows(asdict(data.settings)),
    }


def _next_steps(data: FitResult, patch_file: tuple[str, int] | None) -> str:
    """Commands with the page's own patch file."""
    if patch_file is None:
        return ""
    steps = next_steps(patch_file[0], data.patch.follows_pitch)
    rows = "".join(f"<dt>{escape(step.words)}</dt><dd>{copyable(step.command)}</dd>" for step in steps)
    return (
        '<div class="next"><h3>What next</h3><p class="quiet">In a terminal, in the folder of this page:</p>'
        f"<dl>{rows}</dl></div>"
    )


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


def _shares(metrics: Mapping[str, float]) -> str:
    """A bar of where the energy went, if that is known."""
    names = ("harmonic", "noise")
    shares = {name: min(max(metrics.get(f"{name}_share", 0.0), 0.0), 1.0) for name in names}
    total = sum(shares.values())
    if not total > 0:
        return ""
    bar = "".join(
        f'<span class="share-{name}" style="width:{100 * share / total:.2f}%"></span>'
        for name, share in shares.items()
    )
    text = ", ".join(f"{name} stem {value_words(f'{name}_share', share)}" for name, share in shares.items())
    image = f'<div class="share-bar" role="img" aria-label="{text}">{bar}</div>'
    return f'<div class="shares">{image}<p>Energy of the match: {text}</p></div>'


def _patch_words(data: FitResult, patch_file: tuple[str, int] | None) -> str:
    if patch_file is None:
        return ""
    name, n_bytes = patch_file
    return (
        f"<p>The patch <code>{escape(name)}</code> plays it again: {n_bytes / 1000:.1f} kB, "
        f"{n_bytes / max(data.target.seconds, 1e-9) / 1000:.1f} kB and {data.patch.numbers_per_second():,.0f} numbers "
        "a second of sound.</p>"
    )
