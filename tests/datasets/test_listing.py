"""Which sounds there are in a folder, NSynth, a table, or a list of files."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from ddsp_match.core.audio.headers import header
from ddsp_match.core.errors import SoundError
from ddsp_match.core.settings.many import DatasetSettings
from ddsp_match.datasets import listing


def put(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


def listed(source, kind="auto", limit=None, column="path"):
    return listing(source, DatasetSettings(kind=kind, column=column), limit)


def names(found):
    return [item.name for item in found.items]


# Folders


def test_every_sound_below_a_folder_in_an_order_that_stays(tmp_path):
    put(tmp_path, "b.wav", "a/z.FLAC", "a/y/x.aiff", "c.mp3", ".hidden.wav", ".git/d.wav", "._b.wav")
    found = listed(tmp_path)
    assert names(found) == ["a/y/x", "a/z", "b", "c"] == names(listed(tmp_path, "folder"))
    assert [item.family for item in found.items] == ["a/y", "a", "", ""]
    assert found.items[1].path == tmp_path / "a/z.FLAC" and found.notes == []
    assert names(listed(tmp_path, limit=2)) == ["a/y/x", "a/z"]


def test_other_files_are_left_out_and_counted(tmp_path):
    put(tmp_path, "a.wav", "b.mid", "c/d.txt", "c/e.txt", "LICENSE")
    assert listed(tmp_path).notes == ["4 files are no sounds (.txt, .mid, without suffix), left out"]


def test_an_empty_folder_and_a_folder_of_other_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")  # where ffmpeg is installed an M4A is a sound
    with pytest.raises(SoundError, match="found no files; needed: WAV"):
        listed(tmp_path)
    put(tmp_path, "a.m4a", "b.m4a", "c.txt")
    with pytest.raises(SoundError, match=r"3 files, none of them a sound \(.m4a, .txt\).*ffmpeg"):
        listed(tmp_path)
    with pytest.raises(SoundError, match="nothing of that name"):
        listed(tmp_path / "nowhere")


def test_one_file_by_two_names_is_taken_once(tmp_path):
    put(tmp_path, "b.wav", "far/c.wav", "elsewhere/d.wav")
    (tmp_path / "kit").mkdir()
    os.symlink(tmp_path / "b.wav", tmp_path / "kit/a.wav")
    os.symlink(tmp_path / "elsewhere/d.wav", tmp_path / "kit/e.wav")
    os.symlink("e.wav", tmp_path / "kit/f.wav")
    os.symlink(tmp_path / "far", tmp_path / "near")
    found = listed(tmp_path / "kit")
    assert names(found) == ["a", "e"] and found.notes == ["1 named twice and taken once: f.wav (is e.wav)"]
    found = listed(tmp_path)
    assert len(found.items) == 3 and "b.wav" in found.notes[0] and "3 named twice" in found.notes[0]


def test_a_folder_that_links_to_itself_ends(tmp_path):
    put(tmp_path, "a/b.wav")
    os.symlink(tmp_path, tmp_path / "a/again")
    assert names(listed(tmp_path)) == ["a/b"]


def test_names_are_unique_also_where_case_does_not_count_and_none_lies_below_another(tmp_path):
    put(tmp_path, "kick.wav", "kick.flac", "Snare.wav", "snare.wav", "tom.wav", "tom/low.wav", "tom-2.wav")
    found = names(listed(tmp_path))
    assert found == ["Snare.wav", "kick.flac", "kick.wav", "snare-2", "tom-2", "tom.wav", "tom/low"]


def test_names_can_be_made_folders_of_everywhere(tmp_path):
    odd = ["con.wav", "a:b?.wav", "tab\there.wav", "end .wav", "x" * 250 + ".wav", os.fsdecode(b"caf\xe9.wav")]
    put(tmp_path, *odd)
    found = names(listed(tmp_path))
    assert set(found) >= {"_con", "a_b_", "tab_here", "end", "caf_"} and len(set(found)) == 6
    assert all(len(name.encode()) <= 200 for name in found)


def test_our_own_runs_below_are_left_out_and_said(tmp_path):
    put(tmp_path, "a.wav", "outputs/kit/index.sqlite", "outputs/kit/sounds/a/match.wav")
    put(tmp_path, "outputs/one/config.yaml", "outputs/one/one.patch.safetensors", "outputs/one/match.wav")
    put(tmp_path, "data/features.csv", "data/d.wav")
    found = listed(tmp_path)
    assert names(found) == ["a", "data/d"]
    assert "what ddsp-match wrote itself is left out: outputs/kit, outputs/one" in found.notes
    with pytest.raises(SoundError, match="a run of ddsp-match"):
        listed(tmp_path / "outputs/kit")


def test_ten_thousand_names_take_no_time_and_no_file_is_opened(tmp_path, monkeypatch):
    for number in range(10_000):
        folder = tmp_path / f"{number % 100:02}"
        if number < 100:
            folder.mkdir()
        os.close(os.open(folder / f"{number}.wav", os.O_CREAT | os.O_WRONLY))
    monkeypatch.setattr("builtins.open", None)
    before = time.process_time()
    found = listed(tmp_path)
    assert time.process_time() - before < 2
    assert len(set(names(found))) == 10_000 and names(found)[0] == "00/0"


# Files one by one


def test_files_are_named_from_the_folder_that_holds_them_all(tmp_path):
    put(tmp_path, "kit/a.wav", "kit/low/b.wav")
    found = listed([tmp_path / "kit/a.wav", tmp_path / "kit/low/b.wav", tmp_path / "kit/low/../a.wav"])
    assert names(found) == ["a", "low/b"] and [item.family for item in found.items] == ["", "low"]
    assert len(found.notes) == 1 and "named twice" in found.notes[0]


# NSynth

CLIPS = ("guitar_acoustic_010-060-100.wav", "synth_lead_synthetic_003-045-025.wav")


@pytest.mark.parametrize("place", ["", "audio"])
@pytest.mark.parametrize("kind", ["auto", "nsynth"])
def test_nsynth_by_its_names_alone(tmp_path, place, kind):
    put(tmp_path / "nsynth-test/audio", *CLIPS)
    found = listed(tmp_path / "nsynth-test" / place, kind)
    assert [(item.family, item.pitch_midi) for item in found.items] == [("guitar", 60.0), ("synth_lead", 45.0)]
    assert names(found) == [name[:-4] for name in CLIPS]


@pytest.mark.parametrize("place", ["", "audio"])
def test_nsynth_with_examples(tmp_path, place):
    put(tmp_path / "set/audio", *CLIPS, "odd.wav", "extra.wav")
    examples = {
        "odd": {"instrument_family_str": "bass", "pitch": 33},
        CLIPS[0][:-4]: {"instrument_family_str": "guitar", "pitch": 60},
        "missing": {"instrument_family_str": "bass", "pitch": 34},
        "gone": {"instrument_family_str": "bass", "pitch": 35},
    }
    (tmp_path / "set/examples.json").write_text(json.dumps(examples))
    found = listed(tmp_path / "set" / place)
    assert [(item.name, item.family, item.pitch_midi) for item in found.items] == [
        (CLIPS[0][:-4], "guitar", 60.0),
        ("odd", "bass", 33.0),
        (CLIPS[1][:-4], "synth_lead", 45.0),
    ]
    assert "1 sounds are not NSynth's and are left out: extra.wav" in found.notes
    assert "examples.json names 4 sounds, of which 3 are here" in found.notes


def test_damaged_examples_do_no_harm(tmp_path):
    put(tmp_path / "audio", *CLIPS)
    (tmp_path / "examples.json").write_text('{"guitar')
    found = listed(tmp_path)
    assert [item.family for item in found.items] == ["guitar", "synth_lead"] and "cannot be read" in found.notes[0]


def test_a_folder_that_only_half_looks_like_nsynth_is_a_folder(tmp_path):
    put(tmp_path, *CLIPS, "mine.wav")
    assert len(listed(tmp_path).items) == 3
    assert len(listed(tmp_path, "nsynth").items) == 2
    put(tmp_path / "other", "mine.wav")
    with pytest.raises(SoundError, match="none with a name of NSynth's"):
        listed(tmp_path / "other", "nsynth")


# Tables


def test_a_table_of_sounds(tmp_path):
    put(tmp_path, "a/one.wav", "two.wav", "three.wav")
    rows = ["\ufeffpath,name,family,pitch", "a/one.wav,,strings,60", f"../{tmp_path.name}/two.wav,Zwei,,60.5"]
    rows.append(f"{tmp_path / 'three.wav'},,,")
    (tmp_path / "list.csv").write_text("\n".join(rows), encoding="utf-8")
    found = listed(tmp_path / "list.csv")
    assert [(item.name, item.family, item.pitch_midi) for item in found.items] == [
        ("a/one", "strings", 60.0),
        ("Zwei", "", 60.5),
        ("three", "", None),
    ]
    assert [item.path for item in found.items] == [tmp_path / "a/one.wav", tmp_path / "two.wav", tmp_path / "three.wav"]
    assert names(listed(tmp_path / "list.csv", limit=1)) == ["a/one"] and found.notes == []


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_and_columns(tmp_path, delimiter):
    put(tmp_path, "a, b.wav")
    (tmp_path / "list.csv").write_text(delimiter.join(["id", "file"]) + "\n" + delimiter.join(["1", "a, b.wav"]) + "\n")
    assert names(listed(tmp_path / "list.csv", column="file")) == ["a, b"]


def test_what_is_odd_in_a_table_is_said_and_a_missing_file_stays(tmp_path):
    put(tmp_path, "a.wav", "b.wav")
    rows = ["path,pitch", "a.wav,loud", "", ",60", "b.wav,", "not/there.wav,", "./b.wav,", "c/../a.wav,1"]
    (tmp_path / "list.csv").write_text("\n".join(rows))
    found = listed(tmp_path / "list.csv")
    assert names(found) == ["a", "b", "not/there"]
    assert found.notes == [
        "1 rows of list.csv name no sound (line 4)",
        "1 pitches in list.csv are no MIDI notes and are left out (line 2)",
        "2 named twice and taken once: ./b.wav (is b.wav), c/../a.wav (is a.wav)",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,name\na.wav,x\n", r"the columns file, name; needed: a column 'path'.*dataset.column"),
        ("", "no columns"),
        ("path\n", "no row with a path"),
        ("path\nx.wav\ny.wav\n", r"2 paths, none of which is there \(the first: .*x.wav\)"),
    ],
)
def test_tables_that_name_nothing_are_refused(tmp_path, text, message):
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(SoundError, match=message):
        listed(tmp_path / "list.csv")


def test_a_table_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "list.csv").write_bytes(b"path\n\xff\xfe\n")
    with pytest.raises(SoundError, match="UTF-8"):
        listed(tmp_path / "list.csv")


def test_a_kind_that_does_not_fit_is_refused(tmp_path):
    put(tmp_path, "a.wav")
    with pytest.raises(SoundError, match="dataset=folder"):
        listed(tmp_path, "csv")
    with pytest.raises(SoundError, match="dataset=csv"):
        listed(tmp_path / "a.wav", "folder")


def test_pipes_and_links_to_nothing_are_left_out_with_a_note(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"")
    os.mkfifo(tmp_path / "p.wav")
    (tmp_path / "gone.wav").symlink_to(tmp_path / "nowhere")
    found = listing(tmp_path, DatasetSettings())
    assert [item.name for item in found.items] == ["a"] and "2 files are no sounds (pipes, devices" in found.notes[0]
    named = listing([tmp_path / "a.wav", tmp_path / "p.wav"], DatasetSettings())
    assert [item.name for item in named.items] == ["a"] and "p.wav" in named.notes[0]
    with pytest.raises(SoundError, match="pipes or devices"):
        listing([tmp_path / "p.wav"], DatasetSettings())


def test_the_header_of_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "p.wav")
    assert header(tmp_path / "p.wav") is None
