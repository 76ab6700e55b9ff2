"""What is measured from a pair: against closed forms and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from ddsp_match.report import effect_measures as measures
from tests.compare import assert_close

RATE = 16_000


def noise(n: int = 4 * RATE, channels: int = 1, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((channels, n))


def test_a_transfer_function_is_that_of_scipy() -> None:
    """Bands of a single bin hold |csd / welch| and the coherence that scipy gives."""
    x = noise()
    y = signal.lfilter([1, 0.5, -0.3], [1], x) + 0.5 * noise(seed=1)
    made = measures.transfer(x, y, RATE)
    size = 2048
    settings = {"fs": RATE, "nperseg": size, "detrend": False}
    hz, s_xy = signal.csd(x[0], y[0], **settings)
    _, s_xx = signal.welch(x[0], **settings)
    _, coherence = signal.coherence(x[0], y[0], **settings)
    single = np.flatnonzero(np.isclose(np.diff(made.edges_hz), RATE / size))
    bins = np.round((made.edges_hz[single] + made.edges_hz[single + 1]) / 2 * size / RATE).astype(int)
    assert len(bins) > 20
    assert_close(made.gain_db[single], 20 * np.log10(np.abs(s_xy / s_xx))[bins], 1e-9)
    assert_close(made.coherence[single], coherence[bins], 1e-9)
    assert hz[1] == pytest.approx(RATE / size)


@pytest.mark.parametrize("channels", [1, 2])
def test_a_filter_is_measured_where_it_is_alone(channels: int) -> None:
    """Without noise the magnitude is the filter's, and the coherence is 1."""
    x = noise(channels=channels)
    y = signal.lfilter([0.6, 0.4], [1], x)
    made = measures.transfer(x, y, RATE)
    _, true = signal.freqz([0.6, 0.4], [1], made.hz, fs=RATE)
    inner = made.hz < 7_000
    assert_close(made.gain_db[inner], 20 * np.log10(np.abs(true))[inner], 0.1)
    assert made.coherence[inner].min() > 0.999
    assert made.spread_db[inner].max() < 0.1


def test_noise_lowers_the_coherence_and_the_spread_tells_how_far_the_gain_is_off() -> None:
    """As much noise as sound: coherence one half, and the standard error is that of the deviations."""
    x = noise(20 * RATE)
    made = measures.transfer(x, x + noise(20 * RATE, seed=3), RATE)
    assert float(np.mean(made.coherence)) == pytest.approx(0.5, abs=0.03)
    for bands in (np.diff(made.edges_hz) < 10, np.diff(made.edges_hz) > 50):
        assert bands.sum() > 20
        ratio = made.gain_db[bands] / made.spread_db[bands]
        assert 0.7 < float(np.sqrt(np.mean(ratio**2))) < 1.5


def test_bands_without_energy_are_not_guessed() -> None:
    """A band-limited input leaves the rest of the axis empty."""
    x = np.sin(2 * np.pi * 1_000 * np.arange(RATE) / RATE)[None]
    made = measures.transfer(x, 2 * x, RATE)
    heard = np.isfinite(made.gain_db)
    assert 0 < heard.sum() < len(heard) / 2
    assert_close(made.gain_db[heard], np.full(int(heard.sum()), 6.0206), 1e-3)


def test_a_response_in_bands_is_a_mean_of_power() -> None:
    """A comb finer than a band gives the mean of its squares; a smooth curve stays as it is."""
    made = measures.transfer(noise(), noise(), RATE)
    hz = np.geomspace(20, 7_990, 100_000)
    comb_db = 10 * np.log10(np.abs(1 + 0.5 * np.exp(-2j * np.pi * hz * 0.5)) ** 2)
    wide = np.diff(made.edges_hz) > 100
    assert wide.sum() > 10
    assert_close(measures.in_bands(hz, comb_db, made)[wide], np.full(int(wide.sum()), 10 * np.log10(1.25)), 0.1)
    sparse_hz = np.array([20.0, 8_000.0])
    assert_close(measures.in_bands(sparse_hz, np.array([3.0, 3.0]), made), np.full(len(made.hz), 3.0), 1e-12)


def test_a_waveshape_is_its_curve() -> None:
    """The medians lie on tanh, the percentiles on both sides of it where there is noise, and 0 dB is the densest."""
    x = 0.5 * noise()
    exact = measures.waveshape(x, np.tanh(2 * x), 1.0, 1.2)
    assert_close(exact.middle, np.tanh(2 * exact.x), 0.02)
    assert exact.density_db.max() == 0
    rows, columns = np.nonzero(exact.density_db > -40)
    at_x = 2 * (columns + 0.5) / measures.SHAPE_CELLS - 1
    at_y = 1.2 * (2 * (rows + 0.5) / measures.SHAPE_CELLS - 1)
    assert len(at_x) > 100
    assert np.abs(at_y - np.tanh(2 * at_x)).max() < 0.03
    loose = measures.waveshape(x, np.tanh(2 * x) + 0.1 * noise(seed=5), 1.0, 1.2)
    middle = np.abs(loose.x) < 0.5
    assert_close(loose.high[middle] - loose.low[middle], np.full(int(middle.sum()), 0.256), 0.05)


def test_a_waveshape_leaves_out_what_hardly_occurs() -> None:
    """Inputs that were never there have no median."""
    x = 0.1 * np.sin(np.arange(RATE) / 7)[None]
    made = measures.waveshape(x, x, 1.0, 1.0)
    assert np.isnan(made.middle[np.abs(made.x) > 0.15]).all()
    assert np.isfinite(made.middle[np.abs(made.x) < 0.08]).all()


def test_one_click_does_not_set_the_axes() -> None:
    sound = 0.1 * np.sin(np.arange(8 * RATE) / 7)[None]
    sound[0, 1_000] = 1.0
    assert measures.limits(sound) == pytest.approx(0.105, abs=0.001)
    assert measures.limits(np.zeros((1, 100))) == 1.0


def test_gain_over_time_follows_a_step() -> None:
    """6 dB more from the middle on, in both channels together; a faint input has no gain."""
    x = noise(RATE, channels=2)
    x[:, : RATE // 4] *= 1e-4
    steps = np.where(np.arange(RATE) < RATE // 2, 1.0, 2.0)
    made = measures.gain_over_time(x, [steps * x, -0.5 * x], RATE)
    assert np.isnan(made.gain_db[:, made.time_s < 0.24]).all()
    early, late = (made.time_s > 0.26) & (made.time_s < 0.49), made.time_s > 0.51
    assert_close(made.gain_db[0, early], np.zeros(int(early.sum())), 1e-9)
    assert_close(made.gain_db[0, late], np.full(int(late.sum()), 6.0206), 1e-3)
    assert_close(made.gain_db[1, late], np.full(int(late.sum()), -6.0206), 1e-3)
    long = measures.gain_over_time(noise(60 * RATE), [noise(60 * RATE)], RATE)
    assert len(long.time_s) <= 800
