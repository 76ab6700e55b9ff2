"""The run folder: made, resumed, locked, read while it is written, and mended after a kill."""

from __future__ import annotations

import errno
import json
import math
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from ddsp_match.core.errors import MatchError, OutputError
from ddsp_match.runs.store import Entry, Store, read_entry, write_sound
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = {"seed": 0, "files": "sounds", "loss": {"mel": 0.0, "fft_sizes": None}, "engine": {"name": "inline"}}


@pytest.fixture
def source(tmp_path) -> Path:
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples/a.wav").write_bytes(b"sound a")
    return tmp_path / "samples"


def opened(folder, source, *, settings=SETTINGS, **more) -> Store:
    return Store.create_or_resume(folder, command="fit", settings=settings, source=str(source), **more)


def fitted(folder, source, name="a", text="patch") -> Entry:
    entry = Entry(name, str(source / "a.wav"), "done", "strings", metrics={"mrstft": 0.5}, finished_at="now")
    write_sound(folder, entry, lambda scratch: (scratch / "a.patch.safetensors").write_text(text))
    return entry


def test_entries_come_back_as_they_went_in(tmp_path, source):
    odd = os.fsdecode(b"/sounds/caf\xe9.wav")  # a name in Latin-1
    entry = Entry(
        "strings/violin \N{MUSICAL SYMBOL G CLEF}",
        odd,
        "done",
        "strings",
        folder="sounds/x",
        files=["x"],
        metrics={"snr": math.nan, "mrstft": 0.1 + 0.2, "mos": np.float32(4.5)},
        seconds={"fit": 1.5},
        facts={"notes": ["clips"], "pitch_midi": 60.0, "level": None, "steps": np.int64(3), "worst": math.inf},
        attempts=2,
        finished_at="2026-01-01T00:00:00+00:00",
    )
    with opened(tmp_path / "kit", source) as store:
        store.enter(entry)
        store.enter(Entry("b", "b.wav", "failed", reason="b.wav: found 0 frames; needed: 0.1 s"))
        written = store.entries()
    found = Store.read(tmp_path / "kit").entries()
    assert [one.name for one in found] == ["b", entry.name] and found[1].source == odd
    assert repr(found) == repr(written)
    assert math.isnan(found[1].metrics.pop("snr")) and found[1].metrics == {"mrstft": 0.1 + 0.2, "mos": 4.5}
    assert found[1].facts == {"notes": ["clips"], "pitch_midi": 60.0, "level": None, "steps": 3, "worst": None}
    assert (found[1].attempts, found[1].files, found[0].reason) == (2, ["x"], "b.wav: found 0 frames; needed: 0.1 s")
    assert Store.read(tmp_path / "kit").done() == {entry.name}


def test_any_tool_reads_the_index(tmp_path, source):
    with opened(tmp_path / "kit", source) as store:
        store.enter(Entry("a", "a.wav", "done", "strings", metrics={"mrstft": 0.25, "snr": math.nan}))
    base = sqlite3.connect(tmp_path / "kit/index.sqlite")
    text = "SELECT name, family, json_extract(metrics, '$.mrstft'), json_extract(metrics, '$.snr') FROM sounds"
    assert base.execute(text).fetchall() == [("a", "strings", 0.25, None)]
    run = dict(base.execute("SELECT key, value FROM run"))
    base.close()
    assert (run["format_version"], run["command"], run["source"]) == ("1", "fit", str(source))
    assert json.loads(run["settings"]) == SETTINGS


def test_a_name_that_is_entered_again_replaces_its_row(tmp_path, source):
    with opened(tmp_path / "kit", source) as store:
        store.enter(Entry("a", "a.wav", "failed", reason="x"))
        store.enter(Entry("a", "a.wav", "done"))
        assert [(entry.status, entry.reason) for entry in store.each()] == [("done", "")]


def test_a_run_is_resumed_with_what_it_had(tmp_path, source):
    with opened(tmp_path / "kit", source) as store:
        store.enter(fitted(tmp_path / "kit", source))
    other = SETTINGS | {"engine": {"name": "ray"}}
    with opened(tmp_path / "kit", source, settings=other) as store:
        assert store.done() == {"a"} and store.settings["engine"] == {"name": "ray"} and store.notes == []
    store = Store.read(tmp_path / "kit")
    assert (store.command, store.source) == ("fit", str(source)) and store.settings == other


