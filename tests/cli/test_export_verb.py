"""``ddsp-match export``: words to options, and what is said."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ddsp_match import cli
from ddsp_match.cli.export import options_of
from ddsp_match.cli.parser import build_parser
from ddsp_match.core.errors import ConfigError
from tests.edits.phrases import phrase
from tests.exports.instruments import blown


@pytest.fixture
def place(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    blown(seconds=0.8).save("reed.patch.safetensors")
    return tmp_path


def options(words: str) -> dict:
    """Return what a command line asks of the export."""
    return options_of(build_parser().parse_args(["export", "reed.patch.safetensors", *words.split()]))


def test_help_does_not_load_torch():
    code = (
        "import sys\nfrom ddsp_match import cli\n"
        "try: cli.main(['export', '--help'])\nexcept SystemExit: pass\n"
        "import json; print(json.dumps('torch' in sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "kinds:" in said and "--keys C3-C6/4" in said and json.loads(said.splitlines()[-1]) is False


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("--to sfz --keys 48-54/2", {"keys": [48, 50, 52, 54]}),
        ("--to sfz --keys 60,36,48", {"keys": [36, 48, 60]}),
        ("--to sfz --keys 48-54", {"keys": [48, 51, 54]}),
        ("--to sfz --keys C3-F#3/2", {"keys": [48, 50, 52, 54]}),
        ("--to sfz --keys C4,a2,50", {"keys": [45, 50, 60]}),
        ("--to sfz --keys 4", {"keys": 4}),
        ("--to sfz --velocities 3 --seconds 2s --no-loop", {"velocities": 3, "seconds": 2.0, "loop": False}),
        ("--to sfz --release 0.5 --rate 44100 --dry", {"release_s": 0.5, "sample_rate": 44_100, "dry": True}),
        ("--to sfz --bits 16", {"bits": 16}),
        ("--to wavetable --bits 16 --frames 12 --keep-levels", {"bits": 16, "frames": 12, "keep_levels": True}),
        ("--to wt --frame-size 256 --bits 16", {"frame_size": 256, "bits": 16}),
        ("--to midi --bend-range 12 --tempo 96.5", {"bend_range": 12, "tempo": 96.5}),
        ("--to midi --tempo 140bpm", {"tempo": 140.0}),
        ("--to csv --every 5", {"every": 5}),
        ("--to json", {}),
    ],
)
def test_words_become_options_and_nothing_else_is_passed(words, wanted):
    assert options(f"{words} -o x --force") == wanted


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--to midi --keys 60", "--keys only with --to sfz"),
        ("--to sfz --frames 3", "--frames only with --to wavetable or --to wt"),
        ("--to json --bits 16", "--bits only with --to sfz or --to wavetable or --to wt"),
        ("--to csv --no-loop", "--no-loop only with --to sfz"),
        ("--to csv --rate 44100", "--rate only with --to sfz"),
    ],
)
def test_options_of_another_kind_are_refused(words, said):
    with pytest.raises(ConfigError, match=said):
        options(words)


@pytest.mark.parametrize(
    "words",
    [
        "--keys 60-48",
        "--keys 48-130",
        "--keys H4",
        "--keys C9-B9",
        "--keys C4,",
        "--velocities 9",
        "--frames 257",
        "--bits 8",
        "--frame-size 300",
        "--tempo 3",
        "--tempo fast",
    ],
)
def test_values_that_make_no_sense_are_refused(words, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["export", "reed.patch.safetensors", "--to", "sfz", *words.split()])
    assert ended.value.code == 2
    assert f"error: argument {words.split()[0]}: " in capsys.readouterr().err


def test_an_instrument_is_written_and_said_so(place, capsys):
    words = ["export", "reed.patch.safetensors", "--to", "sfz", "--keys", "57", "--velocities", "1", "--rate", "16000"]
    assert cli.main(words) == 0
    said = capsys.readouterr().out
    assert "written: reed-sfz/reed.sfz (and reed-057-A3.wav, " in said and "hint: open it in" in said
    assert "note: 1 samples" not in said
    assert (place / "reed-sfz" / "samples" / "reed-057-A3.wav").exists()
    assert cli.main(words) == 2
    assert "--force" in capsys.readouterr().err
    assert cli.main([*words, "--force"]) == 0


def test_a_patch_that_is_none_is_refused(place, capsys):
    Path("letter.txt").write_text("hello")
    assert cli.main(["export", "letter.txt", "--to", "sfz"]) == 2
    assert "letter.txt" in capsys.readouterr().err and not Path("letter-sfz").exists()


def test_notes_of_a_phrase_are_chosen_by_number(place, capsys):
    """For an SFZ by their pitch; where there are no keys, or no such note, that is said."""
    phrase([(57, 60, 0.2), (64, 90, 0.2), (60, 60, 0.2)]).save("song.patch.safetensors")
    words = ["export", "song.patch.safetensors", "--to", "sfz", "--keys", "60", "--velocities", "1", "--force"]
    assert cli.main(words) == 0
    assert "note: of several notes the one from 0.6" in capsys.readouterr().out
    assert cli.main([*words, "--note", "3"]) == 0
    assert "repeat what sounds from 1.7" in capsys.readouterr().out
    assert cli.main([*words, "--note", "4"]) == 2
    assert "1 to 3" in capsys.readouterr().err
    assert cli.main(["export", "song.patch.safetensors", "--to", "csv", "--note", "3"]) == 2
    assert "sfz or html" in capsys.readouterr().err
