"""The picture of an analysis."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from ddsp_match.core.errors import OutputError
from ddsp_match.report import analysis_picture
from tests.report.reports import fit_result


def pixels(path: Path) -> np.ndarray:
    """The picture as ``(height, width, channels)``."""
    from matplotlib.image import imread

    return imread(path)


def test_it_draws_f0_over_the_spectrogram(tmp_path: Path) -> None:
    """The line of f0 is there, doubt is marked in its colour, and an odd title does no harm."""
    data = fit_result(1.0)
    path = analysis_picture.write(
        tmp_path / "a.png", data.target, data.features, data.timebase, "a $1 & _x^ tone.wav"
    )
    file = path.read_bytes()
    width, height = struct.unpack(">II", file[16:24])
    assert width > 1_000
    assert height > 600
    seen = pixels(path)[..., :3]
    cyan = np.array([0x5F, 0xF0, 0xFF]) / 255
    line = np.abs(seen[: height // 2] - cyan).max(-1) < 0.1
    assert line.any(axis=0).sum() > 0.5 * width
    marked = np.abs(seen - np.array([0xD9, 0x8A, 0x00]) / 255).max(-1) < 0.1
    assert marked.sum() > 10


def test_without_a_pitch_there_is_no_line(tmp_path: Path) -> None:
    """Noise has no f0 to draw."""
    data = fit_result(0.5, pitched=False)
    seen = pixels(analysis_picture.write(tmp_path / "b.png", data.target, data.features, data.timebase))[
        ..., :3
    ]
    red, green, blue = np.moveaxis(seen[:500, :900], -1, 0)
    assert ((green > red + 0.1) & (blue > red + 0.1)).sum() == 0


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The error carries the path."""
    data = fit_result(0.2)
    with pytest.raises(OutputError, match="missing"):
        analysis_picture.write(tmp_path / "missing" / "a.png", data.target, data.features, data.timebase)
