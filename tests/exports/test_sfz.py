"""The instrument on disk: its text, its samples, their loops."""

from __future__ import annotations

import itertools
import math
import re
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from ddsp_match.core.errors import ConfigError
from ddsp_match.effects.rack import Rack
from ddsp_match.exports.sfz import Region, file_name, key_name, layers, neighbours, seamed, sfz_text
from ddsp_match.patch import Patch
from ddsp_match.tasks.export import export
from tests.compare import assert_close
from tests.exports.instruments import RATE, blown, knocked, plucked
from tests.exports.test_wav_chunks import chunks_of


def instrument(folder: Path, patch: Patch, **options) -> tuple[str, list[dict[str, str]], list[Path]]:
    """Header, regions as opcodes, and sample files."""
    main, *files = export(patch, "sfz", folder / "kit", force=True, **options)
    head, *rows = main.read_text().split("<region> ")
    regions = [dict(word.split("=", 1) for word in row.split()) for row in rows]
    assert [region["sample"] for region in regions] == [file.name for file in files]
    assert sorted(files) == sorted((folder / "kit" / "samples").iterdir())
    return head, regions, files


def heard(file: Path) -> tuple[np.ndarray, int]:
    samples, rate = soundfile.read(file, always_2d=True)
    return samples.T, rate


def rms_db(samples: np.ndarray) -> float:
    return 10 * math.log10(np.square(samples).mean())


def test_keys_and_velocities_get_a_sample_each(tmp_path):
    _, regions, files = instrument(tmp_path, blown(), keys=[50, 57, 64], velocities=2, sample_rate=RATE)
    assert [region["pitch_keycenter"] for region in regions] == ["50", "50", "57", "57", "64", "64"]
    assert [(region["lovel"], region["hivel"]) for region in regions[:2]] == [("1", "64"), ("65", "127")]
    assert files[0].name == "kit-050-D3-v1.wav"
    covered = {key for region in regions for key in range(int(region["lokey"]), int(region["hikey"]) + 1)}
    assert covered == set(range(128))


def test_by_default_every_third_key_of_four_octaves_around_the_sounds_own(tmp_path):
    _, regions, _ = instrument(tmp_path, plucked(), sample_rate=RATE, velocities=1)
    assert [int(region["pitch_keycenter"]) for region in regions] == list(range(57 - 24, 57 + 25, 3))
    _, regions, _ = instrument(tmp_path, plucked(), keys=12, sample_rate=RATE, velocities=1)
    assert [int(region["pitch_keycenter"]) for region in regions] == [33, 45, 57, 69, 81]


@pytest.mark.parametrize(("noise", "shortest_s"), [(0.0, 0.9), (0.02, 1.8)])  # noise needs longer loops
def test_the_loop_in_the_file_repeats_and_both_tell_it_alike(tmp_path, noise, shortest_s):
    head, (region,), (file,) = instrument(tmp_path, blown(noise=noise), keys=[60], velocities=1)
    assert "loop_mode=loop_continuous" in head
    start, last = int(region["loop_start"]), int(region["loop_end"])
    samples, rate = heard(file)
    assert rate == 48_000 and soundfile.info(file).subtype == "PCM_24"
    assert (last - start) / rate > shortest_s
    held = struct.unpack("<15I", chunks_of(file.read_bytes())[b"smpl"])
    assert held[11:13] == (start, last)
    note = held[3] + held[4] / 2**32
    assert note == pytest.approx(60 - int(region.get("tune", 0)) / 100, abs=0.006)
    # What comes after the loop is what came after its first sample, and likewise before.
    assert_close(samples[:, last + 1 :], samples[:, start : start + samples.shape[1] - last - 1], 1e-6)
    assert_close(samples[:, last - 400 : last + 1], samples[:, start - 401 : start], 2e-4)


