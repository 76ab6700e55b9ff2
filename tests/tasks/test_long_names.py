"""A sound whose name leaves no room for what is written beside it is fitted all the same."""

from __future__ import annotations

import numpy as np
import soundfile

from ddsp_match.core.settings import FitSettings
from ddsp_match.tasks.fit import fit


def test_a_fit_of_a_sound_with_the_longest_name(tmp_path):
    sound = tmp_path / ("é" * 125 + ".wav")  # 254 bytes
    soundfile.write(sound, 0.2 * np.sin(2 * np.pi * 220 * np.arange(1600) / 8000), 8000)
    settings = FitSettings()
    settings.f0.source, settings.f0.hz, settings.optimizer.steps = "constant", 220.0, 2
    result = fit(sound, settings=settings, out=tmp_path / ("n" * 255))
    patches = list((tmp_path / ("n" * 255)).glob("é*.patch.safetensors"))
    assert len(patches) == 1 and result.name == "é" * 125
    assert sorted(path.name[0] for path in tmp_path.iterdir()) == ["n", "é"]
