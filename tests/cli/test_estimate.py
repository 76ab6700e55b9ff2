"""What a fit costs, from the length of the sound."""

from __future__ import annotations

import numpy as np
import soundfile

from ddsp_match import cli
from ddsp_match.core.audio.headers import Header
from ddsp_match.tasks.estimate import fit_cost


def test_time_and_memory_grow_with_length_channels_and_steps():
    ten, hundred = Header(44_100, 1, 441_000), Header(44_100, 1, 4_410_000)
    assert 10 < fit_cost(ten, 60)[0] < 30 and 90 < fit_cost(hundred, 60)[0] < 200
    assert 1.5 < fit_cost(hundred, 60)[1] < 3
    assert fit_cost(hundred, 15)[0] < fit_cost(hundred, 60)[0] < fit_cost(Header(44_100, 2, 4_410_000), 60)[0]


def test_a_long_fit_is_announced_and_a_short_one_is_not(fake_fit, capsys):
    soundfile.write("long.wav", np.zeros(100 * 8000), 8000)
    assert cli.main(["fit", "long.wav", "quality=best"]) == 0
    assert "100 s of sound: about 2 min and 1.1 GB of memory; quality=draft" in capsys.readouterr().err
    soundfile.write("short.wav", np.zeros(8000), 8000)
    assert cli.main(["fit", "short.wav"]) == 0
    assert cli.main(["fit", "long.wav", "quality=best", "-q", "-o", "quiet"]) == 0
    assert "of memory" not in capsys.readouterr().err