def test_a_room_is_filled_before_its_sound_repeats(tmp_path):
    knobs = {"feedback_delay.delay_ms": 90.0, "feedback_delay.feedback": 0.6, "feedback_delay.wet": 0.5}
    room = Rack.of(["feedback_delay"], RATE, knobs)
    patch = blown(effects=room, noise=0.01)
    _, (region,), (file,) = instrument(tmp_path, patch, keys=[60], velocities=1, sample_rate=RATE)
    wet, _ = heard(file)
    start, last = int(region["loop_start"]), int(region["loop_end"])
    seam = round(0.05 * RATE)
    assert_close(wet[:, last + 1 - seam : last + 1], wet[:, start - seam : start], 1e-5)
    _, _, (dry,) = instrument(tmp_path, patch, keys=[60], velocities=1, sample_rate=RATE, dry=True)
    assert heard(dry)[0].shape[1] < wet.shape[1]


def test_what_has_not_settled_is_led_into_what_comes_before_the_loop(white_noise):
    sound = white_noise(seconds=0.5)
    made = seamed(sound, 2000, 3000, 0.0)
    assert made.loop == (2000, 4999)
    before, after = sound.samples, made.audio.samples
    seam = round(0.05 * RATE)
    assert_close(after[:, : 5000 - seam], before[:, : 5000 - seam], 0.0)
    assert_close(after[:, 4999:], before[:, 1999 : 1999 + after.shape[1] - 4999], 1e-6)
    middle = 5000 - seam // 2
    assert_close(after[0, middle - 1], (before[0, middle - 1] + before[0, middle - 3001]) / 2, 1e-6)


def test_softer_layers_are_darker_and_no_softer_by_themselves(tmp_path):
    _, _, files = instrument(tmp_path, blown(noise=0.0), keys=[57], velocities=3, sample_rate=RATE)
    centroids = []
    for file in files:
        spectrum = np.abs(np.fft.rfft(heard(file)[0][0])) ** 2
        centroids.append((spectrum * np.arange(len(spectrum))).sum() / spectrum.sum())
    assert centroids[0] < 0.97 * centroids[1] and centroids[1] < 0.97 * centroids[2]
    levels = [rms_db(heard(file)[0]) for file in files]
    assert max(levels) - min(levels) < 0.5


def test_what_dies_away_has_no_loop_and_what_has_no_pitch_plays_to_its_end(tmp_path):
    notes: list[str] = []
    head, (region,), (file,) = instrument(tmp_path, plucked(), keys=[57], velocities=1, on_note=notes.append)
    assert "loop_mode=no_loop" in head and "loop_start" not in region
    assert struct.unpack("<9I", chunks_of(file.read_bytes())[b"smpl"])[7] == 0
    assert heard(file)[0].shape[1] == pytest.approx(48_000, abs=960)
    assert any("dies away" in note for note in notes)
    head, regions, _ = instrument(tmp_path, knocked(), keys=[60], velocities=1)
    assert "loop_mode=one_shot" in head and "tune" not in regions[0]
    head, _, _ = instrument(tmp_path, blown(), keys=[60], velocities=1, loop=False)
    assert "loop_mode=no_loop" in head


def test_seconds_set_the_length(tmp_path):
    _, (region,), _ = instrument(tmp_path, blown(), keys=[60], velocities=1, seconds=5.0, sample_rate=RATE)
    assert 4.7 < int(region["loop_end"]) / RATE < 6  # whole rounds of a loop of about a second
    one = {"keys": [60], "velocities": 1, "sample_rate": RATE}
    _, _, (file,) = instrument(tmp_path, blown(), loop=False, seconds=4.0, **one)
    assert heard(file)[0].shape[1] / RATE == pytest.approx(4.0, abs=0.05)
    _, _, (file,) = instrument(tmp_path, plucked(), seconds=0.5, **one)
    cut = heard(file)[0]
    assert cut.shape[1] / RATE == pytest.approx(0.5, abs=0.02)
    assert np.abs(cut[:, -20:]).max() < 0.01 * np.abs(cut).max()


def test_a_sound_above_full_scale_is_stored_softer_and_played_louder(tmp_path):
    options = {"keys": [60], "velocities": 1, "sample_rate": RATE}
    _, (region,), (file,) = instrument(tmp_path, blown(level=3.0), **options)
    whole, gain_db = heard(file)[0], float(region["volume"])
    assert gain_db > 3 and 0.95 < np.abs(whole).max() < 1
    _, (region,), (file,) = instrument(tmp_path, blown(level=3.0), bits=32, **options)
    assert "volume" not in region
    assert_close(whole * 10 ** (gain_db / 20), heard(file)[0], 2e-3)


