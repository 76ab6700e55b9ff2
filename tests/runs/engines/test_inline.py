"""Jobs in this process, and what the choice of an engine comes to."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ddsp_match.core.errors import ConfigError
from ddsp_match.core.settings.many import EngineSettings
from ddsp_match.runs.engines import asked_to_stop, engine_of
from tests.runs.engines import jobs


@pytest.fixture
def inline():
    with engine_of(EngineSettings(name="inline", workers=7), threads=None, device="cpu") as engine:
        yield engine


def test_jobs_run_here_in_their_order(inline):
    assert inline.workers == 1
    found = list(inline.run(jobs.who, range(3)))
    assert [one.job for one in found] == [0, 1, 2]
    assert {one.result[0] for one in found} == {os.getpid()}


def test_jobs_are_drawn_one_by_one(inline):
    drawn = []
    results = inline.run(jobs.square, (drawn.append(number) or number for number in range(10)))
    next(results)
    assert drawn == [0]


def test_errors_become_texts_and_the_rest_goes_on(inline):
    found = list(inline.run(jobs.raises, ["ours", "value", "bare", "exit", "odd"]))
    assert [one.error for one in found] == [
        "a.wav: found 0 frames of sound; needed: at least one",
        "ValueError: too large",
        "KeyError",
        "SystemExit: 3",
        "_Odd: (its message cannot be read)",
    ]
    assert found[0].traceback == "" and "in raises" in found[1].traceback


def test_stop_ends_between_jobs_and_is_seen_inside_one(inline, tmp_path):
    answers = iter([False, False, True])
    assert [one.job for one in inline.run(jobs.square, range(5), stop=lambda: next(answers))] == [0, 1]
    answers = iter([False] + [True] * 9)
    begun = [tmp_path / "begun"] * 2
    assert [one.result for one in inline.run(jobs.until_asked, begun, stop=lambda: next(answers))] == ["asked"]
    answers = iter([False] + [True] * 9)
    assert list(inline.run(jobs.fails_when_asked, begun, stop=lambda: next(answers))) == []
    assert not asked_to_stop()


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"pip install 'ddsp-match\[ray\]'"):
        engine_of(EngineSettings(name="ray"), threads=None, device="cpu")


def test_where_there_are_no_worker_processes_the_other_engine_is_named(monkeypatch):
    monkeypatch.setattr("ddsp_match.runs.engines._POSIX", False)
    with pytest.raises(ConfigError, match=r"engine=processes: .*try: engine=inline"):
        engine_of(EngineSettings(), threads=None, device="cpu")


def test_the_room_is_light():
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, ddsp_match.runs.engines.processes; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert "ddsp_match.runs.engines.processes" in loaded
    assert not {"torch", "numpy", "ray"} & set(loaded)
