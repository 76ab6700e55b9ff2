"""The A-weighting curve against librosa's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ddsp_match.dsp.loudness_weighting import a_weighting_power
from tests.compare import assert_close


def test_a_weighting_is_librosa_s():
    librosa = pytest.importorskip("librosa")
    hz = np.array([31.5, 63, 125, 250, 500, 1000, 2000, 4000, 8000, 16000])
    db = 10 * torch.log10(a_weighting_power(torch.from_numpy(hz)))
    assert_close(db, librosa.A_weighting(hz), 0.02)
