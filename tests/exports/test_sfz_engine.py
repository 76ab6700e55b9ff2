"""The instrument in a real sampler: right pitch, right level, no click where it repeats, silence after the key."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ddsp_match.edits.pitch import transpose
from ddsp_match.edits.separate import separate
from ddsp_match.synth.harmonic_noise import play
from ddsp_match.tasks.export import export
from tests.compare import assert_close
from tests.exports.instruments import RATE, blown, plucked

pysfizz = pytest.importorskip("pysfizz")

F0_HZ = 233.7
ENGINE_RATE = 48_000
# sfizz plays everything 7.35 dB softer, and opens with CC 7, the volume, at 100 of 127, by its square.
ENGINE_DB = -7.35 + 40 * math.log10(100 / 127)


def played(main: Path, key: int, velocity: int, held_s: float, seconds: float) -> np.ndarray:
    """What sfizz plays, ``(2, samples)``."""
    for _ in range(8):
        synth = pysfizz.Synth(ENGINE_RATE, 256)
        assert synth.load_sfz_file(str(main))
        sound = synth.render_note(key, velocity, held_s, seconds).astype(np.float64)
        # It reads samples in the background, for a player in real time, and at times a note is faster than that: then
        # it is silent, or ends behind the first 8192 samples, which are read ahead.
        if np.abs(sound[:, :4096]).max() > 1e-6 and np.abs(sound[:, 16_384:20_480]).max() > 1e-6:
            return sound
    raise AssertionError(f"sfizz plays nothing on key {key}")


def rms_db(samples: np.ndarray) -> float:
    return 10 * math.log10(np.square(samples).mean() + 1e-30)


def cents_off(samples: np.ndarray, key: int) -> float:
    """How sharp a tone is: the phase of its fundamental, followed over the samples."""
    hz = 440 * 2 ** ((key - 69) / 12)
    t = np.arange(len(samples)) / ENGINE_RATE
    width = round(8 * ENGINE_RATE / hz)
    window = np.hanning(width) / np.hanning(width).sum()
    turning = np.convolve(samples * np.exp(-2j * np.pi * hz * t), window, "valid")
    phase = np.unwrap(np.angle(turning))
    return 1200 * math.log2(1 + (phase[-1] - phase[0]) / (2 * np.pi * hz) * ENGINE_RATE / (len(phase) - 1))


@pytest.fixture(scope="module")
def reed(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("sfz") / "reed"
    return export(blown(F0_HZ, 1.8, noise=0.0005), "sfz", out, keys=[46, 58, 70], velocities=2)[0]


@pytest.mark.parametrize("key", [46, 57, 58, 60, 70])
def test_each_key_sounds_at_its_pitch(reed, key):
    # Whole turns of the vibrato, 5 Hz give or take what the loop took to hold whole periods.
    assert abs(cents_off(played(reed, key, 127, 4.0, 4.0)[0, ENGINE_RATE : 3 * ENGINE_RATE], key)) < 3


@pytest.mark.parametrize("key", [46, 58, 70])
def test_each_key_is_as_loud_as_our_own_render(reed, key):
    patch = blown(F0_HZ, noise=0.0005)
    moved = transpose(separate(patch.controls, patch.timebase), patch.timebase, key - 69 - 12 * math.log2(F0_HZ / 440))
    own = play(moved, patch.timebase, patch.timebase.samples(moved.n_frames), 3).mix.numpy()
    found = rms_db(played(reed, key, 127, 1.5, 1.5)[:, ENGINE_RATE // 2 : ENGINE_RATE]) - ENGINE_DB
    assert found == pytest.approx(rms_db(own[:, RATE // 2 : RATE]), abs=1.0)


def test_a_sample_that_had_to_be_stored_softer_is_as_loud_as_it_is(tmp_path):
    options = {"keys": [57], "velocities": 1}
    whole = export(blown(level=3.0), "sfz", tmp_path / "whole", **options)[0]
    floating = export(blown(level=3.0), "sfz", tmp_path / "floating", bits=32, **options)[0]
    levels = [rms_db(played(main, 57, 127, 1.0, 1.0)) for main in (whole, floating)]
    assert levels[0] == pytest.approx(levels[1], abs=0.05)


def test_a_soft_key_is_softer_by_the_law_by_which_midi_files_are_written(reed):
    levels = [rms_db(played(reed, 58, velocity, 1.0, 1.0)) for velocity in (20, 60, 100, 127)]
    assert_close(np.diff(levels), np.diff(40 * np.log10([20, 60, 100, 127])), 0.5)


def test_a_held_note_repeats_without_a_click_and_ends_after_its_key(reed):
    sound = played(reed, 58, 127, 10.0, 12.0)[0]
    sample, loop = samples_and_loop(reed, 58)
    length = loop[1] - loop[0] + 1
    assert 10 * ENGINE_RATE > loop[0] + 3 * length  # it does come round several times
    # Sample by sample the same each time: where nothing is new, nothing can click.
    rounds = [sound[loop[0] + time * length :][:length] for time in range(3)]
    for again in rounds[1:]:
        assert_close(again, rounds[0], 1e-5)
    # ... and the seam is no rougher than the rest of the round.
    rough = np.abs(np.diff(sound, 3))
    seam = rough[loop[0] + length - 100 : loop[0] + length + 100].max()
    assert seam < 1.05 * rough[loop[0] + 200 : loop[0] + length - 200].max()
    assert rms_db(sound[-ENGINE_RATE:]) < -100
    assert len(sample) >= loop[1] + 1


def samples_and_loop(main: Path, key: int) -> tuple[np.ndarray, tuple[int, int]]:
    """The samples of a key's loudest layer, and its loop; one that is played at its own speed."""
    row = [row for row in main.read_text().splitlines() if f"pitch_keycenter={key} " in row][-1]
    opcodes = dict(word.split("=", 1) for word in row.split()[1:])
    assert "tune" not in opcodes
    sample, rate = soundfile.read(main.parent / "samples" / opcodes["sample"])
    assert rate == ENGINE_RATE
    return sample, (int(opcodes["loop_start"]), int(opcodes["loop_end"]))


def test_a_pluck_dies_away_while_its_key_is_held(tmp_path):
    main = export(plucked(), "sfz", tmp_path / "pluck", keys=[57], velocities=1)[0]
    sound = played(main, 57, 127, 3.0, 3.0)[0]
    assert rms_db(sound[: ENGINE_RATE // 10]) > -35
    assert rms_db(sound[2 * ENGINE_RATE :]) < -100
    assert abs(cents_off(sound[4800 : ENGINE_RATE // 2], 57)) < 3


def test_samples_at_the_patchs_own_rate_sound_at_the_same_pitch(tmp_path):
    main = export(blown(F0_HZ), "sfz", tmp_path / "low", keys=[58], velocities=1, sample_rate=RATE, bits=16)[0]
    assert abs(cents_off(played(main, 58, 127, 3.0, 3.0)[0, ENGINE_RATE : 2 * ENGINE_RATE], 58)) < 3
