"""The matrices are the Fourier transform."""

from __future__ import annotations

import pytest
import torch

from ddsp_match.dsp.real_dft import analysis_matrix, synthesis_matrix
from tests.compare import assert_close


@pytest.mark.parametrize(("length", "size"), [(8, 16), (16, 16), (5, 9), (128, 160)])
def test_matrices_agree_with_the_fft(length: int, size: int) -> None:
    x = torch.randn(length, generator=torch.Generator().manual_seed(0))
    spectrum = analysis_matrix(length, size) @ x
    expected = torch.fft.rfft(x, size)
    assert_close(torch.view_as_complex(spectrum.view(-1, 2)), expected, atol=2e-5)
    assert_close(synthesis_matrix(length, size) @ spectrum, x, atol=2e-6)


def test_a_sequence_may_start_before_time_zero() -> None:
    x = torch.tensor([1.0, 2.0, 3.0])
    circular = torch.tensor([2.0, 3.0, 0, 0, 0, 0, 0, 1.0])
    expected = torch.view_as_real(torch.fft.rfft(circular)).flatten()
    assert_close(analysis_matrix(3, 8, first=-1) @ x, expected, atol=1e-6)
