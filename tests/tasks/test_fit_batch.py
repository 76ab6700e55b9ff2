"""What a worker does with a few sounds: folders and entries, failures that stay with their sound."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from ddsp_match.core.errors import ConfigError
from ddsp_match.core.settings import FitSettings, ModelSettings
from ddsp_match.datasets import Item
from ddsp_match.patch import load_patch
from ddsp_match.runs.batch_size import fastest_rows, rows_in_memory
from ddsp_match.runs.batches import BatchJob
from ddsp_match.tasks.fit import fit_sounds, read
from ddsp_match.tasks.fit_batch import fit_batch, in_parts, is_out_of_memory


def settings(**changes) -> FitSettings:
    made = FitSettings(device="cpu", **changes)
    made.optimizer.steps, made.f0.source, made.f0.hz, made.f0.octave_check = 3, "constant", 220.0, False
    return made


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    made = []
    for number, seconds in enumerate((0.5, 0.4, 0.45)):
        path = tmp_path / "in" / f"s{number}.wav"
        path.parent.mkdir(exist_ok=True)
        t = np.arange(round(16000 * seconds)) / 16000
        soundfile.write(path, 0.3 * np.sin(2 * np.pi * 220 * t), 16000)
        made.append(Item(f"kit/s{number}", path, "kit"))
    return made


def job(items: list[Item], out: Path, **changes) -> BatchJob:
    return BatchJob(tuple(items), out, settings(**changes), "ddsp-match fit in")


def test_each_sound_gets_its_folder_and_its_entry(items, tmp_path):
    out = tmp_path / "run"
    out.mkdir()
    entries = fit_batch(job(items, out, model=ModelSettings("exact")))
    assert [entry.status for entry in entries] == ["done"] * 3
    for entry in entries:
        folder = out / entry.folder
        assert sorted(path.name for path in folder.iterdir()) == entry.files
        assert {"match.wav", "entry.json"} < set(entry.files)
        patch = load_patch(folder / f"{folder.name}.patch.safetensors")
        assert patch.provenance["command"] == "ddsp-match fit in"
        assert patch.n_samples == entry.facts["n_samples"]
        assert json.loads((folder / "entry.json").read_text())["metrics"]["mrstft"] < 0.2
        assert entry.facts["batch"] == 3 and entry.facts["peak_mb"] > 1


@pytest.mark.parametrize(("files", "wanted"), [("patch", set()), ("report", {"report.html", "match.wav", "loss.csv"})])
def test_what_is_written_can_be_chosen(items, tmp_path, files, wanted):
    out = tmp_path / "run"
    out.mkdir()
    (entry,) = fit_batch(job(items[:1], out, files=files))
    assert set(entry.files) >= wanted | {"entry.json", "s0.patch.safetensors"}
    assert ("match.wav" in entry.files) == bool(wanted)


def test_a_bad_sound_fails_alone(items, tmp_path):
    out = tmp_path / "run"
    out.mkdir()
    items[1].path.write_bytes(b"no sound")
    entries = {entry.name: entry for entry in fit_batch(job(items, out))}
    assert [entries[f"kit/s{i}"].status for i in range(3)] == ["done", "failed", "done"]
    assert "s1.wav" in entries["kit/s1"].reason and "found" in entries["kit/s1"].reason
    assert not (out / "sounds/kit/s1").exists()


def short_of_memory(sounds: int, error: Exception):
    """Fits as `fit_sounds`, but only so many sounds at once, and notes how many were asked for."""
    asked = []

    def picky(reads, *rest, **more):
        asked.append(len(reads))
        if len(reads) > sounds:
            raise error
        return fit_sounds(reads, *rest, **more)

    return picky, asked


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError(), ValueError("one")])
def test_a_batch_that_fails_is_halved(items, tmp_path, error):
    out = tmp_path / "run"
    out.mkdir()
    picky, asked = short_of_memory(1, error)
    entries = fit_batch(job(items, out), fit=picky)
    assert asked == [3, 1, 2, 1, 1]
    assert [entry.status for entry in entries] == ["done"] * 3


def test_memory_that_does_not_suffice_for_one_is_its_failure(items, tmp_path):
    out = tmp_path / "run"
    out.mkdir()
    error = RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
    picky, _ = short_of_memory(0, error)
    (entry,) = fit_batch(job(items[:1], out), fit=picky)
    assert entry.status == "failed" and "out of memory" in entry.reason
    assert not is_out_of_memory(RuntimeError("shape mismatch"))


def test_sounds_with_effects_and_what_memory_does_not_hold_are_parted(items):
    reads = [(item, read(item.path)) for item in items]
    device = torch.device("cpu")
    sizes = [len(part) for part in in_parts(reads, device, settings(), free_bytes=2 * 2 * 600 * 8000)]
    assert sizes == [2, 1]
    assert [len(part) for part in in_parts(reads, device, settings(effects=["gain"]))] == [1, 1, 1]


def test_a_device_that_is_not_there_is_an_error_at_once(items, tmp_path):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    made = job(items, tmp_path)
    made.settings.device = "cuda"
    with pytest.raises(ConfigError, match="cuda"):
        fit_batch(made)


def test_sounds_with_effects_are_fitted_one_by_one(items, tmp_path):
    out = tmp_path / "run"
    out.mkdir()
    entries = fit_batch(job(items[:2], out, effects=["lowpass"]))
    assert [entry.status for entry in entries] == ["done"] * 2
    assert [entry.facts["batch"] for entry in entries] == [1, 1]


def test_memory_bounds_rows():
    assert rows_in_memory(64000, 10**10) > 20 * rows_in_memory(64000, 4 * 10**8) > 0
    assert rows_in_memory(10**9, 10) == 1
    assert fastest_rows("cuda") > fastest_rows("cpu") >= 1
