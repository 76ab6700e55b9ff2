"""What a patch can be exported as, and what becomes of the place it is written to."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from ddsp_match.core.errors import ConfigError, OutputError
from ddsp_match.exports.kinds import KINDS
from ddsp_match.tasks.export import check_place, export, name_of
from tests.exports.instruments import blown


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_an_entry_names_the_options_of_its_function_and_their_defaults(kind):
    takes = inspect.signature(kind.function()).parameters
    assert list(takes)[:2] == ["patch", "out"]
    others = {
        name: takes[name].default for name in takes if name not in ("patch", "out", "name", "on_note", "on_progress")
    }
    assert others == {option.name: option.default for option in kind.options}
    assert kind.checked(others) == others


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_files_are_named_as_the_sound_and_notes_passed_on(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    notes: list[str] = []
    assert export(blown(), "csv", every=3) == [Path("reed.csv"), Path("reed.partials.csv")]
    assert export(blown(), "midi", on_note=notes.append) == [Path("reed.mid")]
    assert names(tmp_path) == ["reed.csv", "reed.mid", "reed.partials.csv"]
    assert len((tmp_path / "reed.csv").read_text().splitlines()) == 1 + 54  # of 161 frames every third
    assert len(notes) == 1 and notes[0].startswith("1 note")


@pytest.mark.parametrize("taken", ["out.csv", "out.partials.csv"])
def test_nothing_is_overwritten_unasked(tmp_path, taken):
    (tmp_path / taken).write_text("somebody's")
    with pytest.raises(OutputError, match=f"{taken}: found a file of that name.*force=True"):
        export(blown(), "csv", tmp_path / "out.csv")
    assert names(tmp_path) == [taken] and (tmp_path / taken).read_text() == "somebody's"
    export(blown(), "csv", tmp_path / "out.csv", force=True)
    assert names(tmp_path) == ["out.csv", "out.partials.csv"]
    assert (tmp_path / taken).read_text().startswith("time_s,")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_ends_half_way_leaves_nothing(tmp_path, error):
    (tmp_path / "out.mid").write_text("before")

    def interrupt(_note):  # told when the notes are written, before they are moved to their place
        raise error

    with pytest.raises(OutputError if isinstance(error, OSError) else KeyboardInterrupt):
        export(blown(), "midi", tmp_path / "out.mid", force=True, on_note=interrupt)
    assert names(tmp_path) == ["out.mid"] and (tmp_path / "out.mid").read_text() == "before"


def test_a_place_that_does_not_fit_is_refused(tmp_path):
    with pytest.raises(OutputError, match=r"found the suffix '.txt'.*\.csv"):
        export(blown(), "csv", tmp_path / "out.txt")
    with pytest.raises(OutputError, match="found a folder"):
        export(blown(), "csv", tmp_path)


def test_unknown_kinds_and_options_are_refused():
    with pytest.raises(ConfigError, match="'mp3'; needed: one of: sfz, wavetable"):
        export(blown(), "mp3")
    with pytest.raises(ConfigError, match="the option keys; needed: one of: every"):
        export(blown(), "csv", keys=3)
    with pytest.raises(ConfigError, match="every: found 0 frames; needed: a whole number, 1 to 1000 frames"):
        export(blown(), "csv", every=0)


def test_only_a_folder_of_ours_is_replaced(tmp_path):
    kind, folder = KINDS["sfz"], tmp_path / "kit"
    check_place(kind, folder, force=False)
    (folder / "samples").mkdir(parents=True)
    (folder / "kit.sfz").write_text("")
    with pytest.raises(OutputError, match="force=True"):
        check_place(kind, folder, force=False)
    check_place(kind, folder, force=True)
    (folder / "letter.txt").write_text("somebody's")
    with pytest.raises(OutputError, match="no run of ddsp-match"):
        check_place(kind, folder, force=True)


def test_a_patch_is_named_by_its_file_or_its_sound():
    assert name_of("a/b/horn.patch.safetensors") == "horn"
    assert name_of(blown()) == "reed"