def test_other_settings_are_refused_by_name_and_lists_and_nulls_are_compared(tmp_path, source):
    opened(tmp_path / "kit", source).close()
    fitted(tmp_path / "kit", source)
    with pytest.raises(OutputError, match=r"other settings \(files, loss.fft_sizes\).*force=True"):
        other = {"files": "patch", "loss": {"mel": 0.0, "fft_sizes": [64]}}
        opened(tmp_path / "kit", source, settings=SETTINGS | other)
    opened(tmp_path / "kit", source).close()  # the lock was given back


def test_a_run_that_finished_nothing_may_begin_again_with_other_settings(tmp_path, source):
    (tmp_path / "others").mkdir()
    with opened(tmp_path / "kit", source) as store:
        store.enter(Entry("a", "a.wav", "failed", reason="why"))
    with opened(tmp_path / "kit", tmp_path / "others", settings=SETTINGS | {"seed": 1}) as store:
        assert store.entries() == [] and store.settings["seed"] == 1 and store.source == str(tmp_path / "others")


def test_other_sounds_are_refused_but_a_folder_that_moved_is_the_same(tmp_path, source):
    opened(tmp_path / "kit", source).close()
    fitted(tmp_path / "kit", source)
    (tmp_path / "others").mkdir()
    with pytest.raises(OutputError, match=r"a run over .*samples"):
        opened(tmp_path / "kit", tmp_path / "others")
    source.rename(tmp_path / "moved")
    opened(tmp_path / "kit", tmp_path / "moved").close()
    assert Store.read(tmp_path / "kit").source == str(tmp_path / "moved")


@pytest.mark.parametrize("force", [False, True])
def test_somebody_s_files_are_never_written_over(tmp_path, source, force):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/thesis.tex").write_text("years")
    with pytest.raises(OutputError, match="no run over many sounds"):
        opened(tmp_path / "thesis", source, force=force)
    with pytest.raises(OutputError, match="a file of that name"):
        opened(tmp_path / "thesis/thesis.tex", source, force=force)
    with sqlite3.connect(tmp_path / "other.sqlite") as base:
        base.execute("CREATE TABLE mine (x)")
    base.close()
    (tmp_path / "photos").mkdir()
    (tmp_path / "other.sqlite").rename(tmp_path / "photos/index.sqlite")
    (tmp_path / "photos/sounds").mkdir()
    (tmp_path / "photos/sounds/mine.wav").write_bytes(b"years")
    with pytest.raises(OutputError, match="tables of something else"):
        opened(tmp_path / "photos", source, force=force)
    assert (tmp_path / "photos/sounds/mine.wav").read_bytes() == b"years"
    with pytest.raises(OutputError, match="the sounds themselves"):
        opened(source.parent / "kit", source.parent / "kit/samples", force=force)


def test_force_starts_over_and_leaves_what_is_not_ours(tmp_path, source):
    with opened(tmp_path / "kit", source) as store:
        store.enter(fitted(tmp_path / "kit", source))
    for name in ("mine.txt", "scores.json"):
        (tmp_path / "kit" / name).write_text("x")
    with opened(tmp_path / "kit", source, settings=SETTINGS | {"seed": 1}, force=True) as store:
        assert store.entries() == [] and store.settings["seed"] == 1
    assert sorted(path.name for path in (tmp_path / "kit").iterdir()) == ["index.sqlite", "mine.txt", "run.lock"]


def test_a_run_that_was_killed_as_it_began_is_begun_again(tmp_path, source):
    for names in (["run.lock"], ["run.lock", "index.sqlite"]):
        folder = tmp_path / f"kit{len(names)}"
        folder.mkdir()
        for name in names:
            (folder / name).touch()
        if len(names) == 2:
            assert Store.read(folder).entries() == []
        opened(folder, source).close()
        assert Store.read(folder).settings == SETTINGS


# After a kill


def test_a_folder_that_was_written_but_not_entered_is_adopted(tmp_path, source):
    opened(tmp_path / "kit", source).close()
    entry = fitted(tmp_path / "kit", source, "deep/er/a")
    with opened(tmp_path / "kit", source) as store:
        assert store.done() == {"deep/er/a"} and store.entries() == [entry]


def test_what_was_half_written_is_removed(tmp_path, source):
    opened(tmp_path / "kit", source).close()
    fitted(tmp_path / "kit", source, "x/a")
    for name in (".77-ab.part", ".77-cd.old"):
        (tmp_path / "kit/sounds/x" / name).mkdir()
        (tmp_path / "kit/sounds/x" / name / "half").write_text("h")
    (tmp_path / "kit/sounds/empty").mkdir()
    with opened(tmp_path / "kit", source) as store:
        assert store.done() == {"x/a"}
    assert [path.name for path in (tmp_path / "kit/sounds/x").iterdir()] == ["a"]


