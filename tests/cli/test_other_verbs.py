"""``render`` and ``analyze`` on the command line, and the command as a process."""

from __future__ import annotations

import subprocess
import sys
import types
from pathlib import Path

import pytest

from ddsp_match import cli


@pytest.fixture
def fake_render(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    calls = []

    def render(patch, *, out, stems, subtype, force, dry, effects_from, sample_rate, noise_seed, on_note):
        calls.append((patch, out, stems, subtype, force, dry, effects_from))
        if dry:
            on_note("it was wet")
        out.write_text("sound")
        return types.SimpleNamespace(channels=2, seconds=1.5, sample_rate=44100)

    module = types.ModuleType("ddsp_match.tasks.render")
    module.render = render
    monkeypatch.setitem(sys.modules, "ddsp_match.tasks.render", module)
    return calls


def test_render(fake_render, capsys):
    assert cli.main(["render", "a/b.patch.safetensors", "-o", "again.wav", "--stems", "--subtype", "24"]) == 0
    assert fake_render == [(Path("a/b.patch.safetensors"), Path("again.wav"), True, "PCM_24", False, False, None)]
    assert capsys.readouterr().out == "written: again.wav (1.50 s, 44100 Hz, stereo)\n"
    assert cli.main(["render", "a/b.patch.safetensors"]) == 0
    assert fake_render[-1] == (Path("a/b.patch.safetensors"), Path("b.wav"), False, "FLOAT", False, False, None)


def test_render_without_or_with_other_effects(fake_render, capsys):
    assert cli.main(["render", "a.patch.safetensors", "--dry"]) == 0
    assert fake_render[-1][-2:] == (True, None)
    assert "note: it was wet\n" in capsys.readouterr().out
    assert cli.main(["render", "a.patch.safetensors", "--effects-from", "b.patch.safetensors", "--force"]) == 0
    assert fake_render[-1][-2:] == (False, Path("b.patch.safetensors"))
    with pytest.raises(SystemExit):
        cli.main(["render", "a.patch.safetensors", "--effects-from", "b.patch.safetensors", "--dry"])
    assert "not allowed with" in capsys.readouterr().err


def test_render_does_not_overwrite_without_force(fake_render, capsys):
    Path("again.wav").write_text("precious")
    assert cli.main(["render", "b.patch.safetensors", "-o", "again.wav"]) == 2
    assert (
        "again.wav: found a file of that name" in (message := capsys.readouterr().err)
        and "--force" in message
    )
    assert Path("again.wav").read_text() == "precious"
    assert cli.main(["render", "b.patch.safetensors", "-o", "again.wav", "--force"]) == 0
    assert cli.main(["render", "b.patch.safetensors", "-o", "."]) == 2


@pytest.fixture
def fake_analyze(monkeypatch, tmp_path):
    torch = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    calls = []

    def analyze(audio, *, settings, out, force, on_note, on_pitch):
        calls.append((audio, settings, out))
        on_note("it clips")
        on_pitch(4, 4)
        out.mkdir(parents=True, exist_ok=True)
        (out / "features.csv").write_text("")
        voiced = torch.tensor([[True, True, False, True]])
        return types.SimpleNamespace(
            f0_hz=torch.tensor([[220.0, 221.0, 1.0, 222.0]]), voiced=voiced, doubt=~voiced, pitch_hz=221.0
        )

    module = types.ModuleType("ddsp_match.tasks.analyze")
    module.analyze = analyze
    monkeypatch.setitem(sys.modules, "ddsp_match.tasks.analyze", module)
    return calls


def test_analyze(fake_analyze, capsys):
    assert cli.main(["analyze", "f0=pyin", "sound.wav", "-q"]) == 0
    ((audio, settings, out),) = fake_analyze
    assert (audio, settings.source, out) == (Path("sound.wav"), "pyin", Path("outputs/sound-analysis"))
    said = capsys.readouterr().out
    assert "A3 +8 cents (221.0 Hz), voiced 75 % of the time" in said and "in doubt 25.0 %" in said
    assert "written: outputs/sound-analysis/features.csv" in said and "note: it clips" in said
    assert cli.main(["analyze", "sound.wav", "-q", "--f0", "220", "-o", "outputs/sound-analysis"]) == 2


# As a process


def test_a_reader_that_goes_away_is_no_error():
    command = [sys.executable, "-m", "ddsp_match", "fit", "--cfg", "all"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode in (cli.EXIT_PIPE, cli.EXIT_OK)


def test_python_m_is_the_command():
    command = [sys.executable, "-m", "ddsp_match", "fit", "nowhere.wav", "los=mel"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "'los', which is no setting" in done.stderr and "Traceback" not in done.stderr
