"""Pictures: they show what is in the sound, at the right place, and stay small."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from ddsp_match.report import colours, pictures, png
from ddsp_match.report.figures import audible_difference
from tests.compare import assert_close


def decode(file: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Indices and palette of an indexed PNG whose rows are not filtered, read by the letter of the format."""
    assert file[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, {}
    while at < len(file):
        (length,) = struct.unpack(">I", file[at : at + 4])
        kind, body = file[at + 4 : at + 8], file[at + 8 : at + 8 + length]
        (check,) = struct.unpack(">I", file[at + 8 + length : at + 12 + length])
        assert check == zlib.crc32(kind + body)
        chunks[kind] = body
        at += 12 + length
    width, height, depth, colour = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, colour) == (8, 3)
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert not rows[:, 0].any()
    return rows[:, 1:], np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)


def sine(hz: float, amplitude: float, sample_rate: int = 16_000, seconds: float = 1.0) -> np.ndarray:
    """Samples of a sine."""
    time_s = np.arange(round(seconds * sample_rate)) / sample_rate
    return (amplitude * np.sin(2 * np.pi * hz * time_s)).astype(np.float32)


def row_of(hz: float, sample_rate: int) -> int:
    """The row of a frequency on the logarithmic axis."""
    low = pictures.lowest_hz(sample_rate)
    return int(np.log(hz / low) / np.log(sample_rate / 2 / low) * pictures.SPECTRUM_ROWS)


def test_png_gives_back_its_indices_and_palette() -> None:
    """What goes in comes out, in the order of the rows."""
    indices = np.arange(6, dtype=np.uint8).reshape(2, 3)
    seen, palette = decode(png.encode(indices, colours.sequential()))
    assert seen.tolist() == indices.tolist()
    assert palette.tolist() == colours.sequential().tolist()


@pytest.mark.parametrize("bad", [np.zeros((0, 4), np.uint8), np.zeros((2, 2)), np.zeros(4, np.uint8)])
def test_png_refuses_what_is_no_picture(bad: np.ndarray) -> None:
    """Empty, floating-point and one-dimensional arrays."""
    with pytest.raises(ValueError, match="non-empty 2-D uint8"):
        png.encode(bad, colours.sequential())


def test_louder_is_brighter_in_equal_steps() -> None:
    """Perceived lightness rises all along the table, and evenly: no step is five times the mean step."""
    linear = (colours.sequential() / 255.0) ** 2.2
    lightness = np.cbrt(linear @ [0.2126, 0.7152, 0.0722])
    smooth = np.convolve(lightness, np.ones(8) / 8, "valid")
    steps = np.diff(smooth)
    assert (steps > 0).all()
    assert steps.max() < 5 * steps.mean()


def test_the_difference_table_is_darkest_in_the_middle() -> None:
    """Where nothing differs the picture is dark, and the two sides have different hues."""
    brightness = colours.diverging().sum(1).astype(int)
    assert 118 <= brightness.argmin() <= 138
    low, high = colours.diverging()[[0, -1]].astype(int)
    assert low[2] > low[0] + 80
    assert high[0] > high[2] + 80


