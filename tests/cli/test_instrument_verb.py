"""``instrument``, and the keys of ``render``, on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from ddsp_match import cli
from tests.edits.phrases import phrase


@pytest.fixture
def patch(monkeypatch, tmp_path) -> str:
    monkeypatch.chdir(tmp_path)
    phrase([(60, 80, 0.3), (60, 40, 0.0), (64, 120, 0.3)]).save("a.patch.safetensors")
    return "a.patch.safetensors"


def test_notes_are_listed_and_chosen(patch, capsys):
    assert cli.main(["render", patch, "--list-notes"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.split()[:2] == ["1", "C4"] and second.split()[:2] == ["2", "E4"] and "held by" in second
    assert cli.main(["render", patch, "--note", "2", "--seconds", "500ms"]) == 0
    assert capsys.readouterr().out.startswith("written: a-note.wav (0.5")
    assert cli.main(["render", patch, "--note", "3", "--force"]) == 2
    assert "found note 3; needed: 1 to 2" in capsys.readouterr().err


def test_several_fits_become_an_instrument(patch, capsys):
    phrase([(72, 120, 0.3)]).save("b.patch.safetensors")
    assert cli.main(["instrument", patch, "b.patch.safetensors", "-o", "x.patch.safetensors"]) == 0
    said = capsys.readouterr().out
    assert "3  C5" in said and "written: x.patch.safetensors (3 notes" in said
    assert cli.main(["instrument", patch, "-o", "x.patch.safetensors"]) == 2
    assert "--force" in capsys.readouterr().err
    assert cli.main(["instrument", patch, "--note", "2", "-q", "--force", "-o", "x.patch.safetensors"]) == 0
    assert capsys.readouterr().out.startswith("written: x.patch.safetensors (1 note,")
    assert cli.main(["render", "x.patch.safetensors", "--midi", "C4", "--velocity", "90", "-o", "note.wav"]) == 0
    assert Path("note.wav").is_file()
    assert cli.main(["render", "x.patch.safetensors"]) == 2
    assert "--midi 60" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["render", patch, "--velocity", "128"])
