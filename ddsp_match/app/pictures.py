"""Spectrograms as PNG files, and what their edges stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ddsp_match.core.audio import Audio


def axes(n_samples: int, sample_rate: int) -> dict[str, Any]:
    """Return the times and frequencies at the edges of a spectrogram, without drawing it."""
    from ddsp_match.report import pictures

    n_columns, per_column, hop = pictures.columns(n_samples, sample_rate)
    return {
        "scale": "log",
        "low_hz": pictures.lowest_hz(sample_rate),
        "high_hz": sample_rate / 2,
        "first_s": 0.0,
        "last_s": n_columns * per_column * hop / sample_rate,
    }


def spectrogram(audio: Audio, *, dark: bool, like: Audio | None = None) -> bytes:
    """Draws a sound's spectrogram.

    Args:
        audio: The sound.
        dark: For a dark page: the palette runs from dark to light, otherwise from light to dark.
        like: Another sound, whose loudest point ends the scale; by default its own.

    Returns:
        A PNG file.
    """
    from ddsp_match.report import colours, pictures, png

    drawn = pictures.spectrogram(audio.mono(), audio.sample_rate)
    top = pictures.top_db(drawn if like is None else pictures.spectrogram(like.mono(), like.sample_rate))
    table = colours.sequential()
    indices = pictures.shade(pictures.log_rows(drawn.db, audio.sample_rate), top - pictures.RANGE_DB, top)
    return png.encode(indices, table if dark else table[::-1])
