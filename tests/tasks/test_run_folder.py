"""Run folders: whole or not at all, and nobody's work is overwritten."""

from __future__ import annotations

import errno

import pytest

from ddsp_match.errors import OutputError
from ddsp_match.store import Store
from ddsp_match.tasks.run_folder import check_free, check_new, written_whole


def run_in(folder, text="new"):
    with written_whole(folder) as scratch:
        (scratch / "report.html").write_text(text)


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_a_new_folder_with_new_parents(tmp_path):
    folder = tmp_path / "a" / "b" / "run"
    check_free(folder, force=False)
    assert names(tmp_path) == []
    run_in(folder)
    assert names(folder) == ["report.html"] and names(folder.parent) == ["run"]


def test_a_folder_with_files_is_refused_and_force_replaces_it(tmp_path):
    run_in(tmp_path / "run", "old")
    with pytest.raises(OutputError, match="--force"):
        check_free(tmp_path / "run", force=False)
    check_free(tmp_path / "run", force=True)
    run_in(tmp_path / "run")
    assert (tmp_path / "run/report.html").read_text() == "new" and names(tmp_path) == ["run"]


def test_force_does_not_replace_somebody_s_work(tmp_path):
    (tmp_path / "thesis.tex").write_text("years")
    with pytest.raises(OutputError, match="no run of ddsp-match"):
        check_free(tmp_path, force=True)


def test_one_fit_does_not_replace_a_run_over_many_sounds(tmp_path):
    with Store.create_or_resume(tmp_path / "kit", command="", settings={}, source="in"):
        pass
    with pytest.raises(OutputError):
        check_free(tmp_path / "kit", force=True)


def test_an_empty_folder_will_do(tmp_path):
    (tmp_path / "run").mkdir()
    check_free(tmp_path / "run", force=False)
    run_in(tmp_path / "run")
    assert names(tmp_path / "run") == ["report.html"]


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "run").write_text("x")
    with pytest.raises(OutputError, match="a file of that name"):
        check_free(tmp_path / "run", force=True)


def test_a_file_where_a_parent_should_be(tmp_path):
    (tmp_path / "x").write_text("x")
    with pytest.raises(OutputError):
        check_free(tmp_path / "x" / "run", force=False)


def test_a_full_disk_leaves_the_old_run_and_nothing_else(tmp_path):
    run_in(tmp_path / "run", "old")
    with pytest.raises(OutputError, match="space"), written_whole(tmp_path / "run") as scratch:
        (scratch / "half.wav").write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert (tmp_path / "run/report.html").read_text() == "old" and names(tmp_path) == ["run"]


def test_an_interrupt_leaves_nothing_half_written(tmp_path):
    with pytest.raises(KeyboardInterrupt), written_whole(tmp_path / "run") as scratch:
        (scratch / "half.wav").write_text("half")
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_a_file_in_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(OutputError, match=r"no folder .*away.*mkdir -p .*away"):
        check_new(tmp_path / "away" / "a.wav", force=False)
    check_new(tmp_path / "away" / "a.wav", force=False, anywhere=True)
