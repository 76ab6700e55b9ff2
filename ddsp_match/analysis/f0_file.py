"""f0 from a CSV file: lines of time in seconds and f0 in Hz."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ddsp_match.core.errors import PitchError

TOLERANCE_S = 0.1  # how much earlier than the sound the file may end, or later begin


def read_f0_file(path: str | Path, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Reads times in seconds and f0 in Hz; 0, negative or missing f0 means unvoiced and is returned as 0.

    A first line that is not numbers is a header. Commas, semicolons, tabs or spaces separate the fields.

    Args:
        path: The file.
        seconds: Length of the sound, which the file has to cover.

    Raises:
        PitchError: The file is missing, is not such a table, or does not cover the sound.
    """
    needed = "lines of time in s and f0 in Hz"
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe might be waited for without end
        raise PitchError("a folder, a device or a pipe", where=path, needed=needed, hint="copying it to a file first")
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise PitchError("no such file", where=path, needed=needed) from None
    except (OSError, UnicodeDecodeError) as error:
        raise PitchError(f"a file that cannot be read ({error})", where=path, needed=needed) from None
    rows: list[tuple[float, float]] = []
    for number, line in enumerate(lines, 1):
        fields = line.replace(",", " ").replace(";", " ").split()
        if not fields or fields[0].startswith("#"):
            continue
        row = _numbers(line, fields)
        if row is not None:
            rows.append(row)
        elif rows or number > 1:
            raise PitchError(f"{line.strip()[:40]!r} in line {number}", where=path, needed=needed)
    if not rows:
        raise PitchError("no times and pitches", where=path, needed=needed)
    times_s, f0_hz = np.array(rows).T
    if not np.isfinite(times_s).all() or (np.diff(times_s) <= 0).any():
        raise PitchError(
            "times that do not increase", where=path, needed="each line later than the one before"
        )
    if times_s[0] > TOLERANCE_S or times_s[-1] < seconds - TOLERANCE_S:
        raise PitchError(
            f"f0 from {times_s[0]:.2f} to {times_s[-1]:.2f} s",
            where=path,
            needed=f"0 to {seconds:.2f} s, the whole sound",
            hint="a file made from this sound, with f0 0 where there is no pitch",
        )
    return times_s, np.where(np.isfinite(f0_hz) & (f0_hz > 0), f0_hz, 0.0)


def _numbers(line: str, fields: list[str]) -> tuple[float, float] | None:
    """Time and f0; an empty second field means unvoiced."""
    try:
        if len(fields) == 1 and line.strip()[-1] in ",;":
            return float(fields[0]), 0.0
        return float(fields[0]), float(fields[1])
    except (ValueError, IndexError):
        return None


def f0_at(times_s: np.ndarray, f0_hz: np.ndarray, wanted_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """f0 at other times, and where it is voiced: where the nearest line is.

    Returns:
        f0 in Hz, which means nothing where it is not voiced, and the mask of voiced times.
    """
    right = np.clip(np.searchsorted(times_s, wanted_s), 1, max(1, len(times_s) - 1))
    right = np.minimum(right, len(times_s) - 1)
    left = np.maximum(right - 1, 0)
    nearest = np.where(np.abs(times_s[left] - wanted_s) <= np.abs(times_s[right] - wanted_s), left, right)
    voiced = f0_hz[nearest] > 0
    span = np.maximum(times_s[right] - times_s[left], 1e-9)
    along = np.clip((wanted_s - times_s[left]) / span, 0.0, 1.0)
    safe = np.where(f0_hz > 0, f0_hz, 1.0)
    octaves = np.log2(safe[left]) * (1 - along) + np.log2(safe[right]) * along
    one_note = (f0_hz[left] > 0) & (f0_hz[right] > 0) & (np.abs(np.log2(safe[left] / safe[right])) < 1 / 12)
    return np.where(one_note, 2.0**octaves, safe[nearest]), voiced
