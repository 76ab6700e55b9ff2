"""Cores, GPUs and what workers are told of them."""

from __future__ import annotations

import os
import subprocess

import pytest

from ddsp_match.runs.engines import machine


@pytest.fixture
def eight_cores(monkeypatch, tmp_path):
    """A machine of eight cores without quotas; returns its folder of cgroups."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(machine, "_OWN_CGROUPS", tmp_path / "own")
    monkeypatch.setattr(machine, "_CGROUPS", tmp_path / "cgroup")
    (tmp_path / "cgroup").mkdir()
    return tmp_path


def no_tool(*_, **__):
    raise FileNotFoundError("nvidia-smi")


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(machine, "_counted_gpus", lambda: 0)


def test_cores_are_those_this_process_may_use(eight_cores):
    assert machine.cores() == 8


@pytest.mark.parametrize(("quota", "expected"), [("350000 100000", 3), ("50000 100000", 1), ("max 100000", 8)])
def test_a_containers_quota_counts(eight_cores, quota, expected):
    (eight_cores / "own").write_text("0::/system/job\n")
    (eight_cores / "cgroup" / "system" / "job").mkdir(parents=True)
    (eight_cores / "cgroup" / "system" / "cpu.max").write_text(quota)  # the parent's
    assert machine.cores() == expected


def test_the_quota_of_old_cgroups_counts(eight_cores):
    (eight_cores / "own").write_text("5:memory:/\n4:cpu,cpuacct:/job\n")
    folder = eight_cores / "cgroup" / "cpu" / "job"
    folder.mkdir(parents=True)
    (folder / "cpu.cfs_quota_us").write_text("200000\n")
    (folder / "cpu.cfs_period_us").write_text("100000\n")
    assert machine.cores() == 2


@pytest.mark.parametrize(
    ("value", "expected"),
    [("", []), ("-1", []), ("0,2", ["0", "2"]), ("1, 3,-1,4", ["1", "3"]), ("GPU-abc,MIG-def", ["GPU-abc", "MIG-def"])],
)
def test_visible_gpus_are_named_as_cuda_reads_them(monkeypatch, value, expected):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert machine.gpus() == expected


def test_gpus_are_counted_by_the_drivers_tool(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    listed = "GPU 0: NVIDIA H200 (UUID: GPU-1)\n  MIG 1g: (UUID: MIG-2)\nGPU 1: NVIDIA H200 (UUID: GPU-3)\n"
    monkeypatch.setattr(
        machine.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, stdout=listed, stderr="")
    )
    assert machine.gpus() == ["0", "1"]


def test_without_the_tool_and_without_a_driver_there_is_no_gpu(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(machine.subprocess, "run", no_tool)
    monkeypatch.setattr(machine, "Path", lambda _: tmp_path)
    assert machine.gpus() == []
    for name in ("nvidia0", "nvidia3", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    assert machine.gpus() == ["0", "1"]


@pytest.mark.parametrize(("device", "expected"), [("cpu", 8), ("cuda", 1), ("mps", 1)])
def test_workers_without_a_gpu(eight_cores, no_gpu, device, expected):
    assert machine.worker_count(None, device) == expected
    assert machine.worker_count(5, device) == 5


def test_workers_with_gpus(eight_cores, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2")
    assert machine.worker_count(None, "cuda") == machine.worker_count(None, "auto") == 3
    assert machine.worker_count(None, "cpu") == 8
    assert machine.on_gpus("auto") and not machine.on_gpus("cpu")


@pytest.mark.parametrize(("system", "processor", "expected"), [("Darwin", "arm64", 1), ("Linux", "aarch64", 8)])
def test_auto_without_cuda(eight_cores, no_gpu, monkeypatch, system, processor, expected):
    monkeypatch.setattr(machine.platform, "system", lambda: system)
    monkeypatch.setattr(machine.platform, "machine", lambda: processor)
    assert machine.worker_count(None, "auto") == expected


def test_workers_share_the_cores(eight_cores):
    assert [machine.threads_each(None, workers) for workers in (1, 3, 8, 64)] == [8, 2, 1, 1]
    assert machine.threads_each(5, 64) == 5


def test_every_numeric_library_is_told():
    told = machine.thread_environment(3)
    assert {told[name] for name in machine.THREAD_VARIABLES} == {"3"}
    assert told["OMP_WAIT_POLICY"] == "PASSIVE"


def test_memory_bounds_the_workers(eight_cores, monkeypatch):
    monkeypatch.setattr(machine, "free_bytes", lambda: 3 * machine.WORKER_BYTES + 1)
    assert machine.worker_count(None, "cpu") == 3
    assert machine.worker_count(6, "cpu") == 6
    monkeypatch.setattr(machine, "free_bytes", lambda: 0)
    assert machine.worker_count(None, "cpu") == 1
