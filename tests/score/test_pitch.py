"""f0 against f0, by definition."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_match.score.pitch import f0_agreement

YES = np.ones(8, bool)
TARGET = np.full(8, 220.0)


def test_the_same_track_agrees():
    assert f0_agreement(TARGET, YES, TARGET, YES) == {
        "voicing_agreement": 1.0, "f0_l1_cents": 0.0, "octave_errors": 0.0
    }  # fmt: skip


def test_ten_cents_sharp_is_ten_cents():
    found = f0_agreement(TARGET, YES, TARGET * 2 ** (10 / 1200), YES)
    assert found["f0_l1_cents"] == pytest.approx(10) and found["octave_errors"] == 0


@pytest.mark.parametrize(
    ("cents", "is_one"),
    [(1200, True), (-1200, True), (2400, True), (1249, True), (1151, True), (1251, False), (1149, False), (49, False),
     (702, False), (600, False), (-49, False)],
)  # fmt: skip
def test_an_octave_error_is_near_a_whole_number_of_octaves_other_than_none(cents, is_one):
    match = TARGET.copy()
    match[:2] *= 2 ** (cents / 1200)
    assert f0_agreement(TARGET, YES, match, YES)["octave_errors"] == (0.25 if is_one else 0)


def test_only_frames_with_a_pitch_in_both_count():
    ours, theirs = YES.copy(), YES.copy()
    ours[:2] = False
    theirs[7] = False
    match = TARGET.copy()
    match[[0, 1, 7]] = 3000.0
    match[2] *= 2
    found = f0_agreement(TARGET, theirs, match, ours)
    assert found["voicing_agreement"] == 5 / 8
    assert found["octave_errors"] == pytest.approx(1 / 5) and found["f0_l1_cents"] == pytest.approx(1200 / 5)


def test_without_a_common_frame_only_the_voicing_is_known():
    assert f0_agreement(TARGET, YES, TARGET, ~YES) == {"voicing_agreement": 0.0}
    assert f0_agreement(TARGET, ~YES, TARGET, ~YES) == {"voicing_agreement": 1.0}
