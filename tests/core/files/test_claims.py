"""Places to write: nobody's work is overwritten, two runs never write to one place, and nothing is left behind."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ddsp_match.core.errors import OutputError
from ddsp_match.core.files import check_files, check_folder, claimed, new_folder
from ddsp_match.runs.store import Store
from ddsp_match.tasks.run_folder import claims_out, is_run

ROOT = Path(__file__).resolve().parents[3]
HOLDER = """
import sys
from pathlib import Path
from ddsp_match.core.files import claimed
with claimed(*map(Path, sys.argv[1:])):
    print("held", flush=True)
    sys.stdin.readline()
"""


def holder(*places: Path) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, *map(str, places)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def run_in(folder, text="new"):
    with new_folder(folder) as scratch:
        (scratch / "report.html").write_text(text)


def names(folder):
    return sorted(p.name for p in folder.iterdir())


@claims_out
def task(*, out, force=False):
    run_in(out)


@pytest.mark.parametrize("name", ["run", "a/b/run", "sound.wav", "n" * 255])
def test_a_place_is_held_by_one_process_and_free_when_that_ends(tmp_path, name):
    process = holder(tmp_path / name)
    with pytest.raises(OutputError, match=r"another run is writing there \(process \d+"), claimed(tmp_path / name):
        pass
    process.kill()
    process.communicate()
    with claimed(tmp_path / name):
        pass


def test_a_claim_leaves_no_trace(tmp_path):
    process = holder(tmp_path / "a" / "b" / "run", tmp_path / "sound.wav")
    process.communicate("done\n")
    assert process.returncode == 0 and names(tmp_path) == []


def test_by_another_name_it_is_the_same_place(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "run")
    process = holder(tmp_path / "run")
    with pytest.raises(OutputError, match="another run"), claimed(tmp_path / "link"):
        pass
    process.communicate("done\n")


def test_who_holds_it_may_claim_it_again_but_no_other_thread(tmp_path):
    errors = []

    def other():
        try:
            task(out=tmp_path / "run")
        except OutputError as error:
            errors.append(error)

    with claimed(tmp_path / "run"):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        task(out=tmp_path / "run")
    assert len(errors) == 1 and "another run" in str(errors[0])
    assert names(tmp_path) == ["run"]


@pytest.mark.parametrize(
    ("name", "says"),
    [("n" * 256, "name too long"), ("é" * 128, "name too long"), ("file/run", "not a directory|a file of that name")],
)
def test_what_could_not_be_written_in_the_end_is_refused_at_once(tmp_path, name, says):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=says), claimed(tmp_path / name):
        pass
    assert names(tmp_path) == ["file"]


def test_a_folder_with_files_is_refused_and_force_replaces_it(tmp_path):
    run_in(tmp_path / "run", "old")
    with pytest.raises(OutputError, match="force=True"):
        task(out=tmp_path / "run")
    task(out=tmp_path / "run", force=True)
    assert (tmp_path / "run/report.html").read_text() == "new" and names(tmp_path) == ["run"]


def test_force_does_not_replace_somebody_s_work(tmp_path):
    (tmp_path / "thesis.tex").write_text("years")
    for force in (False, True):
        with pytest.raises(OutputError) as caught:
            check_folder(tmp_path, force=force, replaceable=is_run)
        assert caught.value.cures == ("out",)


def test_a_run_that_holds_its_own_sound_is_not_replaced(tmp_path):
    run_in(tmp_path / "run")
    sources = [tmp_path / "run/report.html"]
    with pytest.raises(OutputError, match="no run of ddsp-match has written"):
        check_folder(tmp_path / "run", force=True, replaceable=is_run, sources=sources)


def test_one_fit_does_not_replace_a_run_over_many_sounds(tmp_path):
    with Store.create_or_resume(tmp_path / "kit", command="", settings={}, source="in"):
        pass
    with pytest.raises(OutputError):
        task(out=tmp_path / "kit", force=True)


def test_an_empty_folder_will_do_also_through_a_link(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "run")
    task(out=tmp_path / "link")
    assert names(tmp_path / "run") == ["report.html"] and (tmp_path / "link").is_symlink()
    assert names(tmp_path) == ["link", "run"]


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "run").write_text("x")
    with pytest.raises(OutputError, match="a file of that name"):
        task(out=tmp_path / "run", force=True)


def test_files_are_kept_unless_forced_and_folders_always(tmp_path):
    (tmp_path / "a.wav").touch()
    check_files(tmp_path / "b.wav", force=False)
    check_files(tmp_path / "a.wav", force=True)
    with pytest.raises(OutputError, match="force=True"):
        check_files(tmp_path / "b.wav", tmp_path / "a.wav", force=False)
    with pytest.raises(OutputError, match="a folder"):
        check_files(tmp_path, force=True)
