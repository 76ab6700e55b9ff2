import numpy as np

from ddsp_match.dsp.levels import levelled
from tests.compare import assert_close


def test_a_try_is_judged_whatever_its_level():
    goal, other = np.random.default_rng(0).standard_normal((2, 2, 500))
    other -= goal * np.vdot(goal, other) / np.vdot(goal, goal)
    tries = np.stack([-4 * goal, other, goal + other, 0 * goal])
    share = np.vdot(goal, goal) / (np.vdot(goal, goal) + np.vdot(other, other))
    levels, errors = levelled(tries, goal)
    assert_close(levels, np.array([-0.25, 0.0, share, 0.0]), 1e-12)
    assert_close(errors, np.array([0.0, 1.0, 1 - share, 1.0]), 1e-12)
