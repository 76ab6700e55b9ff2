"""White noise for sounds that are worked on together: each draws as if alone."""

from __future__ import annotations

import pytest
import torch

from ddsp_match.dsp.noise import _inner, _scaled, white_noise
from tests.compare import assert_close


def test_each_signal_draws_from_the_stream_it_is_told():
    # A stereo sound and two mono ones.
    together = white_noise(4, 500, 7, [0, 1, 0, 0])
    assert_close(together[:2], white_noise(2, 500, 7), 0.0)
    assert float((together[0] - together[1]).abs().max()) > 0.1
    assert_close(together[2:3], white_noise(1, 500, 7), 0.0)
    assert_close(together[3:], white_noise(1, 500, 7), 0.0)
    assert_close(white_noise(2, 500, 7, range(2)), white_noise(2, 500, 7), 0.0)


def test_too_few_streams_are_refused():
    with pytest.raises(ValueError, match="1 streams do not match 2 signals"):
        white_noise(2, 10, 0, [0])


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_products_of_spectra(dtype):
    g = torch.Generator().manual_seed(0)
    residual, right = torch.randn(2, 2, 5, 9, dtype=dtype, generator=g)
    gain = residual.real + 1
    assert_close(_scaled(residual, gain), residual * gain, 1e-6)
    assert_close(_inner(residual, right), (residual * right.conj()).real, 1e-6)
