"""Files and folders appear whole or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from ddsp_match.core.errors import OutputError
from ddsp_match.core.files import beside, new_file, new_folder, write_text
from tests.core.files.test_claims import ROOT, names, run_in


def test_a_new_folder_with_new_parents(tmp_path):
    run_in(tmp_path / "a" / "b" / "run")
    assert names(tmp_path / "a" / "b" / "run") == ["report.html"] and names(tmp_path / "a" / "b") == ["run"]


def test_a_full_disk_leaves_the_old_run_and_nothing_else(tmp_path):
    run_in(tmp_path / "run", "old")
    with pytest.raises(OutputError, match="space"), new_folder(tmp_path / "run") as scratch:
        (scratch / "half.wav").write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert (tmp_path / "run/report.html").read_text() == "old" and names(tmp_path) == ["run"]


def test_an_interrupt_leaves_nothing_half_written(tmp_path):
    with pytest.raises(KeyboardInterrupt), new_folder(tmp_path / "run") as scratch:
        (scratch / "half.wav").write_text("half")
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt), new_file(tmp_path / "half.wav") as part:
        part.write_text("half")
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_an_error_names_the_file_by_its_place_in_the_end(tmp_path):
    with pytest.raises(OutputError) as caught, new_folder(tmp_path / "run") as scratch:
        (scratch / "page.html").mkdir()
        write_text(scratch / "page.html", "text")
    assert caught.value.where == tmp_path / "run" / "page.html"


def test_a_run_that_was_killed_while_it_was_replaced_comes_back(tmp_path):
    run_in(tmp_path / "run", "old")
    (tmp_path / "run").rename(beside(tmp_path / "run", "old"))
    beside(tmp_path / "run", "part").mkdir()
    with pytest.raises(KeyboardInterrupt), new_folder(tmp_path / "run"):
        assert (tmp_path / "run/report.html").read_text() == "old"
        raise KeyboardInterrupt
    assert names(tmp_path) == ["run"]


WITHOUT_POWER = """
import datetime, fcntl, os, socket, sys
from pathlib import Path
from ddsp_match.core.files import new_folder
os.setuid(12345)
for text in ("old", "new"):
    with new_folder(Path(sys.argv[1])) as scratch:
        (scratch / "report.html").write_text(text)
"""


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="needs to be another user")
def test_a_folder_below_one_that_is_read_only_is_filled_in_place(tmp_path):
    (tmp_path / "disk").mkdir()
    os.chown(tmp_path / "disk", 12345, -1)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    subprocess.run([sys.executable, "-c", WITHOUT_POWER, str(tmp_path / "disk")], cwd=ROOT, check=True)
    assert names(tmp_path / "disk") == ["report.html"] and names(tmp_path) == ["disk"]
    assert (tmp_path / "disk/report.html").read_text() == "new"


@pytest.mark.parametrize("name", ["a.txt", "n" * 255, "é" * 127])
def test_a_file_of_any_name_is_replaced_as_a_whole(tmp_path, name):
    write_text(tmp_path / name, "old")
    with pytest.raises(OutputError, match="space"), new_file(tmp_path / name) as part:
        part.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert (tmp_path / name).read_text() == "old" and names(tmp_path) == [name]
    write_text(tmp_path / name, "new")
    assert (tmp_path / name).read_text() == "new" and names(tmp_path) == [name]


def test_a_link_stays_one(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_text(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "file").read_text() == "text"


def test_names_that_are_no_text_can_be_written_down(tmp_path):
    write_text(tmp_path / "a.txt", os.fsdecode(b"caf\xe9.wav"))
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == r"caf\xe9.wav"
