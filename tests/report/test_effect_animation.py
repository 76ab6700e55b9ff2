"""The animation: a bounded, looping GIF whose curves are the sounds'."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from ddsp_match.report import animation
from ddsp_match.report.animation import Approach
from tests.compare import assert_close
from tests.report.effect_reports import plucks

RATE = 16_000


def approach(count: int = 30) -> Approach:
    """An output that grows from an eighth of the target to the target itself."""
    dry = plucks(1.0, RATE)
    wet = 2 * dry
    levels = np.linspace(0.125, 1.0, count) if count > 1 else [1.0]
    return Approach(dry, wet, [(i, float((1 - level) ** 2), level * wet) for i, level in enumerate(levels)])


def frames(gif: bytes) -> list[np.ndarray]:
    picture = Image.open(io.BytesIO(gif))
    made = []
    for index in range(picture.n_frames):
        picture.seek(index)
        made.append(np.asarray(picture.convert("RGB"), dtype=int))
    return made


@pytest.fixture(scope="module")
def film() -> animation.Animation:
    return animation.render(approach(), RATE)


def orange_rows(frame: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """Rows of every pixel of a plot in the colour of the output."""
    left, top, right, bottom = box
    return np.nonzero(frame[top:bottom, left:right, 0] - frame[top:bottom, left:right, 2] > 60)[0] + top


def test_it_loops_within_its_bounds(film: animation.Animation) -> None:
    picture = Image.open(io.BytesIO(film.gif))
    assert picture.info["loop"] == 0
    assert picture.size == (animation.WIDTH, animation.HEIGHT)
    assert 10 <= picture.n_frames <= animation.MAX_FRAMES
    assert len(film.gif) < animation.MAX_BYTES
    assert picture.info["duration"] > 0


def test_the_output_grows_into_the_target(film: animation.Animation) -> None:
    """The orange waveform spans little at first and nearly the whole plot in the end; the curve climbs 18 dB."""
    made = frames(film.gif)
    spans = [np.ptp(orange_rows(made[i], (54, 44, 626, 204))) for i in (0, -1)]
    assert spans[0] < 45
    assert spans[1] > 80
    levels = [np.median(orange_rows(made[i], (54, 232, 626, 374))) for i in (0, -1)]
    assert levels[0] > levels[1] + 20


def test_the_still_is_its_end(film: animation.Animation) -> None:
    still = np.asarray(Image.open(io.BytesIO(film.still)).convert("RGB"), dtype=int)
    assert_close(frames(film.gif)[-1], still, 0)


def test_too_large_a_film_loses_frames(film: animation.Animation) -> None:
    """Every second one is left out until it fits, never the last."""
    made = animation.render(approach(), RATE, max_bytes=len(film.gif) // 2)
    assert len(made.gif) <= len(film.gif) // 2
    assert_close(frames(made.gif)[-1], frames(film.gif)[-1], 0)


@pytest.mark.parametrize("wet_level", [0.0, 1.0])
def test_one_frame_and_silence_are_drawn(wet_level: float) -> None:
    one = approach(1)
    quiet = Approach(one.dry, wet_level * one.wet, [(0, 1.0, np.zeros_like(one.wet))])
    assert len(frames(animation.render(quiet, RATE).gif)) == 1


def test_the_waveform_is_taken_where_the_first_output_is_furthest_off() -> None:
    wet = plucks(1.0, RATE)
    first = wet.copy()
    first[:, 9_000:9_100] += 1.0
    window = animation._window(wet, first, RATE)
    assert window.start <= 9_000 and window.stop >= 9_100
