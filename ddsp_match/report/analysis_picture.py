"""The picture of an analysis: the spectrogram with f0 drawn over, periodicity and loudness below."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from ddsp_match.core.audio import Audio
from ddsp_match.core.features import Features
from ddsp_match.core.files import new_file
from ddsp_match.core.timebase import Timebase
from ddsp_match.report import colours, pictures

_F0_COLOUR, _DOUBT_COLOUR, _OFF_COLOUR = "#5ff0ff", "#d98a00", "#8a8794"
_HARMONICS = 8


def write(path: str | Path, audio: Audio, features: Features, timebase: Timebase, title: str = "") -> Path:
    """Draws what was heard as a PNG.

    Args:
        path: The picture to make.
        audio: The sound.
        features: Its analysis; f0 and the rest are shown for the first channel.
        timebase: Frame grid of the features.
        title: Heading, usually the sound's name.

    Returns:
        The path.

    Raises:
        OutputError: If the file cannot be written.
    """
    # Matplotlib takes longer to import than the whole report to write, so only a call pays for it.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 7.5), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    top, middle, bottom = figure.subplots(3, 1, sharex=True, height_ratios=(5, 1.3, 1.3))
    time_s = np.asarray(timebase.times(features.f0_hz.shape[1]))
    _spectrum(figure, top, audio)
    _pitch(top, features, time_s, audio.sample_rate / 2)
    # A dollar sign in a file name must not be taken for mathematics.
    top.set_title(title.replace("$", r"\$"), loc="left")
    doubt = features.doubt[0].numpy()
    for axes, values, label in (
        (middle, features.periodicity[0].numpy(), "periodicity"),
        (bottom, features.loudness_db[0].numpy(), "loudness (dB)"),
    ):
        axes.plot(time_s, values, color="#00737f", linewidth=1.2)
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
        if doubt.any():
            axes.fill_between(
                time_s,
                0,
                1,
                where=doubt,
                transform=axes.get_xaxis_transform(),
                color=_DOUBT_COLOUR,
                alpha=0.3,
            )
    middle.set_ylim(0, 1.05)
    bottom.set_xlabel("time (s)")
    bottom.set_xlim(0, audio.seconds)
    path = Path(path)
    with new_file(path) as part, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # names may be in any script
        figure.savefig(part, format="png")
    return path


def _spectrum(figure, axes, audio: Audio) -> None:
    """The spectrogram on a logarithmic axis with its colour bar."""
    from matplotlib.colors import ListedColormap

    rate = audio.sample_rate
    picture = pictures.spectrogram(audio.mono(), rate)
    rows = pictures.log_rows(picture.db, rate)
    high_db = pictures.top_db(picture)
    edges_hz = np.geomspace(pictures.lowest_hz(rate), rate / 2, rows.shape[0] + 1)
    edges_s = np.linspace(picture.first_s, picture.last_s, rows.shape[1] + 1)
    mesh = axes.pcolormesh(
        edges_s,
        edges_hz,
        rows,
        vmin=high_db - pictures.RANGE_DB,
        vmax=high_db,
        cmap=ListedColormap(colours.sequential() / 255),
        rasterized=True,
    )
    axes.set_yscale("log")
    marks_hz = [m * 10**e for e in range(1, 5) for m in (1, 2, 5) if edges_hz[0] <= m * 10**e <= edges_hz[-1]]
    axes.set_yticks(marks_hz, [str(mark) for mark in marks_hz])
    axes.minorticks_off()
    axes.set_ylabel("frequency (Hz)")
    figure.colorbar(mesh, ax=axes, label="dB", pad=0.01)


def _pitch(axes, features: Features, time_s: np.ndarray, nyquist_hz: float) -> None:
    """f0 and its first harmonics; grey where no pitch was heard, marked where it is in doubt."""
    f0_hz, voiced, doubt = (values[0].numpy() for values in (features.f0_hz, features.voiced, features.doubt))
    heard_hz = np.where(voiced, f0_hz, np.nan)
    for number in range(2, _HARMONICS + 1):
        partial_hz = np.where(number * heard_hz < nyquist_hz, number * heard_hz, np.nan)
        axes.plot(time_s, partial_hz, color=_F0_COLOUR, linewidth=0.8, alpha=0.8)
    if voiced.any():
        axes.plot(time_s, heard_hz, color=_F0_COLOUR, linewidth=1.8, label="f0")
    if not voiced.all():
        unheard_hz = np.where(voiced, np.nan, f0_hz)
        axes.plot(
            time_s, unheard_hz, color=_OFF_COLOUR, linewidth=1, linestyle=":", label="f0, no pitch heard"
        )
    if doubt.any():
        axes.plot(time_s[doubt], f0_hz[doubt], ".", color=_DOUBT_COLOUR, markersize=3, label="f0, in doubt")
    axes.legend(loc="upper right", fontsize="small")