def test_a_row_whose_folder_is_gone_is_dropped_and_said(tmp_path, source):
    with opened(tmp_path / "kit", source) as store:
        store.enter(fitted(tmp_path / "kit", source))
        store.enter(Entry("b", "b.wav", "failed", reason="x"))
    (tmp_path / "kit/sounds/a").rename(tmp_path / "taken")
    with opened(tmp_path / "kit", source) as store:
        assert [entry.name for entry in store.entries()] == ["b"]
        assert store.notes == ["folders that are gone, whose sounds are fitted again: 1"]


def test_a_damaged_entry_is_fitted_again(tmp_path, source):
    opened(tmp_path / "kit", source).close()
    fitted(tmp_path / "kit", source)
    (tmp_path / "kit/sounds/a/entry.json").write_text("{")
    assert read_entry(tmp_path / "kit", "a") is None
    with opened(tmp_path / "kit", source) as store:
        assert store.done() == set()


def test_a_row_that_was_half_written_is_taken_back_also_where_nothing_may_be_written(tmp_path, source):
    """A copy of index and journal in the middle of a transaction is what kill -9 leaves."""
    with opened(tmp_path / "kit", source) as store:
        store.enter(Entry("a", "a.wav", "done"))
    base = sqlite3.connect(tmp_path / "kit/index.sqlite", isolation_level=None)
    base.execute("PRAGMA cache_size = 1")  # spill into the file before the commit
    base.execute("BEGIN IMMEDIATE")
    base.execute("UPDATE sounds SET status = 'torn'")
    for number in range(300):
        base.execute("INSERT INTO run VALUES (?, ?)", (f"x{number}", "y" * 1000))
    killed = tmp_path / "killed"
    killed.mkdir()
    for name in ("index.sqlite", "index.sqlite-journal"):
        (killed / name).write_bytes((tmp_path / "kit" / name).read_bytes())
    base.close()
    assert (killed / "index.sqlite-journal").stat().st_size > 0
    before = (killed / "index.sqlite").read_bytes()
    assert b"torn" in before
    assert [entry.status for entry in Store.read(killed).entries()] == ["done"]
    assert (killed / "index.sqlite").read_bytes() == before  # reading writes nothing


# Reading and locks


def test_reading_while_another_process_writes(tmp_path, source):
    """A reader sees whole rows only, more and more of them."""
    writer = (
        "import sys\nfrom ddsp_match.runs.store import Entry, Store\n"
        "with Store.create_or_resume(__import__('pathlib').Path(sys.argv[1]), command='', settings={}, "
        "source=sys.argv[2]) as store:\n"
        "    print('open', flush=True)\n"
        "    for n in range(100):\n        n % 10 or sys.stdin.readline()\n"
        "        store.enter(Entry(f'{n:03}', 'x', 'done', facts={'n': n, 'x': 'y' * 5000}))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", writer, str(tmp_path / "kit"), str(source)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
    )  # fmt: skip
    assert process.stdout.readline() == "open\n"
    with pytest.raises(OutputError, match=rf"another run is writing there \(process {process.pid} on"):
        opened(tmp_path / "kit", source)
    seen = []
    for _ in range(10):
        entries = Store.read(tmp_path / "kit").entries()
        assert all(entry.facts == {"n": int(entry.name), "x": "y" * 5000} for entry in entries)
        seen.append(len(entries))
        process.stdin.write("ten more\n")
        wait_for(lambda: len(Store.read(tmp_path / "kit").entries()) >= seen[-1] + 1 or process.poll() is not None)
    process.communicate()
    assert process.returncode == 0 and seen == sorted(seen) and len(set(seen)) > 2
    assert len(Store.read(tmp_path / "kit").entries()) == 100


def test_a_lock_ends_with_its_process_but_not_with_a_child_s(tmp_path, source):
    holder = (
        "import os, signal, sys\nfrom ddsp_match.core.files import Lock\n"
        "folder = __import__('pathlib').Path(sys.argv[1])\nlock = Lock(folder / 'run.lock', folder)\n"
        "if os.fork() == 0:\n    os.write(1, b'child %d\\n' % os.getpid())\n    signal.pause()\n"
        "os.write(1, b'held\\n')\nsignal.pause()\n"
    )
    (tmp_path / "kit").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", holder, str(tmp_path / "kit")], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    said = sorted(process.stdout.readline().split() for _ in range(2))
    assert [words[0] for words in said] == ["child", "held"]
    with pytest.raises(OutputError, match="another run is writing"):
        opened(tmp_path / "kit", source)
    process.kill()
    process.wait()
    try:
        opened(tmp_path / "kit", source).close()  # the child lives on
    finally:
        os.kill(int(said[0][1]), 9)
        process.stdout.close()


