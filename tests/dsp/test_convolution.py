"""Convolution against the sum that defines it, and spectra between the lines against the sum of theirs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from ddsp_match.dsp.convolution import convolve, spectrum_at
from ddsp_match.effects.partitioned import PARTITION, PartitionedConvolution
from tests.compare import assert_close


def test_convolution_is_the_sum():
    rng = np.random.default_rng(0)
    audio, ir = rng.standard_normal((1, 2, 300)), rng.standard_normal((3, 1, 500))
    out = convolve(torch.from_numpy(audio), torch.from_numpy(ir))
    wanted = [[np.convolve(channel, row[0])[:300] for channel in audio[0]] for row in ir]
    assert_close(out, wanted, 1e-11)


@pytest.mark.parametrize("taps", [1, 2, 77, 3000])
def test_spectrum_at_any_frequency(taps):
    rng = np.random.default_rng(1)
    ir = rng.standard_normal((2, taps))
    hz = np.concatenate([[0.0, 12_000.0, 11_999.9], rng.uniform(0, 12_000, 40)])
    exact = ir @ np.exp(-2j * np.pi * np.arange(taps)[:, None] * hz / 24_000)
    expected = spectrum_at(torch.from_numpy(ir), torch.from_numpy(hz), 24_000)
    scale = np.abs(ir).sum()
    assert_close(expected / scale, exact / scale, 1e-9)


def test_spectrum_passes_gradients():
    ir = torch.randn(1, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    hz = torch.tensor([10.0, 3000.0], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: torch.view_as_real(spectrum_at(x, hz, 24_000)), ir)


@pytest.mark.parametrize("taps", [1, 5, PARTITION, PARTITION + 1, 3 * PARTITION + 17])
@pytest.mark.parametrize("block", [1, 7, 64, PARTITION, 5000])
def test_partitions_are_the_whole(taps, block):
    rng = np.random.default_rng(2)
    n = 1500 if block < 64 else 6000
    audio, ir = rng.standard_normal((2, n)), rng.standard_normal((2, taps))
    stream = PartitionedConvolution(ir, 2, 0.5)
    blocks = [stream(audio[:, first : first + block]) for first in range(0, n, block)]
    wanted = np.stack([np.convolve(x, h)[:n] for x, h in zip(audio, ir, strict=True)]) + 0.5 * audio
    assert_close(np.concatenate(blocks, axis=1), wanted, 1e-10)


def test_blocks_of_changing_length():
    rng = np.random.default_rng(3)
    audio, ir = rng.standard_normal((1, 7000)), rng.standard_normal((1, 2500))
    stream = PartitionedConvolution(ir, 1)
    cuts = [0, 1, 600, 601, 3000, 3064, 7000]
    blocks = [stream(audio[:, a:b]) for a, b in itertools.pairwise(cuts)]
    assert_close(np.concatenate(blocks, axis=1)[0], np.convolve(audio[0], ir[0])[:7000], 1e-10)
