"""What a killed server left behind is cleared away by the next one."""

from __future__ import annotations

import os
import subprocess
import sys

from ddsp_match.app import desk


def test_the_scratch_folder_of_a_dead_server_is_removed_and_of_a_living_one_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(desk.tempfile, "gettempdir", lambda: str(tmp_path))
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    gone.wait()
    dead, living = tmp_path / f"{desk.PREFIX}{gone.pid}-abc", tmp_path / f"{desk.PREFIX}{os.getpid()}-abc"
    strange = tmp_path / f"{desk.PREFIX}notes-mine"
    for folder in (dead, living, strange):
        folder.mkdir()
        (folder / "x.wav").touch()
    desk.sweep()
    assert not dead.exists() and (living / "x.wav").exists() and (strange / "x.wav").exists()
