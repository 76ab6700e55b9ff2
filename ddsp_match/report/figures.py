"""The pictures of the page as image elements, and what the script must know to draw axes around them."""

from __future__ import annotations

import numpy as np
import torch
from markupsafe import Markup

from ddsp_match.fitting.result import FitResult
from ddsp_match.report import colours, pictures
from ddsp_match.report.shell import colour_scale, image

# Differences between match and target are shown up to here, either way.
DIFFERENCE_DB = 30.0
# A difference is hardly heard where both sounds lie so far below the loudest of the same moment, which masks it, or
# below the loudest of the whole sound; the picture fades towards there.
MASKED_DB, FAINT_DB, FADE_DB = 50.0, 65.0, 15.0
_ABSENT = Markup('<p class="quiet">There is no {} part.</p>')


def images(data: FitResult) -> tuple[dict[str, Markup], dict[str, object]]:
    """All pictures of the page.

    Args:
        data: The fit.

    Returns:
        Image elements by the name of their place in the page, and facts for the script by plot.
    """
    elements, scales = _spectra(data)
    frame_s = data.timebase.hop / data.timebase.sample_rate
    magnitudes = {
        "harmonics": _mean_channel(data.controls.partial_amplitudes),
        "noise": _mean_channel(data.controls.noise),
    }
    table = colours.sequential()
    for name, values in magnitudes.items():
        if not values.any():
            elements[f"images_{name}"] = _ABSENT.format(name.removesuffix("s"))
            scales[name] = None
            continue
        picture = pictures.heat_map(values, frame_s)
        divisions = data.controls.divisions if name == "harmonics" else 1
        high_db = pictures.top_db(picture)
        low_db = high_db - pictures.RANGE_DB
        alt = f"Heat map of the {name} over time, {low_db:.0f} to {high_db:.0f} dB."
        elements[f"images_{name}"] = image(picture.db, low_db, high_db, table, alt)
        scales[name] = {
            "count": len(values),
            "divisions": divisions,
            "ticks": _harmonic_ticks(len(values) // divisions),
            "high_hz": data.timebase.nyquist_hz,
            "first_s": picture.first_s,
            "last_s": picture.last_s,
            "scale": colour_scale(low_db, high_db, table),
        }
    return elements, scales


def _spectra(data: FitResult) -> tuple[dict[str, Markup], dict[str, object]]:
    """Spectrograms of target and match on one scale, and of what sets them apart."""
    rate = data.target.sample_rate
    target = pictures.spectrogram(data.target.mono(), rate)
    match = pictures.spectrogram(_same_length(data), rate)
    high_db = pictures.top_db(target, match)
    low_db = high_db - pictures.RANGE_DB
    views = {}
    for scale, rows in (("log", lambda db: pictures.log_rows(db, rate)), ("linear", pictures.linear_rows)):
        views["target", scale], views["match", scale] = rows(target.db), rows(match.db)
        views["difference", scale] = audible_difference(views["target", scale], views["match", scale], high_db)
    words = {
        "target": f"Spectrogram of the target, {low_db:.0f} to {high_db:.0f} dB.",
        "match": f"Spectrogram of the match on the same scale, {low_db:.0f} to {high_db:.0f} dB.",
        "difference": f"Level of the match over the target, -{DIFFERENCE_DB:.0f} to +{DIFFERENCE_DB:.0f} dB.",
    }
    images = {}
    for name, alt in words.items():
        bounds = (-DIFFERENCE_DB, DIFFERENCE_DB) if name == "difference" else (low_db, high_db)
        table = colours.diverging() if name == "difference" else colours.sequential()
        images[f"images_{name}"] = Markup("").join(
            image(views[name, scale], *bounds, table, alt, scale) for scale in ("log", "linear")
        )
    spectrum = {
        "low_hz": pictures.lowest_hz(rate),
        "high_hz": rate / 2,
        "first_s": target.first_s,
        "last_s": target.last_s,
        "scale": colour_scale(low_db, high_db, colours.sequential()),
        "difference_scale": colour_scale(-DIFFERENCE_DB, DIFFERENCE_DB, colours.diverging()),
    }
    return images, {"spectrum": spectrum}


def audible_difference(target_db: np.ndarray, match_db: np.ndarray, top_db: float) -> np.ndarray:
    """The level of the match over that of the target, faded to 0 where neither can be heard.

    Args:
        target_db: Its spectrogram, ``(rows, columns)`` in dB.
        match_db: That of the match.
        top_db: The loudest point of the sound.
    """
    louder = np.maximum(target_db, match_db)
    threshold = np.maximum(louder.max(0, keepdims=True) - MASKED_DB, top_db - FAINT_DB)
    # The quieter of both counts as no quieter than what can be heard, or near the threshold digital silence would glow.
    floor = threshold - FADE_DB
    return (match_db.clip(floor) - target_db.clip(floor)) * ((louder - threshold) / FADE_DB).clip(0, 1)


def _same_length(data: FitResult) -> np.ndarray:
    """The match as mono samples, as long as the target, so that both pictures have the same columns."""
    samples = data.match.mono()[: data.target.n_samples]
    return torch.nn.functional.pad(
        torch.from_numpy(samples), (0, data.target.n_samples - len(samples))
    ).numpy()


def _mean_channel(values: torch.Tensor) -> np.ndarray:
    """The quadratic mean over channels of a magnitude, as an array."""
    return values.square().mean(0).sqrt().numpy()


def _harmonic_ticks(count: int) -> list[int]:
    """Harmonic numbers to mark: the first, then round ones."""
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if count / step <= 9)
    return [1] + [number for number in range(step, count + 1, step) if number > 1]
