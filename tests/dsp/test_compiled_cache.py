"""Compiled loops find a folder, and never one that others may write to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ddsp_match.dsp import compiled_cache
from ddsp_match.dsp.compiled_cache import VARIABLE, cache_folder, settle_cache


@pytest.fixture
def locked(monkeypatch, tmp_path: Path) -> Path:
    """A folder that nobody may write to, root neither."""
    place = tmp_path / "locked"
    place.mkdir()
    allowed = os.access

    def access(path: Path, mode: int) -> bool:
        return place not in (path, *Path(path).parents) and allowed(path, mode)

    monkeypatch.setattr(os, "access", access)
    return place


def test_numba_s_own_places_come_first(locked: Path, tmp_path: Path) -> None:
    for package, user in ((tmp_path, locked), (locked, tmp_path), (locked, tmp_path / "new" / "cache")):
        assert cache_folder(package, user, tmp_path) is None
    assert not list(tmp_path.glob("ddsp-match-*"))


def test_a_read_only_image_without_a_home_compiles_all_the_same(locked: Path, tmp_path: Path) -> None:
    folder = cache_folder(locked / "package", locked / "home" / ".cache", tmp_path)
    assert folder is not None and folder.parent == tmp_path and folder.stat().st_mode & 0o777 == 0o700
    assert cache_folder(locked, locked, tmp_path) == folder  # the next run finds what this one compiled
    code = (
        "import numpy as np; from ddsp_match.dsp.viterbi import best_path; from ddsp_match.dsp import viterbi_kernels;"
        "best_path(np.zeros((2, 3)), np.zeros(3)); print(viterbi_kernels.path_through._cache.cache_path)"
    )
    there = {**os.environ, VARIABLE: str(folder)}
    told = subprocess.run([sys.executable, "-c", code], env=there, capture_output=True, text=True, check=True)
    assert told.stdout.startswith(str(folder))


def test_a_folder_that_others_prepared_is_not_used(locked: Path, tmp_path: Path) -> None:
    prepared = tmp_path / f"ddsp-match-{os.getuid()}"
    prepared.mkdir()
    prepared.chmod(0o777)
    folder = cache_folder(locked, locked, tmp_path)
    assert folder not in (None, prepared) and folder.stat().st_mode & 0o777 == 0o700
    prepared.rmdir()
    prepared.symlink_to(locked)
    assert cache_folder(locked, locked, tmp_path) not in (None, prepared)


def test_no_folder_at_all_is_left_to_numba(locked: Path, tmp_path: Path) -> None:
    assert cache_folder(locked, locked, tmp_path / "missing") is None


def test_what_the_user_set_stays(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(compiled_cache, "cache_folder", lambda *_: tmp_path)
    monkeypatch.setenv(VARIABLE, "/mine")
    settle_cache()
    assert os.environ[VARIABLE] == "/mine"
    monkeypatch.delenv(VARIABLE)
    settle_cache()
    assert os.environ[VARIABLE] == str(tmp_path)
