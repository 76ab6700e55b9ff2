"""Closeness over numbers: the fits that are asked for, what is kept of them, and Opus at the same mos."""

from __future__ import annotations

from benchmarks.closeness import ABLATIONS, keep, rate_at, rows_of, variants
from benchmarks.common import some
from tests.compare import assert_close


def row(**figures: float) -> dict:
    return {"clip": "a", "mrstft": 0.5, "mos": 4.5, "mel": 1.0, "lsd": 9.0, "steady": 0.7, "kbps": 6.0, **figures}


def test_a_fit_for_each_number():
    wanted = variants(["phase=zero"], "250,1000", ablate=False)
    assert [settings for _, settings in wanted] == [
        ["phase=zero", "model.numbers=250"],
        ["phase=zero", "model.numbers=1000"],
    ]
    assert variants([], None, ablate=False) == [("default", [])]


def test_each_part_of_the_model_is_left_out_at_equal_numbers():
    wanted = variants(["phase=zero"], "1000", ablate=True)
    assert wanted[0] == ("without: nothing phase=zero model.numbers=1000", ["phase=zero", "model.numbers=1000"])
    assert len(wanted) == len(ABLATIONS)


def test_opus_at_the_same_mos_lies_between_two_measured_rates():
    curve = [(12.0, 4.6), (8.0, 4.0)]
    assert_close([rate_at(4.3, curve), rate_at(4.6, curve)], [10.0, 12.0], 1e-6)
    assert rate_at(4.9, curve) is None and rate_at(3.0, curve) is None


def test_fewer_clips_do_not_replace_more():
    kept: dict[str, dict] = {}
    keep(kept, "default", [row(mos=4.8, numbers=900), row(mos=4.6, numbers=1100)])
    keep(kept, "default", [row(mos=1.0, numbers=900)])
    assert (kept["default"]["mos"], kept["default"]["numbers"]) == (4.7, 1000)


def test_opus_stands_beside_the_settings():
    kept: dict[str, dict] = {}
    keep(kept, "default", [row(numbers=1000, seconds=3.0)])
    keep(kept, "opus 8", [row(kbps=7.0, mos=4.0)])
    keep(kept, "opus 16", [row(kbps=15.0, mos=5.0)])
    lines = [line for line in rows_of({"nsynth": kept}) if line.startswith("| `default`")]
    assert len(lines) == 1 and "| 1000 | **6.0** | 11.0 |" in lines[0]


def test_clips_are_evenly_spread():
    assert some(list(range(88)), 4) == [0, 22, 44, 66]
    assert some([1, 2], 5) == [1, 2] == some([1, 2], None)