@pytest.mark.parametrize("semitones", [4, 1, 0])
def test_of_a_phrase_one_note_is_taken(tmp_path, semitones):
    patch = blown(seconds=2.4, vibrato_cents=0.0)
    patch.controls.f0_hz[:, :80] *= 2 ** (semitones / 12)
    patch.controls.amplitude[:, 70:80] *= torch.linspace(1, 0.1, 10)  # struck anew, at the same pitch or another
    notes: list[str] = []
    options = {"keys": [57], "velocities": 1, "sample_rate": RATE, "on_note": notes.append}
    _, _, (file,) = instrument(tmp_path, patch, **options)
    assert any(re.search(r"of several notes the one from 0\.(7[5-9]|8\d) to 2\.\d+ s", note) for note in notes)
    (loop,) = (re.search(r"repeat what sounds from (\S+) to (\S+) s", note) for note in notes if "repeat" in note)
    assert 0.8 <= float(loop[1]) < float(loop[2]) <= 2.4
    first = heard(file)[0][0, : RATE // 4]
    peak_hz = np.abs(np.fft.rfft(first * np.hanning(len(first)), 8 * len(first))).argmax() * RATE / (8 * len(first))
    assert peak_hz == pytest.approx(220, rel=0.005)


def test_keys_that_cannot_be_played_are_refused(tmp_path):
    for options, words in (
        ({"keys": [60, 128]}, "0 to 127"),
        ({"keys": [127]}, "above half the patch's sample rate; needed: keys up to 119"),
        ({"keys": 0}, "1 to 24 keys"),
        ({"velocities": 9}, "1 to 8"),
        ({"bits": 8}, "16 | 24 | 32"),
        ({"seconds": 1000.0}, "1000 s; needed: above 0, at most 120 s"),
    ):
        with pytest.raises(ConfigError, match=words):
            export(blown(), "sfz", tmp_path / "kit", **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("keys", [[60], [48, 51, 54], [0, 5, 127], [30, 31]])
def test_each_key_belongs_to_the_nearest_sample(keys):
    spans = neighbours(keys)
    assert spans[0][0] == 0 and spans[-1][1] == 127
    for (_, high), (low, _) in itertools.pairwise(spans):
        assert low == high + 1
    for key, (low, high) in zip(keys, spans, strict=True):
        for played in range(low, high + 1):
            assert abs(played - key) == min(abs(played - other) for other in keys)


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_layers_share_all_velocities(count):
    found = layers(count)
    assert len(found) == count
    assert [velocity for low, high in found for velocity in range(low, high + 1)] == list(range(1, 128))


def test_names_hold_nothing_that_sfz_reads_as_something_else():
    assert key_name(60) == "C4" and key_name(61) == "Cs4" and key_name(21) == "A0"
    assert file_name("a b=c#d$e/f<g>") == "a_b_c_d_e_f_g"
    assert file_name("..") == "sound"


def test_a_region_says_what_it_needs_and_no_more():
    plain = Region("a.wav", 60, (59, 61)).opcodes()
    assert plain == "<region> sample=a.wav pitch_keycenter=60 lokey=59 hikey=61 lovel=1 hivel=127"
    full = Region("a.wav", 60, (59, 61), (1, 64), 3.4, (10, 99), 1.5).opcodes()
    assert full.endswith("lovel=1 hivel=64 tune=-3 loop_start=10 loop_end=99 volume=1.50")


def test_the_text_has_one_header_and_every_region():
    text = sfz_text("a\nb", [Region("a.wav", 60, (0, 127))] * 2, mode="no_loop", release_s=0.25)
    assert text.splitlines()[0] == "// a b"
    assert text.count("<region>") == 2 and text.count("<global>") == 1
    assert "loop_mode=no_loop ampeg_release=0.250 amp_veltrack=100\n" in text
