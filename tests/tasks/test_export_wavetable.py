"""A patch as a wavetable: one WAV of single periods."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ddsp_match.errors import ConfigError, PitchError
from ddsp_match.patch import Patch
from ddsp_match.tasks.export import export
from ddsp_match.tasks.export_wavetable import harmonics
from tests.compare import assert_close
from tests.formats.test_wav_chunks import chunks_of
from tests.tasks.instruments import blown, knocked


def table(path, patch: Patch, **options) -> np.ndarray:
    (made,) = export(patch, "wavetable", path / "table.wav", force=True, **options)
    found = chunks_of(made.read_bytes())
    assert found[b"clm "].startswith(b"<!>2048 ")
    kind = "<f4" if options.get("bits", 32) == 32 else "<i2"
    return np.frombuffer(found[b"data"], kind).reshape(-1, 2048).astype(float)


def test_each_frame_is_one_period_of_the_sounds_harmonics(tmp_path):
    patch = blown(vibrato_cents=0.0)
    waves = table(tmp_path, patch, frames=8)
    assert waves.shape == (8, 2048)
    spectrum = np.abs(np.fft.rfft(waves))
    shares = np.array([1.0, 0.6, 0.4, 0.3, 0.2, 0.1])
    # In the sustain, where separating the breath changes nothing.
    assert_close(spectrum[4, 1:7] / spectrum[4, 1], shares, 0.02)
    assert spectrum[:, 7:].max() < 1e-3 * spectrum[:, 1].min()
    level = np.sqrt(np.square(waves).mean(1))
    assert np.all(np.abs(waves.mean(1)) < 1e-4 * level)  # -80 dB
    assert np.abs(waves[:, 0]).max() < 1e-6
    assert_close(np.abs(waves).max(1), np.full(8, 0.99), 1e-6)


def test_levels_are_kept_on_demand(tmp_path):
    patch = blown()
    quiet, loud = np.sort(np.abs(table(tmp_path, patch, frames=40, keep_levels=True)).max(1))[[0, -1]]
    assert quiet < 0.8 * loud and loud == pytest.approx(0.99, abs=1e-5)


def test_partials_between_harmonics_are_left_out(tmp_path):
    patch = blown(vibrato_cents=0.0)
    between = replace(patch, controls=replace(patch.controls, divisions=2))
    found = harmonics(between)
    assert found.shape[1] == 3
    wanted = patch.controls.partial_amplitudes[0, 1::2, 60].numpy()
    assert_close(found[60], wanted, 0.03 * wanted.max())


def test_no_more_periods_than_the_sound_has_frames(tmp_path):
    notes: list[str] = []
    patch = blown(seconds=0.5)
    waves = table(tmp_path, patch, on_note=notes.append)
    assert 30 < len(waves) <= 51
    assert notes and str(len(waves)) in notes[0] and "256 were asked for" in notes[0]
    assert len(table(tmp_path, patch, frames=1)) == 1


def test_sixteen_bits_are_whole_numbers_of_the_same_periods(tmp_path):
    patch = blown()
    assert_close(table(tmp_path, patch, frames=4, bits=16) / 2**15, table(tmp_path, patch, frames=4), 1e-4)


def test_what_has_no_periods_is_refused(tmp_path):
    with pytest.raises(PitchError, match=r"no pitch was found.*--to sfz"):
        table(tmp_path, knocked())
    silent = blown()
    silent = replace(silent, controls=replace(silent.controls, amplitude=torch.zeros_like(silent.controls.amplitude)))
    with pytest.raises(PitchError, match="no harmonics"):
        table(tmp_path, silent)
    for options in ({"frames": 0}, {"frames": 257}, {"bits": 24}):
        with pytest.raises(ConfigError):
            table(tmp_path, blown(), **options)
    assert not list(tmp_path.iterdir())
