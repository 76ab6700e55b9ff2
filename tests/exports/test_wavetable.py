"""A patch as a wavetable: one WAV of single periods."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ddsp_match.core.errors import ConfigError, PitchError
from ddsp_match.exports.wavetable import harmonics
from ddsp_match.patch import Patch
from ddsp_match.tasks.export import export
from tests.compare import assert_close
from tests.exports.formats.test_wav_chunks import chunks_of
from tests.exports.formats.test_wavetable import read_wt
from tests.tasks.instruments import blown, knocked


def table(path, patch: Patch, **options) -> np.ndarray:
    (made,) = export(patch, "wavetable", path / "table.wav", force=True, **options)
    found = chunks_of(made.read_bytes())
    size = options.get("frame_size", 2048)
    assert found[b"clm "].startswith(b"<!>%d " % size)
    kind = "<f4" if options.get("bits", 32) == 32 else "<i2"
    return np.frombuffer(found[b"data"], kind).reshape(-1, size).astype(float)


def brightening(seconds: float = 1.6) -> Patch:
    """A tone whose six harmonics are equally strong at the end, having begun as those of `blown`."""
    patch = blown(seconds=seconds, vibrato_cents=0.0)
    shares = patch.controls.distribution
    way = torch.linspace(0, 1, shares.shape[2])
    return replace(patch, controls=replace(patch.controls, distribution=shares * (1 - way) + way / 6))


def test_each_frame_is_one_period_of_the_sounds_harmonics(tmp_path):
    waves = table(tmp_path, brightening())
    spectrum = np.abs(np.fft.rfft(waves))
    shares = np.array([1.0, 0.6, 0.4, 0.3, 0.2, 0.1])
    assert_close(spectrum[0, 1:7] / spectrum[0, 1], shares, 0.06)
    assert_close(spectrum[-1, 1:7] / spectrum[-1, 1], np.ones(6), 0.06)
    assert (np.diff(spectrum[:, 6] / spectrum[:, 1]) > 0).all()
    assert spectrum[:, 7:].max() < 1e-3 * spectrum[:, 1].min()
    level = np.sqrt(np.square(waves).mean(1))
    assert np.all(np.abs(waves.mean(1)) < 1e-4 * level)  # -80 dB
    assert np.abs(waves[:, 0]).max() < 1e-6
    assert_close(np.abs(waves).max(1), np.full(len(waves), 0.99), 1e-6)


@pytest.mark.parametrize("size", [256, 512, 1024, 2048])
def test_a_frame_is_as_long_as_asked_for_in_a_wav_and_in_surges_format(tmp_path, size):
    waves = table(tmp_path, brightening(), frame_size=size)
    (made,) = export(brightening(), "wt", tmp_path / "table.wt", frame_size=size)
    held, _ = read_wt(made.read_bytes())
    assert held.shape[1] == size
    assert_close(held, waves, 1e-7)


def test_levels_are_kept_on_demand(tmp_path):
    patch = blown()
    quiet, loud = np.sort(np.abs(table(tmp_path, patch, keep_levels=True)).max(1))[[0, -1]]
    assert quiet < 0.8 * loud and loud == pytest.approx(0.99, abs=1e-5)


def test_a_steady_note_is_few_frames_and_one_that_changes_is_more(tmp_path):
    notes: list[str] = []
    assert len(table(tmp_path, blown(), on_note=notes.append)) == 1
    assert notes == ["1 period of 2048 samples, 20 dB above what they leave out"]
    assert 1 < len(table(tmp_path, brightening())) < 10
    assert len(table(tmp_path, brightening(), frames=2)) == 2


def test_rests_and_what_has_no_pitch_are_left_out(tmp_path):
    patch = blown(seconds=3.0)
    controls = patch.controls
    # After a second comes noise over faint partials of another spectrum, and then nothing but these.
    amplitude, noise, shares = (x.clone() for x in (controls.amplitude, controls.noise, controls.distribution))
    amplitude[:, 100:] *= 1e-3
    noise[..., 100:200], noise[..., 200:] = 0.1, 0.0
    shares[..., 100:] = torch.tensor([0.0, 0.0, 0.0, 0.0, 0.0, 1.0]).view(-1, 1)
    patch = replace(patch, controls=replace(controls, amplitude=amplitude, noise=noise, distribution=shares))
    spectrum = np.abs(np.fft.rfft(table(tmp_path, patch)))
    assert (spectrum[:, 1] > 5 * spectrum[:, 6]).all()


def test_partials_between_harmonics_are_left_out(tmp_path):
    patch = blown(vibrato_cents=0.0)
    between = replace(patch, controls=replace(patch.controls, divisions=2))
    found = harmonics(between)
    assert found.shape[1] == 3
    wanted = patch.controls.partial_amplitudes[0, 1::2, 60].numpy()
    assert_close(found[60], wanted, 0.03 * wanted.max())


def test_sixteen_bits_are_whole_numbers_of_the_same_periods(tmp_path):
    patch = brightening()
    assert_close(table(tmp_path, patch, bits=16) / 2**15, table(tmp_path, patch), 1e-4)


def test_what_has_no_periods_is_refused(tmp_path):
    with pytest.raises(PitchError, match=r"without a pitch.*--to sfz"):
        table(tmp_path, knocked())
    silent = blown()
    silent = replace(silent, controls=replace(silent.controls, amplitude=torch.zeros_like(silent.controls.amplitude)))
    with pytest.raises(PitchError, match=r"nothing with a pitch.*a note of 40 ms"):
        table(tmp_path, silent)
    for options in ({"frames": 0}, {"frames": 257}, {"frame_size": 300}, {"bits": 24}):
        with pytest.raises(ConfigError):
            table(tmp_path, blown(), **options)
    assert not list(tmp_path.iterdir())
