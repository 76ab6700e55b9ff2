"""What a killed server left behind is cleared away by the next one."""

from __future__ import annotations

import os
import subprocess
import sys

from ddsp_match.app import services


def test_the_scratch_folder_of_a_dead_server_is_removed_and_of_a_living_one_kept(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    gone.wait()
    dead, living = tmp_path / f"{services.PREFIX}{gone.pid}-abc", tmp_path / f"{services.PREFIX}{os.getpid()}-abc"
    strange = tmp_path / f"{services.PREFIX}notes-mine"
    for folder in (dead, living, strange):
        folder.mkdir()
        (folder / "x.wav").touch()
    services.remove_stale(tmp_path)
    assert not dead.exists() and (living / "x.wav").exists() and (strange / "x.wav").exists()
