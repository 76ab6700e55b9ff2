"""What the pages about many sounds share: the metrics of a table, the files one may hear, and means with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Column:
    """A metric as a table shows it. No text in it needs to be trusted.

    Attributes:
        key: Its name in the files: ``mrstft``.
        label: Its name in words: ``Multi-resolution STFT loss``.
        unit: Behind its values: ``dB``, ``cents``, ``s``; a ``share`` from 0 to 1 is shown in per cent, and a scale as
            ``1 to 5`` stands in the head of the column alone.
        better: Which way is better; ``neither`` for what only describes, as how the energy is split.
        meaning: What it says, in a sentence or two.
        floor: The best to be hoped for, on average: two takes of the fit with different seeds, one against the other.
        silence: What silence gets against the same targets, on average.
        white_noise: What white noise as loud as the target gets, on average.
        digits: Digits behind the point; by its size if None.
    """

    key: str
    label: str
    unit: str = ""
    better: Literal["lower", "higher", "neither"] = "lower"
    meaning: str = ""
    floor: float | None = None
    silence: float | None = None
    white_noise: float | None = None
    digits: int | None = None


@dataclass(frozen=True)
class Sound:
    """A sound file that a row plays; the page only points to it.

    Attributes:
        path: Absolute, or relative to the page's folder. It is made relative to the page, so that a run's folder can be
            moved with the page in it; nothing happens if it is not there until somebody presses its button.
        loudness_lufs: Its loudness, with which the row's sounds are played equally loud; None plays it as it is. Only
            differences within a row count, so that a plain level in dB does as well.
    """

    path: str | Path
    loudness_lufs: float | None = None


@dataclass(frozen=True)
class Mean:
    """A mean over sounds with its interval of 95 %.

    Attributes:
        mean: The mean.
        n: Number of sounds that have the figure.
        low: Lower end of the interval; None where there is none, as for one sound.
        high: Its upper end.
        median: Their median, if it was taken.
        worst: The worst figure, if it was taken.
        worst_name: The sound that has it.
    """

    mean: float
    n: int
    low: float | None = None
    high: float | None = None
    median: float | None = None
    worst: float | None = None
    worst_name: str = ""
