"""The fast network computes what the plain one does."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from ddsp_match.analysis.crepe_network import FRAMES_AT_ONCE, CrepeNetwork
from ddsp_match.analysis.crepe_plain import HOP, plain_activations
from ddsp_match.analysis.crepe_weights import load_weights
from ddsp_match.core.errors import ConfigError
from tests.compare import assert_close

SHARED = Path(__file__).parents[3] / "shared"


def tone(hz: float, seconds: float, harmonics: int = 5) -> torch.Tensor:
    t = torch.arange(round(16000 * seconds)) / 16000
    return sum(0.3 / k * torch.sin(2 * math.pi * k * hz * t) for k in range(1, harmonics + 1))


def sounds() -> dict[str, torch.Tensor]:
    noise = torch.randn(16000, generator=torch.Generator().manual_seed(1))
    return {
        "tone": tone(220.0, 0.4),
        "noise": 0.1 * noise[:5000],
        "tone in noise, quiet": 1e-3 * (tone(523.25, 0.3) + 0.2 * noise[:4800]),
        "silence in the middle": torch.cat((tone(110.0, 0.15), torch.zeros(2400), 0.1 * noise[:1600])),
        "rumble": 0.3 * torch.sin(2 * math.pi * 5 * torch.arange(4800) / 16000) + 0.02 * noise[:4800],
        "shorter than a frame": noise[:500],
        "one sample": torch.ones(1),
    }


@pytest.mark.parametrize(
    ("model", "name"),
    [*(("tiny", name) for name in sounds()), ("full", "silence in the middle"), ("full", "shorter than a frame")],
)
def test_activations_are_those_of_the_plain_network(model: str, name: str) -> None:
    weights, samples = load_weights(model), sounds()[name]
    fast = CrepeNetwork(weights).activations(samples)
    assert fast.shape == (1 + len(samples) // HOP, 360)
    assert_close(fast, plain_activations(samples, weights), atol=1e-5)


def test_a_long_sound_is_the_same_in_pieces_and_reports_its_progress() -> None:
    weights = load_weights("tiny")
    samples = tone(300.0, 0.01 * (2 * FRAMES_AT_ONCE + 7)) * torch.linspace(
        0, 1, 160 * (2 * FRAMES_AT_ONCE + 7)
    )
    done: list[tuple[int, int]] = []
    fast = CrepeNetwork(weights).activations(samples, lambda frames, total: done.append((frames, total)))
    assert_close(fast, plain_activations(samples, weights), atol=1e-5)
    assert len(done) == 3
    assert done[-1] == (len(fast), len(fast))


def test_running_twice_gives_the_same_bits() -> None:
    network = CrepeNetwork(load_weights("tiny"))
    first = network.activations(tone(220.0, 0.5))
    network.activations(tone(700.0, 1.0))
    assert torch.equal(network.activations(tone(220.0, 0.5)), first)


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"f0\.model.*'huge'.*full or tiny"):
        load_weights("huge")


@pytest.mark.skipif(not (SHARED / "reference").is_dir(), reason="no reference activations beside the checkout")
@pytest.mark.parametrize("model", ["tiny", "full"])
def test_activations_are_those_of_the_reference(model: str) -> None:
    import soundfile

    clip = "reed_acoustic_011-045-050"
    reference = np.load(SHARED / "reference" / "crepe_activations.npz")[f"{clip}.{model}"]
    samples, rate = soundfile.read(SHARED / "data" / "nsynth" / f"{clip}.wav", dtype="float32")
    assert rate == 16000
    fast = CrepeNetwork(load_weights(model)).activations(torch.from_numpy(samples))
    assert_close(fast, torch.from_numpy(reference), atol=1e-5)


def test_many_sounds_are_heard_as_each_alone() -> None:
    network = CrepeNetwork(load_weights("tiny"))
    alone = [network.activations(samples) for samples in sounds().values()]
    done: list[tuple[int, int]] = []
    together = network.activations_of(list(sounds().values()), progress=lambda *now: done.append(now))
    for one, other in zip(together, alone, strict=True):
        assert_close(one, other, 0.0)
    assert done[-1] == (sum(map(len, alone)), sum(map(len, alone)))


def test_frames_that_are_not_wanted_are_zero_and_change_no_other() -> None:
    network = CrepeNetwork(load_weights("tiny"))
    samples = [tone(300.0, 0.8), tone(200.0, 0.3), tone(500.0, 0.1)]
    all_of_them = [network.activations(x).numpy() for x in samples]
    wanted = [np.ones(len(rows), dtype=bool) for rows in all_of_them]
    wanted[0][10:30] = wanted[0][0] = wanted[0][-1] = False
    wanted[2][:] = False
    for rows, mask, full in zip(network.activations_of(samples, wanted), wanted, all_of_them, strict=True):
        assert_close(rows.numpy(), np.where(mask[:, None], full, 0.0), 2e-6)


@pytest.mark.parametrize(("most", "fewest", "highest"), [(30, 4, 20), (4096, 1, 1)])
def test_sounds_that_run_together_as_on_a_gpu_give_what_each_gives_alone(most: int, fewest: int, highest: int) -> None:
    weights, samples = load_weights("tiny"), list(sounds().values())
    alone = CrepeNetwork(weights).activations_of(samples)
    calls: list[tuple[int, int]] = []
    network = CrepeNetwork(weights, frames_together=most)
    together = network.activations_of(samples, progress=lambda *now: calls.append(now))
    assert fewest <= len(calls) <= highest
    for one, other in zip(together, alone, strict=True):
        assert_close(one, other, 2e-6)
