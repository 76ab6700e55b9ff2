"""Frames and samples."""

from __future__ import annotations

import pytest

from ddsp_match.core.timebase import Timebase
from tests.compare import assert_close


@pytest.mark.parametrize(
    ("sample_rate", "hop", "frame_rate"),
    [
        (8000, 80, 100.0),
        (16000, 160, 100.0),
        (22050, 220, 100.2273),
        (44100, 441, 100.0),
        (11025, 110, 100.2273),
    ],
)
def test_the_hop_is_the_whole_number_nearest_to_ten_milliseconds(
    sample_rate: int, hop: int, frame_rate: float
) -> None:
    timebase = Timebase.at(sample_rate)
    assert timebase.hop == hop
    assert_close(timebase.frame_rate, frame_rate, atol=1e-4)
    assert timebase.nyquist_hz == sample_rate / 2


@pytest.mark.parametrize(
    ("n_samples", "frames"), [(1, 1), (2, 2), (160, 2), (161, 2), (162, 3), (320, 3), (321, 3)]
)
def test_the_last_frame_lies_at_or_after_the_last_sample(n_samples: int, frames: int) -> None:
    timebase = Timebase.at(16000)
    assert timebase.frames(n_samples) == frames
    last = timebase.centre(frames - 1)
    assert last >= n_samples - 1 > last - timebase.hop


def test_frames_and_samples_invert_each_other() -> None:
    timebase = Timebase.at(44100)
    assert [timebase.frames(timebase.samples(n) + 1) for n in range(1, 50)] == list(range(1, 50))


def test_times_are_those_of_the_centres() -> None:
    timebase = Timebase.at(22050)
    assert_close(timebase.times(4), [0, 220 / 22050, 440 / 22050, 660 / 22050], atol=1e-12)
    assert [timebase.frame_at(seconds) for seconds in timebase.times(200)] == list(range(200))
    assert timebase.sample_at(0.5) == 11025
    assert timebase.frame_at(0.0149) == 1


@pytest.mark.parametrize(("sample_rate", "hop"), [(0, 160), (16000, 0), (-1, 1)])
def test_a_grid_needs_positive_numbers(sample_rate: int, hop: int) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        Timebase(sample_rate, hop)
