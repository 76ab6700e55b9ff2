"""The choice of a device, what memory it has to give, and that a step of a fit stays on it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from ddsp_match.analysis.crepe_network import CrepeNetwork
from ddsp_match.analysis.crepe_weights import load_weights
from ddsp_match.core.controls import Controls
from ddsp_match.core.device import Backends, device_of, has_float64, memory_free
from ddsp_match.core.errors import ConfigError
from ddsp_match.core.free_memory import free_bytes
from ddsp_match.core.timebase import Timebase
from ddsp_match.dsp.harmonics import running_phase
from ddsp_match.dsp.noise import white_noise
from ddsp_match.models.exact import ExactModel
from ddsp_match.synth.harmonic_noise import HarmonicNoiseSynth, play
from tests.compare import assert_close
from tests.one_device import OneDevice

TIMEBASE = Timebase.at(16000)
N, PARTIALS, BANDS = 2401, 7, 129
CPU, META = torch.device("cpu"), torch.device("meta")
CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device; try: a machine with an NVIDIA GPU")


def machine(cuda: bool = False, mps: bool = False, cuda_built: bool = True, mps_built: bool = True) -> Backends:
    return Backends(cuda, mps, cuda_built, mps_built)


def test_auto_takes_the_best_there_is():
    assert device_of("auto", machine()) == CPU
    assert device_of("auto", machine(mps=True)).type == "mps"
    assert device_of("auto", machine(mps=True, cuda=True)).type == "cuda"
    assert device_of("cpu", machine(cuda=True)) == CPU


@pytest.mark.parametrize(
    ("name", "built", "words"),
    [
        ("cuda", False, r"built without CUDA; needed: .*; try: device=auto, or install the CUDA"),
        ("cuda", True, r"device=cuda: found no CUDA device; needed: .*driver.*; try: device=auto"),
        ("mps", False, r"device=mps: .*built without MPS.*Apple silicon.*device=auto"),
        ("mps", True, r"device=mps: .*found no MPS device.*Apple silicon.*device=auto"),
    ],
)
def test_a_device_that_is_not_there_is_refused(name, built, words):
    with pytest.raises(ConfigError, match=words):
        device_of(name, machine(cuda_built=built, mps_built=built))


def test_this_machine_has_what_its_torch_was_built_for():
    here = Backends.here()
    assert (here.cuda_built or not here.cuda) and (here.mps_built or not here.mps)
    assert device_of("auto") == device_of("auto", here)


def test_an_unknown_device_is_refused():
    with pytest.raises(ConfigError, match="auto, cpu, cuda or mps"):
        device_of("tpu")


def test_doubles_everywhere_but_on_mps():
    assert has_float64(CPU) and has_float64(torch.device("cuda")) and not has_float64(torch.device("mps"))


def test_free_memory_is_shared_among_workers():
    alone = memory_free(CPU)
    assert 2**26 < alone < 2**46
    assert memory_free(CPU, 4) == pytest.approx(alone / 4, rel=0.2)


def group(folder: Path, limit: str, used: int, cache: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon {used - cache}\ninactive_file {cache}\n")


def membership(folder: Path, *lines: str) -> Path:
    path = folder / "cgroup"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_control_groups_limit_what_is_free(tmp_path):
    # A container inside a Slurm job: the innermost group has no limit, the ones around it do.
    group(tmp_path / "job" / "step", "max", 70_000_000, 0)
    group(tmp_path / "job", "90000000", 80_000_000, 30_000_000)
    group(tmp_path / "elsewhere", "1000", 999, 0)
    own = membership(tmp_path, "1:cpu:/", "0::/job/step")
    assert free_bytes(tmp_path, own) == 40_000_000
    (tmp_path / "job" / "memory.current").write_text("130000000\n")
    assert free_bytes(tmp_path, own) == 0


def test_the_older_kind_of_control_group_limits_too(tmp_path):
    folder = tmp_path / "memory" / "box"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.limit_in_bytes").write_text("50000000\n")
    (folder / "memory.usage_in_bytes").write_text("20000000\n")
    (folder / "memory.stat").write_text("total_inactive_file 1000000\n")
    assert free_bytes(tmp_path, membership(tmp_path, "4:memory,hugetlb:/box")) == 31_000_000


def controls_on(device: torch.device, batch: int = 3, phases: bool = True) -> Controls:
    g = torch.Generator().manual_seed(0)
    frames = TIMEBASE.frames(N)
    shares = 0.05 + torch.rand(batch, PARTIALS, frames, generator=g)
    return Controls(
        (150 + 200 * torch.rand(batch, 1, generator=g) + torch.linspace(0, 20, frames)).to(device),
        0.3 * torch.rand(batch, frames, generator=g).to(device),
        (shares / shares.sum(1, keepdim=True)).to(device),
        0.01 * torch.rand(batch, BANDS, frames, generator=g).to(device),
        6.28 * torch.rand(batch, PARTIALS, frames, generator=g).to(device) if phases else None,
    )


def step(device: torch.device, shared: bool, phases: bool = True) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """One rendering and its gradients."""
    with OneDevice(copies=True):
        controls = controls_on(device, phases=phases)
        phase = running_phase(controls.f0_hz[: 1 if shared else None], TIMEBASE.hop, TIMEBASE.sample_rate, N)
        noise = white_noise(3, N, 0).to(device)
        synth = HarmonicNoiseSynth(controls.f0_hz, TIMEBASE, N, PARTIALS, noise, BANDS, phase)
        source = ExactModel(controls, TIMEBASE.nyquist_hz)
        weight = torch.linspace(-1, 1, N).repeat(3, 1).to(device)
    with OneDevice():
        heard = synth(source()).mix
        heard.backward(weight)
        synth.adjoint(weight)
    return heard.detach(), [p.grad for p in source.parameters()]


@pytest.mark.parametrize("phases", [True, False])
@pytest.mark.parametrize("shared", [True, False])
def test_a_step_stays_on_its_device(shared, phases):
    heard, gradients = step(META, shared, phases)
    assert {t.device for t in (heard, *gradients)} == {META}
    assert heard.shape == (3, N)


def test_playing_stays_on_its_device():
    # The host reads one scalar: if the signals share their f0.
    with OneDevice(copies=True, answer=False):
        stems = play(controls_on(META), TIMEBASE, N, 0, chunk_s=0.05)
    assert stems.mix.device == META


def test_the_pitch_network_stays_on_its_device():
    network = CrepeNetwork(load_weights("tiny"), META)
    with OneDevice(), torch.inference_mode():
        rows = network._chunk(torch.zeros(1024 + 9 * 160, device=META), 10)
    assert rows.device == META and rows.shape == (10, 360)


def test_a_stray_tensor_would_be_seen():
    on_device = torch.zeros(4, 5, device=META)
    with OneDevice(), pytest.raises(AssertionError, match=r"index_select on \['cpu', 'meta'\]"):
        on_device.index_select(1, torch.arange(2))
    with OneDevice(), pytest.raises(AssertionError, match="_to_copy"):
        torch.arange(5).to(META)


@CUDA
@pytest.mark.parametrize("shared", [True, False])
def test_a_step_on_cuda_equals_one_on_the_cpu(shared):
    here, there = step(CPU, shared), step(torch.device("cuda"), shared)
    assert_close(there[0], here[0], 1e-5)
    for one, other in zip(there[1], here[1], strict=True):
        assert_close(one, other, 1e-4 * float(other.abs().max()))


@CUDA
def test_the_pitch_network_on_cuda_equals_that_on_the_cpu():
    time_s = torch.arange(16000) / 16000
    sounds = [0.3 * torch.sin(2 * math.pi * hz * time_s) + 0.01 * torch.randn(16000) for hz in (110, 440, 1234)]
    weights = load_weights("full")
    here = CrepeNetwork(weights).activations_of(sounds)
    there = CrepeNetwork(weights, torch.device("cuda")).activations_of(sounds)
    for one, other in zip(there, here, strict=True):
        assert_close(one, other, 1e-4)


@CUDA
def test_cuda_tells_its_free_memory():
    assert 2**26 < memory_free(torch.device("cuda")) <= torch.cuda.get_device_properties(0).total_memory