@pytest.mark.parametrize("sample_rate", [8_000, 16_000, 44_100, 48_000])
def test_a_sine_stands_at_its_frequency_and_level(sample_rate: int) -> None:
    """Amplitude 0.1 reads -20 dB, in the row of its frequency on both axes."""
    picture = pictures.spectrogram(sine(1_000, 0.1, sample_rate), sample_rate)
    middle = picture.db[:, picture.db.shape[1] // 2]
    assert middle.max() == pytest.approx(-20, abs=1.5)
    on_log = pictures.log_rows(picture.db, sample_rate)[:, picture.db.shape[1] // 2]
    assert abs(int(on_log.argmax()) - row_of(1_000, sample_rate)) <= 2
    on_linear = pictures.linear_rows(picture.db)[:, picture.db.shape[1] // 2]
    assert on_linear.argmax() == pytest.approx(1_000 / (sample_rate / 2) * pictures.SPECTRUM_ROWS, abs=1.5)


def test_a_louder_harmonic_is_brighter() -> None:
    """Of two partials of one sound the louder has the higher index and the lighter colour."""
    samples = sine(500, 0.4) + sine(2_000, 0.02)
    rows = pictures.log_rows(pictures.spectrogram(samples, 16_000).db, 16_000)
    indices, palette = decode(png.encode(pictures.shade(rows, -80, 0), colours.sequential()))
    column = indices[:, indices.shape[1] // 2][::-1]
    loud, soft = (column[row_of(hz, 16_000) - 3 : row_of(hz, 16_000) + 4].max() for hz in (500, 2_000))
    assert loud > soft + 50
    assert soft > column[row_of(5_000, 16_000)] + 50
    assert palette[loud].sum() > palette[soft].sum()


@pytest.mark.parametrize(("seconds", "onset_s"), [(2.0, 0.5), (2.0, 1.37), (95.0, 60.0)])
def test_an_onset_stands_at_its_time(seconds: float, onset_s: float) -> None:
    """Half of the level is reached within a window of where the sound begins, in long sounds too."""
    samples = sine(1_000, 0.5, 8_000, seconds)
    samples[: round(onset_s * 8_000)] = 0
    picture = pictures.spectrogram(samples, 8_000)
    bin_of_tone = round(1_000 / 4_000 * (picture.db.shape[0] - 1))
    column = int((picture.db[bin_of_tone] > -12).argmax())
    found_s = picture.first_s + (column + 0.5) / picture.db.shape[1] * (picture.last_s - picture.first_s)
    assert found_s == pytest.approx(
        onset_s, abs=0.03 + (picture.last_s - picture.first_s) / pictures.MAX_COLUMNS
    )


@pytest.mark.parametrize("seconds", [0.1, 1.0, 10.0, 130.0])
def test_no_sound_makes_a_picture_wide(seconds: float) -> None:
    """Columns stay within bounds and cover the whole sound."""
    samples = sine(300, 0.5, 8_000, seconds)
    picture = pictures.spectrogram(samples, 8_000)
    assert 1 <= picture.db.shape[1] <= pictures.MAX_COLUMNS
    assert picture.last_s >= seconds
    assert picture.last_s <= seconds * 1.02 + 0.01


def test_a_click_in_a_long_sound_is_not_lost_between_columns() -> None:
    """Columns of a sound of minutes average all of it."""
    for at in (20_000, 333_333, 2_222_222):
        samples = np.zeros(8_000 * 300, np.float32)
        samples[at] = 1.0
        picture = pictures.spectrogram(samples, 8_000)
        expected = at / 8_000 / picture.last_s * picture.db.shape[1] - 0.5
        assert picture.db.max(0).argmax() == pytest.approx(expected, abs=0.7)


def test_heat_maps_keep_levels_and_pool_power() -> None:
    """A short map is untouched; a long one holds the mean power, within bounds."""
    magnitudes = np.array([[1.0, 0.1], [0.01, 0.001]])
    picture = pictures.heat_map(magnitudes, 0.01)
    assert_close(picture.db, [[0, -20], [-40, -60]], 1e-9)
    assert (picture.first_s, picture.last_s) == (-0.005, pytest.approx(0.015))
    alternating = np.tile([1.0, 0.0], 4_096)[None].repeat(700, 0)
    long = pictures.heat_map(alternating, 0.01)
    assert long.db.shape[0] <= pictures.MAX_ROWS
    assert long.db.shape[1] <= pictures.MAX_COLUMNS
    assert_close(long.db, np.full(long.db.shape, 10 * np.log10(0.5)), 1e-6)


def test_pooling_a_remainder_is_still_a_mean() -> None:
    """The last, shorter group is divided by its own size."""
    pooled, size = pictures.pool(np.array([1.0, 3.0, 5.0, 7.0, 9.0]), 3)
    assert size == 2
    assert_close(pooled, [2, 6, 9], 1e-12)


def test_silence_has_a_finite_picture() -> None:
    """Nothing is shown as the floor, not as minus infinity."""
    db = pictures.spectrogram(np.zeros(4_000, np.float32), 8_000).db
    assert_close(db, np.full(db.shape, pictures.FLOOR_DB), 1e-3)
    assert not pictures.shade(db, -80, 0).any()


def test_a_difference_that_nobody_hears_is_dark() -> None:
    """Beside a part that is 70 dB louder, or in a moment that is 70 dB quieter, 20 dB too much leave no mark."""
    target = np.full((4, 3), -120.0)
    target[0] = [0.0, 0.0, -95.0]  # the loudest of each moment
    target[1, 0] = -20.0  # heard beside it
    target[2, 1] = -70.0  # masked by it
    match = target.copy()
    match[[1, 2, 0], [0, 1, 2]] += 20
    shown = audible_difference(target, match, 0.0)
    assert shown[1, 0] == pytest.approx(20)
    assert shown[2, 1] == shown[0, 2] == 0
    assert not shown[3].any()


def test_what_is_missing_shows_only_as_deep_as_it_could_be_heard() -> None:
    """Silence where the target has a faint partial counts down to what can be heard, not to the bottom of the scale."""
    target, match = np.array([[0.0], [-45.0]]), np.array([[0.0], [-160.0]])
    assert -30 < audible_difference(target, match, 0.0)[1, 0] < 0
