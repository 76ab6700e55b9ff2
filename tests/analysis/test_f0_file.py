"""f0 tables as people write them, and those that cannot be used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ddsp_match.analysis.f0_file import f0_at, read_f0_file
from ddsp_match.core.errors import PitchError


@pytest.mark.parametrize(
    "text",
    [
        "0,100\n0.5,0\n1,200\n",
        "time,f0\n0,100\n0.5,nan\n1,200",
        "# made by hand\n0\t100\n0.5\t0\n1\t200\n",
        "t;hz\n0;100\n0.5;\n1;200\n\n",
        "\ufeff0, 100, 0.9\n0.5, -1, 0.1\n1, 200, 0.9\n",
    ],
)
def test_tables_of_many_kinds(tmp_path: Path, text: str) -> None:
    path = tmp_path / "f0.csv"
    path.write_text(text, encoding="utf-8")
    times_s, f0_hz = read_f0_file(path, 1.0)
    assert times_s.tolist() == [0.0, 0.5, 1.0]
    assert f0_hz.tolist() == [100.0, 0.0, 200.0]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "no times"),
        ("time,f0\n", "no times"),
        ("0,100\nhello\n1,100\n", "'hello' in line 2"),
        ("0,100\n1,100\n0.5,100\n", "do not increase"),
        ("0,100\n0.7,100\n", r"0\.00 to 0\.70 s"),
        ("0.4,100\n1,100\n", r"0\.40 to 1\.00 s"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, text: str, found: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(PitchError, match=rf"bad\.csv: found .*{found}"):
        read_f0_file(path, 1.0)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(PitchError, match=r"none\.csv: found no such file"):
        read_f0_file(tmp_path / "none.csv", 1.0)


def test_f0_between_the_lines() -> None:
    times = np.array([0.0, 0.1, 0.2, 0.3, 0.4])
    f0 = np.array([100.0, 100.0 * 2 ** (1 / 24), 0.0, 300.0, 600.0])
    hz, voiced = f0_at(times, f0, np.array([0.05, 0.14, 0.16, 0.24, 0.26, 0.34, 0.36, 0.5]))
    assert voiced.tolist() == [True, True, False, False, True, True, True, True]
    assert hz[0] == pytest.approx(100.0 * 2 ** (1 / 48))
    assert hz[[4, 5]].tolist() == [300.0, 300.0]
    assert hz[[6, 7]].tolist() == [600.0, 600.0]
