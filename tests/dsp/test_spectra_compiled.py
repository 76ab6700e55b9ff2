"""The compiled distance against the tensor operations, which `test_spectra` holds against autograd."""

from __future__ import annotations

import math
import subprocess
import sys
import textwrap

import pytest
import torch

from ddsp_match.dsp.rows import Rows
from ddsp_match.dsp.spectra import OVERLAP, TargetSpectra, magnitude_distance
from ddsp_match.dsp.spectra_compiled import STRETCH, CompiledTarget, compilable, compiled_distance
from tests.compare import assert_close

WEIGHTS = [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.7, 1.3, 0.4)]
OWNERS, LENGTHS = (0, 1, 1, 2, 3), (3000, 1700, 900, 20, 33)


def pair(rows: int = 2, n: int = 3000) -> tuple[torch.Tensor, torch.Tensor]:
    """A match and a target that fades to the floor."""
    g = torch.Generator().manual_seed(0)
    match, target = 0.1 * torch.randn(2, rows, n, generator=g)
    return match, target * torch.logspace(0, -7, n)


def both(match: torch.Tensor, target: torch.Tensor, size: int, rows: Rows, weights=(0.7, 1.3, 0.4)):
    """Distances and gradient by compiled loops, and by tensors.

    The distances of the latter in float64; the gradient not, because that of a faint bin's logarithm is mostly a
    matter of the FFT's own rounding.
    """
    exact, _ = magnitude_distance(match.double(), TargetSpectra.of(target.double(), size, rows), weights)
    _, slope = magnitude_distance(match, TargetSpectra.of(target, size, rows), weights)
    return compiled_distance(match, CompiledTarget.of(target, size, rows), weights), (exact, slope)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("size", [2048, 192, 64])
def test_equal_to_tensors(size, weights):
    match, target = pair()
    (distances, gradient), (expected, slope) = both(match, target, size, Rows(*match.shape), weights)
    assert_close(distances / expected, torch.ones(1, 3), 1e-6)
    assert_close(gradient, slope, 2e-6 * float(slope.abs().max()))


@pytest.mark.parametrize("weights", WEIGHTS)
def test_equal_to_tensors_for_sounds_of_several_lengths(weights):
    match, target = pair(5)
    match[1, 1700:] = math.nan  # nothing heeds what lies behind the end
    rows = Rows(*match.shape, OWNERS, LENGTHS)
    (distances, gradient), (expected, slope) = both(match, target, 64, rows, weights)
    assert_close(distances / expected, torch.ones(4, 3), 1e-6)
    assert_close(gradient, slope, 2e-6 * float(slope.abs().max()))


def test_stretches_of_a_long_sound_join_without_a_seam():
    match, target = pair(1, 3 * STRETCH // OVERLAP)
    (distances, gradient), (expected, slope) = both(match, target, 64, Rows(*match.shape))
    assert_close(distances / expected, torch.ones(1, 3), 1e-6)
    assert_close(gradient, slope, 2e-6 * float(slope.abs().max()))


@pytest.mark.parametrize("gain", [1e-12, 1e-3, 1e3, 1e9])
def test_logarithms_hold_at_any_level(gain):
    match, target = pair()
    (distances, _), (expected, _) = both(gain * match, target, 256, Rows(*match.shape), (0.0, 1.0, 0.0))
    assert_close(distances / expected, torch.ones(1, 3), 1e-6)


def test_silence_has_no_gradient():
    _, target = pair()
    reference = CompiledTarget.of(target, 64, Rows(*target.shape))
    distances, gradient = compiled_distance(torch.zeros_like(target), reference, (1.0, 1.0, 1.0))
    assert bool(torch.isfinite(distances).all())
    assert_close(gradient, torch.zeros_like(target), 0.0)


def test_the_target_itself_is_at_no_distance():
    _, target = pair()
    rows = Rows(*target.shape)
    distances, _ = compiled_distance(target, CompiledTarget.of(target, 64, rows), (1.0, 1.0, 1.0))
    assert_close(distances, torch.zeros(1, 3), 1e-7)


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e30])
@pytest.mark.parametrize("weights", WEIGHTS)
def test_a_sound_that_is_not_finite_is_told_and_spoils_no_other(bad, weights):
    match, target = pair()
    match[1, 1000] = bad
    together = CompiledTarget.of(target, 64, Rows(2, 3000, owners=[0, 1]))
    distances, gradient = compiled_distance(match, together, weights)
    alone = compiled_distance(match[:1], CompiledTarget.of(target[:1], 64, Rows(1, 3000)), weights)
    assert_close(distances[:1], alone[0], 0.0)
    assert_close(gradient[:1], alone[1], 0.0)
    assert not torch.isfinite(distances[1]).any()


def test_only_float32_on_the_cpu_is_compiled():
    x = torch.zeros(1, 10)
    assert compilable(x)
    assert not compilable(x.double())
    assert not compilable(x.to("meta"))


def test_without_a_folder_to_compile_into_tensors_serve():
    # numba refuses to compile where it may not write; no user of a test can be kept from writing.
    code = """
        import numba, torch
        def refuse(*_, **__): raise RuntimeError("cannot cache function 'framed': no locator available")
        numba.njit = refuse
        from ddsp_match.dsp.spectra_compiled import compilable
        assert not compilable(torch.zeros(1, 10))
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


def test_sums_over_long_sounds_are_exact():
    match, target = torch.full((1, 200_000), 0.5), torch.zeros(1, 200_000)
    (distances, _), (expected, _) = both(match, target, 64, Rows(1, 200_000))
    assert_close(distances / expected, torch.ones(1, 3), 1e-6)
