"""The multi-resolution STFT loss against auraloss itself."""

from __future__ import annotations

import pytest
import torch

from ddsp_match.losses.spectral import SIZES_AT_16_KHZ, MultiResolutionSTFT, sizes_for
from tests.compare import assert_close


def pair(n: int = 12_000, batch: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(0)
    target = 0.1 * torch.randn(batch, n, generator=g) * torch.linspace(1, 1e-4, n)
    return target, 0.1 * torch.randn(batch, n, generator=g)


@pytest.mark.parametrize(
    "weights", [(1.0, 1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (1.0, 1.0, 1.0)]
)
@pytest.mark.parametrize("sizes", [list(SIZES_AT_16_KHZ), [1024, 192]])
def test_equal_to_auraloss(weights, sizes):
    freq = pytest.importorskip("auraloss.freq")
    linear, log, convergence = weights
    theirs = freq.MultiResolutionSTFTLoss(
        fft_sizes=sizes, hop_sizes=[s // 4 for s in sizes], win_lengths=sizes,
        w_sc=convergence, w_lin_mag=linear, w_log_mag=log,
    )  # fmt: skip
    target, match = pair()
    ours = MultiResolutionSTFT(target, sizes, linear=linear, log=log, convergence=convergence)
    gradients, values = [], []
    for loss in (lambda x: theirs(x.unsqueeze(1), target.unsqueeze(1)), ours):
        x = match.clone().requires_grad_()
        value = loss(x)
        value.backward()
        values.append(value)
        gradients.append(x.grad)
    assert_close(values[1], values[0], 1e-5)
    assert_close(gradients[1], gradients[0], 1e-5 * float(gradients[0].abs().max()))


def test_zero_for_the_target_itself():
    target, _ = pair()
    assert float(MultiResolutionSTFT(target, [256, 64], convergence=1.0)(target)) < 1e-6


@pytest.mark.parametrize("which", ["target", "match", "both"])
def test_finite_on_silence(which):
    target, match = pair()
    target = torch.zeros_like(target) if which != "match" else target
    x = (torch.zeros_like(match) if which != "target" else match).requires_grad_()
    value = MultiResolutionSTFT(target, [512, 64], convergence=1.0)(x)
    value.backward()
    assert torch.isfinite(value)
    assert bool(torch.isfinite(x.grad).all())
    if which != "both":
        assert float(value.detach()) > 0


def test_convergence_of_silence_is_taken_over_a_floor():
    match = 1e-4 * pair()[1] / 0.1  # -80 dB against nothing: auraloss says 14
    found = MultiResolutionSTFT(torch.zeros_like(match), [512], linear=0.0, log=0.0, convergence=1.0)(match)
    assert 0.5 < float(found) < 2


def test_a_sound_shorter_than_the_window():
    x = pair(n=300)[0]
    assert torch.isfinite(MultiResolutionSTFT(x, [2048])(0.5 * x))


def test_sizes_follow_the_rate():
    assert sizes_for(16000) == list(SIZES_AT_16_KHZ)
    assert sizes_for(48000) == [3 * s for s in SIZES_AT_16_KHZ]
    assert sizes_for(8000) == [s // 2 for s in SIZES_AT_16_KHZ]
    assert all(s % 4 == 0 for rate in (8000, 11025, 22050, 32000, 44100) for s in sizes_for(rate))


def test_any_number_of_threads_gives_the_same():
    target, match = pair()
    alone, shared = (MultiResolutionSTFT(target, list(SIZES_AT_16_KHZ), convergence=1.0, workers=n) for n in (1, 3))
    for one, other in zip(alone.terms(match), shared.terms(match), strict=True):
        assert_close(one, other, 0.0)


def test_compiled_and_in_tensors_it_is_the_same(monkeypatch):
    target, match = pair()
    compiled = MultiResolutionSTFT(target, list(SIZES_AT_16_KHZ), convergence=1.0).terms(match)
    monkeypatch.setattr("ddsp_match.losses.spectral.compilable", lambda _: False)
    tensors = MultiResolutionSTFT(target, list(SIZES_AT_16_KHZ), convergence=1.0).terms(match)
    assert_close(compiled[0] / tensors[0], torch.ones(1, 3), 3e-6)
    assert_close(compiled[1], tensors[1], 3e-6 * float(tensors[1].abs().max()))
