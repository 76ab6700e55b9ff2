"""A patch as a wavetable: single periods, and the files that hold them."""

from __future__ import annotations

import itertools
import struct
from dataclasses import replace

import numpy as np
import pytest
import torch

from ddsp_match.core.errors import ConfigError, PitchError
from ddsp_match.exports.wavetable import FRAME_SIZES, PEAK, choose, harmonics, periods, wt_bytes
from ddsp_match.models.frame_plan import compacted
from ddsp_match.models.frames_model import controls_of
from ddsp_match.patch import Patch
from ddsp_match.tasks.export import export
from tests.compare import assert_close
from tests.exports.instruments import blown, knocked
from tests.exports.test_wav_chunks import chunks_of


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
    with pytest.raises(PitchError, match=r"without a pitch.*an export to sfz"):
        table(tmp_path, knocked())
    silent = blown()
    silent = replace(silent, controls=replace(silent.controls, amplitude=torch.zeros_like(silent.controls.amplitude)))
    with pytest.raises(PitchError, match=r"nothing with a pitch.*a note of 40 ms"):
        table(tmp_path, silent)
    for options in ({"frames": 0}, {"frames": 257}, {"frame_size": 300}, {"bits": 24}):
        with pytest.raises(ConfigError):
            table(tmp_path, blown(), **options)
    assert not list(tmp_path.iterdir())


SPECTRA = np.array([[1.0, 0.5, 0.25, 0.0], [0.1, 0.0, 0.0, 0.05]])


@pytest.mark.parametrize("size", FRAME_SIZES)
def test_a_period_has_the_harmonics_asked_for_all_as_sines(size):
    waves = periods(SPECTRA, size, keep_levels=True)
    assert waves.shape == (2, size)
    spectrum = np.fft.rfft(waves) * 2 / size
    loudest = np.abs(periods(SPECTRA[:1], size, keep_levels=True)).max()
    assert loudest == pytest.approx(PEAK)
    found = -spectrum[:, 1:5].imag
    assert_close(found / found[0, 0], SPECTRA, 1e-9)
    rest = spectrum.copy()
    rest[:, 1:5] = rest[:, 1:5].real
    assert np.abs(rest).max() < 1e-12


def test_a_period_begins_at_zero_and_has_no_constant_part():
    waves = periods(np.random.default_rng(0).random((5, 60)))
    assert np.abs(waves[:, 0]).max() < 1e-9
    assert np.abs(waves.mean(1)).max() < 1e-9


def test_peaks_are_alike_unless_levels_are_kept():
    assert_close(np.abs(periods(SPECTRA)).max(1), [PEAK, PEAK], 1e-9)
    kept = np.abs(periods(SPECTRA, keep_levels=True)).max(1)
    assert kept[0] == pytest.approx(PEAK) and kept[1] < 0.15


@pytest.mark.parametrize("size", FRAME_SIZES)
def test_more_harmonics_than_a_period_holds_are_dropped_and_do_not_fold(size):
    highest = size // 2 - 1
    many = np.zeros((1, highest + 50))
    many[0, [0, highest - 1, highest + 1, -1]] = 1.0
    spectrum = np.abs(np.fft.rfft(periods(many, size)[0]))
    loud = np.flatnonzero(spectrum > 1e-6 * spectrum.max())
    assert loud.tolist() == [1, highest]


def test_silence_stays_silent():
    assert not periods(np.zeros((2, 3))).any()


def test_a_spectrum_that_stands_still_is_one_frame_and_a_straight_glide_two():
    still = np.tile(SPECTRA[0], (100, 1)) + 0.002 * np.random.default_rng(0).standard_normal((100, 4))
    assert len(choose(still, 256)) == 1
    way = np.linspace(0, 1, 101)[:, None]
    glide = (1 - way) * [1.0, 0.0, 0.0, 0.0] + way * [0.0, 1.0, 0.0, 0.0]
    assert choose(glide, 256).tolist() == [0, 100]


def test_the_frame_that_differs_most_comes_first_and_each_lies_near_the_table():
    spectra = np.tile([1.0, 0.0, 0.0], (90, 1))
    spectra[30:60] = [0.8, 0.3, 0.0]
    spectra[70] = [0.0, 0.0, 1.0]
    assert 70 in choose(spectra, 2)
    for error_db in (-10.0, -20.0, -40.0):
        moving = 1 + np.sin(np.linspace(0, 9, 200)[:, None] * [1.0, 2.1, 3.3, 4.2]) + np.arange(200)[:, None] // 80
        chosen = choose(moving, 256, error_db)
        assert len(chosen) < 200 and (np.diff(chosen) > 0).all()
        # Between two chosen frames each lies near one of a thousand places on the way from one to the other.
        share = np.linspace(0, 1, 1000)[:, None]
        off = [0.0]
        for a, b in itertools.pairwise(chosen):
            line = (1 - share) * moving[a] + share * moving[b]
            off += [np.linalg.norm(line - point, axis=1).min() for point in moving[a : b + 1]]
        assert max(off) <= 1.01 * 10 ** (error_db / 20) * np.linalg.norm(moving, axis=1).max()
    assert len(choose(moving, 5)) == 5


def read_wt(data: bytes) -> tuple[np.ndarray, int]:
    """The periods in a ``.wt``, full scale at ±1, and its flags: by the layout that Surge publishes."""
    assert data[:4] == b"vawt"
    size, count, flags = struct.unpack("<IHH", data[4:12])
    assert 2 <= size <= 4096 and size & (size - 1) == 0 and 1 <= count <= 512
    if not flags & 0x4:
        samples = np.frombuffer(data[12:], "<f4").astype(float)
    else:
        # Without the flag 8, whole numbers have the peak at 2**14.
        samples = np.frombuffer(data[12:], "<i2") / (2**15 if flags & 0x8 else 2**14)
    return samples.reshape(count, size), flags


@pytest.mark.parametrize(("bits", "wanted", "atol"), [(32, 0x0, 1e-7), (16, 0x4 | 0x8, 2e-5)])
@pytest.mark.parametrize("size", FRAME_SIZES)
def test_surges_own_format_holds_the_same_periods(size, bits, wanted, atol):
    waves = periods(SPECTRA, size)
    held, flags = read_wt(wt_bytes(waves, bits))
    assert flags == wanted
    assert_close(held, waves, atol)


def test_timbre_frames_are_the_periods_of_a_patch_that_holds_them(tmp_path):
    """One a knot of the tone, each with the spectrum that is stored there; fewer on demand."""
    dense = brightening()
    held = replace(dense, frames=compacted(dense.controls, dense.timebase))
    patch = replace(held, controls=controls_of(held.frames), provenance={"sound": "reed", "model": "frames"})
    knots = held.frames.voices[0].tone.times
    notes: list[str] = []
    waves = table(tmp_path, patch, on_note=notes.append)
    assert 1 < len(waves) <= len(knots)
    assert notes == [f"{len(waves)} periods of 2048 samples, the timbre frames that the patch holds"]
    spectrum = np.abs(np.fft.rfft(waves))[:, 1:7]
    stored = patch.controls.partial_amplitudes[0, :6, knots].T.numpy()
    apart = np.abs((spectrum / spectrum[:, :1])[:, None] - (stored / stored[:, :1])[None]).max(2)
    assert apart.min(1).max() < 1e-4 and (np.diff(apart.argmin(1)) > 0).all()
    assert len(table(tmp_path, patch, frames=1)) == 1