def test_a_disk_without_locks_is_said(tmp_path, source, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    with pytest.raises(OutputError, match=r"no file locks on this disk.*local disk"):
        opened(tmp_path / "kit", source)


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_what_is_no_run_is_not_read(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(OutputError, match=rf"{name}: found no .*needed: .*index.sqlite"):
        Store.read(tmp_path / name)


def test_a_damaged_index_is_said(tmp_path, source):
    opened(tmp_path / "kit", source).close()
    (tmp_path / "kit/index.sqlite").write_bytes(b"not a database" * 1000)
    for open_it in (lambda: Store.read(tmp_path / "kit"), lambda: opened(tmp_path / "kit", source)):
        with pytest.raises(OutputError, match="damaged index"):
            open_it()


def test_an_index_of_a_later_version_is_not_misread(tmp_path, source):
    opened(tmp_path / "kit", source).close()
    with sqlite3.connect(tmp_path / "kit/index.sqlite") as base:
        base.execute("UPDATE run SET value = '2' WHERE key = 'format_version'")
    base.close()
    with pytest.raises(OutputError, match="format 2"):
        Store.read(tmp_path / "kit")


# Sound folders


def test_a_sound_s_folder_holds_what_its_entry_says(tmp_path, source):
    entry = fitted(tmp_path / "kit", source, "strings/a")
    assert entry.folder == "sounds/strings/a" and entry.files == ["a.patch.safetensors", "entry.json"]
    assert entry.facts["source_size"] == 7 and entry.facts["source_mtime_ns"] == (source / "a.wav").stat().st_mtime_ns
    assert read_entry(tmp_path / "kit", "strings/a") == entry
    assert sorted(path.name for path in (tmp_path / "kit/sounds/strings").iterdir()) == ["a"]


def test_a_sound_that_is_fitted_again_replaces_the_old_folder(tmp_path, source):
    fitted(tmp_path / "kit", source, text="old")
    fitted(tmp_path / "kit", source, text="new")
    assert (tmp_path / "kit/sounds/a/a.patch.safetensors").read_text() == "new"
    assert [path.name for path in (tmp_path / "kit/sounds").iterdir()] == ["a"]


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), RuntimeError("bug"), KeyboardInterrupt()]
)
def test_what_goes_wrong_while_writing_leaves_the_old_folder_alone(tmp_path, source, error):
    fitted(tmp_path / "kit", source, text="old")

    def write(scratch):
        (scratch / "half").write_text("h")
        raise error

    with pytest.raises(OutputError if isinstance(error, OSError) else type(error)) as raised:
        write_sound(tmp_path / "kit", Entry("a", "a.wav", "done"), write)
    if isinstance(error, OSError):
        assert "sounds/a: found no space left on device" in str(raised.value)
    assert (tmp_path / "kit/sounds/a/a.patch.safetensors").read_text() == "old"
    assert [path.name for path in (tmp_path / "kit/sounds").iterdir()] == ["a"]


def test_an_error_of_ours_names_the_sound_not_the_scratch_folder(tmp_path, source):
    def write(scratch):
        raise OutputError("it cannot be written (system error)", where=scratch / "match.wav", needed="room")

    with pytest.raises(OutputError, match=r"sounds/a: found it cannot be written \(system error\), with .* free"):
        write_sound(tmp_path / "kit", Entry("a", "a.wav", "done"), write)


def test_two_writers_of_one_sound_leave_one_whole_folder(tmp_path, source):
    failed: list[Exception] = []

    def work(text):
        try:
            for _ in range(30):
                fitted(tmp_path / "kit", source, text=text)
        except (MatchError, OSError) as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(text,)) for text in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "kit/sounds/a/a.patch.safetensors").read_text() in ("one", "two")
    assert failed == [] and [path.name for path in (tmp_path / "kit/sounds").iterdir()] == ["a"]


def test_everything_is_on_the_disk_before_it_has_its_name(tmp_path, source, monkeypatch):
    order = []
    fsync, rename = os.fsync, Path.rename
    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc")

    def noted_fsync(handle):
        order.append(os.readlink(f"/proc/self/fd/{handle}"))
        fsync(handle)

    def noted_rename(path, to):
        order.append(f"rename {to.name}")
        return rename(path, to)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "rename", noted_rename)
    (tmp_path / "kit/sounds/a").parent.mkdir(parents=True)
    fitted(tmp_path / "kit", source)
    named = order.index("rename a")
    assert {Path(path).name for path in order[:named]} >= {"a.patch.safetensors", "entry.json"}
    assert any(path.endswith(".part") for path in order[:named]) and order[-1].endswith("kit/sounds")
