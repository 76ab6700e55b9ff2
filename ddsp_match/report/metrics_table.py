"""The meaning of each figure in plain words, and settings as one types them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ddsp_match.fitting.verdict import grade, tonal


@dataclass(frozen=True)
class Meaning:
    """How a metric is shown.

    Attributes:
        label: Its name in words.
        unit: ``""``, ``"dB"`` or ``"%"`` (for shares).
        words: What it says and which way is better.
    """

    label: str
    unit: str
    words: str


MEANINGS = {
    "mrstft": Meaning(
        "Multi-resolution STFT loss",
        "",
        "How far the spectra are apart, over six window lengths, loud and faint parts alike. 0 is identical; "
        "below 0.15 excellent, below 0.35 good. Noise costs most: two takes of the same noise are 0.8 apart "
        "or more.",
    ),
    "mel_db": Meaning(
        "Mel difference",
        "dB",
        "Mean difference of level in bands as wide as the ear's. Below 0.4 dB excellent, below 0.9 dB good; two "
        "takes of the same noise are 2 to 4 dB apart.",
    ),
    "mel_steady_db": Meaning(
        "Steady mel difference",
        "dB",
        "The same on powers averaged over 100 ms, which is fair to noise: two takes of the same noise are 1 to "
        "1.5 dB apart. Lower is better.",
    ),
    "lsd_db": Meaning(
        "Log-spectral difference",
        "dB",
        "Difference of level in every bin of the spectrum. Strict on faint parts and noise; lower is better.",
    ),
    "snr_db": Meaning(
        "Waveform SNR",
        "dB",
        "Level of the target over the difference of the waveforms. It needs tracked phases to be high; "
        "near or below 0 dB the sounds can still be alike to the ear.",
    ),
    "loudness_l1_db": Meaning(
        "Loudness error", "dB", "Mean difference of A-weighted loudness over time. Below 1 dB is not noticed."
    ),
    "harmonic_share": Meaning("Harmonic share", "%", "Part of the match's energy in the harmonic stem."),
    "noise_share": Meaning("Noise share", "%", "Part of the match's energy in the noise stem."),
    "unexplained_share": Meaning(
        "Unexplained share",
        "%",
        "Energy by which the spectra differ, as part of the target's. Lower is better; "
        "for pure noise it cannot fall below 43 %, as no two takes of it agree.",
    ),
    "voiced_share": Meaning("Voiced frames", "%", "Part of the time in which a pitch was found."),
    "doubt_share": Meaning(
        "Frames in doubt", "%", "Part of the time in which the pitch may be wrong. Lower is better."
    ),
    "mos": Meaning(
        "Zimtohrli", "", "Predicted opinion of a listener who compares both: 5 is identical, 1 is bad."
    ),
}


def value_words(name: str, value: float) -> str:
    """A figure with its unit."""
    unit = MEANINGS[name].unit if name in MEANINGS else ""
    if not math.isfinite(value):
        return "not finite"
    if unit == "%":
        return f"{100 * value:.1f} %"
    return f"{value:.2f} {unit}".rstrip() if abs(value) < 100 else f"{value:.0f} {unit}".rstrip()


@dataclass(frozen=True)
class Figure:
    """A row of the table: a metric, its value with its unit, and its grade (empty: it has none)."""

    name: str
    label: str
    value: str
    grade: str
    meaning: str


def figures(metrics: Mapping[str, float], pitched: bool = True) -> list[Figure]:
    """Return the known metrics in their order, then whatever else there is."""
    by_partials = tonal(metrics, pitched)
    names = [*(name for name in MEANINGS if name in metrics), *(name for name in metrics if name not in MEANINGS)]
    rows = []
    for name in names:
        meaning = MEANINGS.get(name, Meaning(name, "", ""))
        grade_of = grade(name, metrics[name], by_partials) or ""
        rows.append(Figure(name, meaning.label, value_words(name, metrics[name]), grade_of, meaning.words))
    return rows


def flat(settings: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested settings under the dotted names by which they are overridden, as one would type them."""
    rows: list[tuple[str, str]] = []
    for key, value in settings.items():
        name = f"{prefix}{key}"
        rows += flat(value, f"{name}.") if isinstance(value, Mapping) else [(name, _setting_words(value))]
    return rows


def _setting_words(value: object) -> str:
    """A setting as one would type it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_setting_words(item) for item in value) + "]"
    return str(value)
