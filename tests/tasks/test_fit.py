"""fit, end to end: the files of a run, the same samples from the patch, every end it may come to."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import soundfile
import torch
import yaml

import ddsp_match
from ddsp_match.config import build
from ddsp_match.core.audio import Audio
from ddsp_match.core.errors import ConfigError, OutputError, PitchError, SoundError
from ddsp_match.core.settings import FitSettings
from ddsp_match.fitting.optimise import StopReason
from ddsp_match.models.registry import settled
from tests.compare import assert_close
from tests.disk import files_no_larger_than

FILES = [
    "config.yaml", "harmonic.wav", "loss.csv", "match.wav", "metrics.json", "noise.wav", "report.html", "sound",
    "target.wav",
]  # fmt: skip


def quick(**optimizer) -> FitSettings:
    settings = FitSettings()
    settings.f0.source, settings.f0.hz = "constant", 220.0
    for name, value in {"steps": 8, **optimizer}.items():
        setattr(settings.optimizer, name, value)
    return settings


@pytest.fixture
def sound(tmp_path, tone):
    made = tone(220.0, 0.5, amplitudes=(0.3, 0.2, 0.1))
    path = tmp_path / "a note <b>.wav"
    soundfile.write(path, made.samples.T, made.sample_rate)
    return path


def test_a_run_folder_holds_everything(tmp_path, sound):
    result = ddsp_match.fit(sound, settings=quick(), out=tmp_path / "run", command="ddsp-match fit 'a note'")
    names = sorted(p.name.replace("a note <b>.patch.safetensors", "sound") for p in (tmp_path / "run").iterdir())
    assert names == sorted(FILES)
    assert sorted(result.files) == sorted(p.name for p in (tmp_path / "run").iterdir())
    figures = json.loads((tmp_path / "run/metrics.json").read_text())
    assert figures["metrics"]["mrstft"] == pytest.approx(result.metrics["mrstft"])
    assert figures["stop_reason"] == "all steps done" and figures["steps"] == 8
    with (tmp_path / "run/loss.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(r["step"]) for r in rows] == list(range(9))
    assert float(rows[-1]["best"]) == min(float(r["loss"]) for r in rows)
    assert "a note" in (tmp_path / "run/report.html").read_text()


def test_the_stems_add_up_and_the_patch_plays_the_match(tmp_path, sound):
    ddsp_match.fit(sound, settings=quick(), out=tmp_path / "run")
    match, harmonic, noise = (
        soundfile.read(tmp_path / f"run/{n}.wav", dtype="float32")[0] for n in ("match", "harmonic", "noise")
    )
    assert_close(harmonic + noise, match, 1e-7)
    patch = next((tmp_path / "run").glob("*.patch.safetensors"))
    again = ddsp_match.render(patch, out=tmp_path / "again.wav", stems=True)
    assert_close(again.samples[0], match, 0.0)
    assert_close(soundfile.read(tmp_path / "again.wav", dtype="float32")[0], match, 0.0)
    assert_close(soundfile.read(tmp_path / "again.noise.wav", dtype="float32")[0], noise, 0.0)
    with pytest.raises(OutputError, match="force=True"):
        ddsp_match.render(patch, out=tmp_path / "again.wav")
    ddsp_match.render(patch, out=tmp_path / "again.wav", force=True)


def test_the_written_config_builds_the_same_settings(tmp_path, sound):
    settings = quick()
    ddsp_match.fit(sound, settings=settings, out=tmp_path / "run")
    written = yaml.safe_load((tmp_path / "run/config.yaml").read_text())
    words = [
        f"{group}.{key}={'null' if value is None else value}"
        for group, keys in written.items() if isinstance(keys, dict) for key, value in keys.items()
    ]  # fmt: skip
    assert build(words) == settled(settings)


def test_a_pure_tone_is_matched_closely(tone):
    settings = quick(steps=60)
    settings.model.name = "exact"
    result = ddsp_match.fit(tone(220.0, 1.0, amplitudes=(0.3, 0.2, 0.1)), settings=settings)
    # At a depth of 40 dB: what is left is the very edge of the sound.
    assert result.metrics["snr_db"] > 30
    assert result.metrics["mel_db"] < 0.5
    assert result.folder is None and result.files == {}


def test_a_dc_offset_is_warned_of_and_played(tone):
    made = tone(220.0, 0.5, channels=2)
    made.samples[:] += np.array([[0.2], [-0.1]], np.float32)
    result = ddsp_match.fit(made, settings=quick())
    assert any("DC" in note for note in result.notes)
    assert_close(result.patch.offset, [0.2, -0.1], 0.01)
    assert_close(result.match.samples.mean(1), made.samples.mean(1), 0.01)


def test_stereo_comes_back_as_stereo(tone):
    result = ddsp_match.fit(tone(220.0, 0.4, 44100, (0.3, 0.1), channels=2), settings=quick(steps=30))
    assert result.match.samples.shape == (2, 17640) and result.match.sample_rate == 44100
    level = np.sqrt(np.square(result.match.samples).mean(1))
    assert_close(level[0] / level[1], 2.0, 0.05)
    assert_close(result.features.f0_hz[0], result.features.f0_hz[1], 0.0)


@pytest.mark.parametrize(("rate", "fitted"), [(8000, 8000), (11025, 11025), (48000, 48000), (96000, 48000)])
def test_rates(tone, rate, fitted):
    result = ddsp_match.fit(tone(220.0, 0.3, rate), settings=quick(steps=5))
    assert result.target.sample_rate == result.match.sample_rate == fitted
    assert abs(result.match.n_samples - 0.3 * fitted) <= 1
    assert any("48000" in note or "48 000" in note or "48 kHz" in note for note in result.notes) == (rate > 48000)


def test_a_tenth_of_a_second(tone):
    assert ddsp_match.fit(tone(220.0, 0.1), settings=quick()).match.n_samples == 1600


def test_the_same_seed_gives_the_same_samples(tone):
    made = tone(220.0, 0.3)
    one, two = (ddsp_match.fit(made, settings=quick()).match.samples for _ in range(2))
    assert_close(one, two, 0.0)


def test_ctrl_c_leaves_a_patch_that_loads(tmp_path, sound):
    told = []
    result = ddsp_match.fit(
        sound, settings=quick(steps=500), out=tmp_path / "run", on_step=lambda *facts: told.append(facts),
        stop=lambda: len(told) > 5,
    )  # fmt: skip
    assert result.stop_reason is StopReason.INTERRUPTED
    patch = ddsp_match.load_patch(next((tmp_path / "run").glob("*.patch.safetensors")))
    assert_close(ddsp_match.render(patch).samples, result.match.samples, 0.0)
    assert json.loads((tmp_path / "run/metrics.json").read_text())["stop_reason"] == "interrupted"


def test_a_target_loss_ends_it(tone):
    made = quick(steps=500, target_loss=50.0)
    assert ddsp_match.fit(tone(220.0, 0.3), settings=made).stop_reason is StopReason.TARGET


@pytest.mark.parametrize("grid", ["auto", "f0"])
def test_a_sound_without_pitch_is_said_and_its_noise_is_in_the_noise_stem(white_noise, grid):
    settings = FitSettings()
    settings.model.name, settings.synth.grid = "exact", grid
    settings.f0.model, settings.optimizer.steps = "tiny", 20
    result = ddsp_match.fit(white_noise(1.0), settings=settings)
    assert not result.pitched
    assert any("no pitch" in note and "synth.grid" in note for note in result.notes) == (grid == "auto")
    assert result.metrics["noise_share"] > 0.9  # also where partials play it
    assert result.metrics["loudness_l1_db"] < (0.1 if grid == "auto" else 1.5)


def test_silence_and_nothing_are_refused():
    with pytest.raises(SoundError, match="silen"):
        ddsp_match.fit(Audio(np.zeros((1, 16000), np.float32), 16000))
    with pytest.raises(SoundError):
        ddsp_match.fit(np.zeros(16000, np.float32))  # without a rate


def test_a_constant_above_nyquist_is_refused(tone):
    settings = quick()
    settings.f0.hz = 9000.0
    with pytest.raises(PitchError, match="8000"):
        ddsp_match.fit(tone(220.0, 0.3), settings=settings)


def test_an_existing_run_is_refused_before_any_work(tmp_path, sound):
    ddsp_match.fit(sound, settings=quick(), out=tmp_path / "run")
    with pytest.raises(OutputError, match="force=True"):
        ddsp_match.fit(tmp_path / "no such sound.wav", out=tmp_path / "run")
    before = (tmp_path / "run/match.wav").stat().st_ino
    ddsp_match.fit(sound, settings=quick(), out=tmp_path / "run", force=True)
    assert (tmp_path / "run/match.wav").stat().st_ino != before


def test_a_place_that_fails_at_the_end_leaves_nothing(tmp_path, sound):
    with files_no_larger_than(150_000), pytest.raises(OutputError, match="too large"):  # the page is
        ddsp_match.fit(sound, settings=quick(), out=tmp_path / "run")
    assert sorted(p.name for p in tmp_path.iterdir()) == [sound.name]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["trumpet-a4.flac", "snare.flac", "bass-e1.flac", "piano-c4.flac"])
@pytest.mark.parametrize(("model", "most"), [("exact", 0.35), ("frames", 0.55)])
def test_bundled_sounds(bundled, name, model, most):
    settings = FitSettings()
    settings.model.name = model
    result = ddsp_match.fit(bundled / name, settings=settings)
    assert result.metrics["mrstft"] < (most if name != "snare.flac" else 1.2)
    assert result.pitched or name == "snare.flac"


def test_analyze_writes_a_table_and_a_picture(tmp_path, sound):
    settings = quick().f0
    features = ddsp_match.analyze(sound, settings=settings, out=tmp_path / "heard")
    with (tmp_path / "heard/features.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == features.f0_hz.shape[1] == 51
    assert [float(r["f0_hz"]) for r in rows] == pytest.approx([220.0] * 51, abs=0.5)
    assert float(rows[10]["time_s"]) == pytest.approx(0.1)
    assert (tmp_path / "heard/features.png").read_bytes()[:4] == b"\x89PNG"


def test_a_device_that_is_not_there_is_refused_before_any_work(tone):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(ConfigError, match="cuda"):
        ddsp_match.fit(tone(), settings=FitSettings(device="cuda"))


def test_a_drum_without_a_pitch_is_matched_on_a_steady_grid(bundled):
    settings = FitSettings()
    settings.model.name = "exact"
    result = ddsp_match.fit(bundled / "snare.flac", settings=settings)
    assert not result.patch.follows_pitch and result.metrics["mrstft"] < 0.05
