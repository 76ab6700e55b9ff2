"""Closeness over numbers, before any descent."""

from __future__ import annotations

from dataclasses import replace

from ddsp_match.core.settings import FitSettings, ModelSettings
from ddsp_match.fitting.numbers_curve import Size, closeness_over_numbers, knee
from ddsp_match.fitting.optimise import Trace
from tests.report.reports import fit_result


def test_more_numbers_begin_closer():
    """Of a sound that frames were fitted to; not of a draft, whose time it would take, nor of other models."""
    result = replace(fit_result(0.6, timbre=True), settings=FitSettings(model=ModelSettings(name="frames")))
    sizes = closeness_over_numbers(result)
    assert len(sizes) > 2
    assert [one.per_second for one in sizes] == sorted(one.per_second for one in sizes)
    assert sizes[-1].steady_db < 0.8 * sizes[0].steady_db
    assert closeness_over_numbers(replace(result, trace=Trace())) == []
    assert closeness_over_numbers(replace(result, patch=fit_result(0.6).patch)) == []


def test_the_knee_is_where_more_numbers_buy_less():
    """That it bends most; of one size it is the only one."""
    sizes = [Size(100, 3.0), Size(300, 1.2), Size(900, 1.0), Size(2700, 0.9)]
    assert knee(sizes) == sizes[1]
    assert knee(sizes[:1]) == sizes[0]
