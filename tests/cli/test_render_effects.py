"""``render`` with the effects of a patch, without them, and with those of another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ddsp_match import cli
from ddsp_match.core import audio
from ddsp_match.core.controls import Controls
from ddsp_match.core.errors import ConfigError, PatchError
from ddsp_match.core.timebase import Timebase
from ddsp_match.effects.rack import Rack
from ddsp_match.patch import EffectsPatch, Patch, load_patch
from ddsp_match.patch.playing import mix_of
from ddsp_match.tasks.render import render
from tests.compare import assert_close

N, RATE = 4800, 16_000
HALF_DB = 20 * np.log10(0.5)


def patch(effects: Rack | None = None, channels: int = 1) -> Patch:
    timebase = Timebase.at(RATE)
    frames = timebase.frames(N)
    controls = Controls(
        torch.full((channels, frames), 300.0),
        torch.linspace(0.1, 0.4, frames).expand(channels, -1),
        torch.full((channels, 4, frames), 0.25),
        torch.full((channels, 9, frames), 0.01),
    )
    return Patch.of(controls, timebase, N, noise_seed=1, phase="zero", effects=effects)


def gain(db: float) -> Rack:
    return Rack.of(["gain"], 44_100, {"gain.gain_db": db})


@pytest.fixture
def place(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    patch(gain(HALF_DB)).save("voice.patch.safetensors")
    patch().save("flute.patch.safetensors")
    patch(channels=2).save("stereo.patch.safetensors")
    EffectsPatch(gain(2 * HALF_DB)).save("amp.patch.safetensors")
    return tmp_path


def heard(name: str) -> np.ndarray:
    return audio.read(name)[0].samples


def dry(name: str = "flute") -> np.ndarray:
    return mix_of(load_patch(f"{name}.patch.safetensors")).numpy()


def test_a_patch_is_played_with_its_effects(place):
    assert cli.main(["render", "voice.patch.safetensors", "-o", "out.wav", "--stems"]) == 0
    assert_close(heard("out.wav"), 0.5 * dry(), 1e-7)
    assert_close(heard("out.dry.wav"), dry(), 0.0)
    assert_close(heard("out.harmonic.wav") + heard("out.noise.wav"), dry(), 1e-6)


def test_dry_is_without_them(place):
    assert cli.main(["render", "voice.patch.safetensors", "-o", "out.wav", "--dry", "--stems"]) == 0
    assert_close(heard("out.wav"), dry(), 0.0)
    assert not Path("out.dry.wav").exists()  # it would be the same again


@pytest.mark.parametrize(("other", "level"), [("voice", 0.5), ("amp", 0.25)])
@pytest.mark.parametrize("name", ["flute", "voice", "stereo"])
def test_the_effects_of_another_patch_take_the_place_of_its_own(place, name, other, level):
    words = [f"{name}.patch.safetensors", "--effects-from", f"{other}.patch.safetensors", "-o", "out.wav"]
    assert cli.main(["render", *words]) == 0
    assert heard("out.wav").shape == dry(name).shape
    assert_close(heard("out.wav"), level * dry(name), 1e-7)


def test_effects_that_belong_to_another_rate_are_played_there(place, capsys):
    shorter = Rack.of(["fir"], 8000)
    shorter.knobs["fir.taps"][:] = 0.0
    shorter.knobs["fir.taps"][4] = 0.5  # half a millisecond late at 8 kHz
    EffectsPatch(shorter).save("late.patch.safetensors")
    words = ["flute.patch.safetensors", "--effects-from", "late.patch.safetensors", "-o", "out.wav"]
    assert cli.main(["render", *words]) == 0
    assert "note: the settings belong to 8000 Hz: the sound was resampled from 16000 Hz" in capsys.readouterr().out
    assert heard("out.wav").shape == (1, N)
    low = np.fft.rfftfreq(3200, 1 / RATE) < 3000  # what both rates hold, the ends aside
    window = np.hanning(3200)
    found, expected = (
        np.fft.rfft(window * part)[low] for part in (heard("out.wav")[0, 808:4008], 0.5 * dry()[0, 800:4000])
    )
    assert_close(found / np.abs(expected).max(), expected / np.abs(expected).max(), 2e-3)


def test_effects_from_a_patch_that_has_none(place, capsys):
    words = ["voice.patch.safetensors", "--effects-from", "flute.patch.safetensors", "-o", "out.wav"]
    assert cli.main(["render", *words]) == 2
    assert "flute.patch.safetensors: found a patch without effects" in capsys.readouterr().err
    assert not Path("out.wav").exists()


def test_effects_alone_cannot_be_rendered(place, capsys):
    assert cli.main(["render", "amp.patch.safetensors", "-o", "out.wav"]) == 2
    assert "ddsp-match process in.wav amp.patch.safetensors -o out.wav" in capsys.readouterr().err


def test_the_room_of_a_fit_is_lent_to_any_sound(place):
    audio.write("in.wav", render("flute.patch.safetensors"))
    assert cli.main(["process", "in.wav", "voice.patch.safetensors", "-o", "out.wav"]) == 0
    assert_close(heard("out.wav"), 0.5 * dry(), 1e-7)


def test_from_python(place):
    assert_close(render(patch(gain(HALF_DB))).samples, 0.5 * dry(), 1e-7)
    assert_close(render(patch(), effects_from=gain(HALF_DB)).samples, 0.5 * dry(), 1e-7)
    with pytest.raises(ConfigError, match="one of the two"):
        render(patch(), dry=True, effects_from=gain(0.0))
    with pytest.raises(PatchError, match="no such file"):
        render(patch(), effects_from="none.patch.safetensors")


def test_clipping_is_said_and_nothing_is_written_over(place, capsys):
    EffectsPatch(gain(30.0)).save("loud.patch.safetensors")
    words = ["render", "flute.patch.safetensors", "--effects-from", "loud.patch.safetensors", "-o", "out.wav"]
    assert cli.main([*words, "--subtype", "16"]) == 0
    assert "samples above full scale were clipped" in capsys.readouterr().out
    assert cli.main(words) == 2
    Path("out.wav").unlink()
    Path("out.dry.wav").write_text("precious")
    assert cli.main([*words, "--stems"]) == 2
    assert Path("out.dry.wav").read_text() == "precious" and not Path("out.wav").exists()
