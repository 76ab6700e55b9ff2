"""Compiled loops find a folder, and never one that others may write to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ddsp_match.dsp.compiled_cache import VARIABLE, cache_folder, settle_cache


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    """A place that nobody may write below, not even root: a file."""
    place = tmp_path / "locked"
    place.touch()
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
    result = subprocess.run([sys.executable, "-c", code], env=there, capture_output=True, text=True, check=True)
    assert result.stdout.startswith(str(folder))


def test_a_folder_that_others_prepared_is_not_used(locked: Path, tmp_path: Path) -> None:
    prepared = tmp_path / f"ddsp-match-{os.getuid()}"
    prepared.mkdir()
    prepared.chmod(0o777)
    folder = cache_folder(locked, locked, tmp_path)
    assert folder not in (None, prepared) and folder.stat().st_mode & 0o777 == 0o700
    prepared.rmdir()
    prepared.symlink_to(folder)
    assert cache_folder(locked, locked, tmp_path) not in (None, prepared)


def test_no_folder_at_all_is_left_to_numba(locked: Path, tmp_path: Path) -> None:
    assert cache_folder(locked, locked, tmp_path / "missing") is None


def test_what_the_user_set_stays() -> None:
    environment = {VARIABLE: "/mine"}
    settle_cache(environment)
    assert environment == {VARIABLE: "/mine"}


def test_nothing_is_set_where_numba_may_write(tmp_path: Path) -> None:
    environment = {"XDG_CACHE_HOME": str(tmp_path)}
    settle_cache(environment)
    assert VARIABLE not in environment
