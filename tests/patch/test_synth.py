"""The patch: it plays the same before and after it was on disk, and a bad file is refused by name."""

from __future__ import annotations

import json
import os
import struct
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

import ddsp_match
from ddsp_match.core.controls import Controls
from ddsp_match.core.errors import OutputError, PatchError
from ddsp_match.core.timebase import Timebase
from ddsp_match.patch import FORMAT_VERSION, Patch, decode_noise, encode_noise, load_patch
from tests.compare import assert_close

TIMEBASE, N = Timebase.at(16000), 8000


def controls(batch: int = 1, phases: bool = True) -> Controls:
    g = torch.Generator().manual_seed(0)
    frames = TIMEBASE.frames(N)
    shares = torch.rand(batch, 12, frames, generator=g)
    shares[:, 8:] = 0.0
    return Controls(
        torch.linspace(200, 300, frames).expand(batch, -1),
        0.3 * torch.rand(batch, frames, generator=g),
        shares / shares.sum(1, keepdim=True),
        0.02 * torch.rand(batch, 129, frames, generator=g),
        20 * torch.rand(batch, 12, frames, generator=g) if phases else None,
    )


def patch(phase: str = "tracked", batch: int = 1) -> Patch:
    return Patch.of(
        controls(batch, phase != "zero"), TIMEBASE, N, noise_seed=3, phase=phase, provenance={"sound": "a \u266f"}
    )


@pytest.mark.parametrize("phase", ["zero", "static", "tracked"])
@pytest.mark.parametrize("batch", [1, 2])
def test_the_same_samples_after_saving_and_loading(tmp_path, phase, batch):
    before = patch(phase, batch)
    size = before.save(tmp_path / "a.patch.safetensors")
    after = load_patch(tmp_path / "a.patch.safetensors")
    assert size == (tmp_path / "a.patch.safetensors").stat().st_size
    assert after.provenance == {"sound": "a \u266f"} and after.phase == phase and after.noise_seed == 3
    heard, again = ddsp_match.render(before), ddsp_match.render(after)
    assert heard.samples.shape == (batch, N)
    assert_close(again.samples, heard.samples, 0.0)


def test_rounding_is_too_small_to_hear():
    exact, rounded = controls(), patch().controls
    kept = rounded.n_partials
    assert kept == 8  # the silent ones above are left out
    ratio = rounded.partial_amplitudes / exact.partial_amplitudes[:, :kept].clamp(min=1e-9)
    loud = exact.partial_amplitudes[:, :kept] > 1e-4
    assert float((20 * torch.log10(ratio[loud])).abs().max()) < 0.02
    turned = torch.remainder(rounded.phases - exact.phases[:, :kept] + torch.pi, 2 * torch.pi) - torch.pi
    assert_close(turned, torch.zeros_like(turned), 2e-3)
    loud = exact.noise > 1e-5
    assert float((20 * torch.log10(rounded.noise / exact.noise)).abs()[loud].max()) < 0.26


def test_rounding_twice_changes_nothing():
    once = patch()
    twice = Patch.of(once.controls, TIMEBASE, N, noise_seed=3, phase="tracked", provenance={})
    for name in ("f0_hz", "amplitude", "distribution", "noise", "phases"):
        assert_close(getattr(twice.controls, name), getattr(once.controls, name), 1e-6)


def test_noise_code():
    code = torch.arange(256, dtype=torch.uint8)
    magnitude = decode_noise(code)
    assert float(magnitude[0]) == 0.0
    assert_close(20 * torch.log10(magnitude[[1, 242, 255]]), [-120.5, 0.0, 6.5], 1e-3)
    assert_close(encode_noise(magnitude), code, 0)
    assert int(encode_noise(torch.tensor(1e-30))) == 0 and int(encode_noise(torch.tensor(100.0))) == 255


def test_numbers_a_second():
    frames = TIMEBASE.frames(N)
    assert patch("tracked").numbers_per_second() == pytest.approx(frames * (2 + 2 * 8 + 129) / 0.5)
    assert patch("zero").numbers_per_second() == pytest.approx(frames * (2 + 8 + 129) / 0.5)


def refusal(path) -> str:
    with pytest.raises(PatchError) as caught:
        load_patch(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_missing_file_and_folder(tmp_path):
    assert "no such file" in refusal(tmp_path / "none.patch.safetensors")
    patch().save(tmp_path / "b.patch.safetensors")
    assert "b.patch.safetensors" in refusal(tmp_path)


@pytest.mark.parametrize("content", [b"", b"RIFF not a patch", b"\xff" * 4000])
def test_not_a_patch(tmp_path, content):
    path = tmp_path / "x.patch.safetensors"
    path.write_bytes(content)
    assert "safetensors" in refusal(path)


def test_a_truncated_patch(tmp_path):
    path = tmp_path / "x.patch.safetensors"
    patch().save(path)
    path.write_bytes(path.read_bytes()[:-100])
    refusal(path)


def test_somebody_else_s_safetensors(tmp_path):
    path = tmp_path / "model.safetensors"
    save_file({"weight": torch.ones(3)}, path)
    assert "something else" in refusal(path)


def altered(tmp_path, change, saved: Patch | None = None):
    """A saved patch whose header went through `change`."""
    path = tmp_path / "x.patch.safetensors"
    (saved or patch()).save(path)
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    ours = json.loads(header["__metadata__"]["ddsp_match"])
    change(ours)
    header["__metadata__"]["ddsp_match"] = json.dumps(ours)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + raw[8 + length :])
    return path


def steady(f0_hz: float, loudest: float = 1.0, **pitch) -> Patch:
    """Eight partials of an f0 that stands still."""
    plain = controls(phases=False)
    still = replace(plain, f0_hz=torch.full_like(plain.f0_hz, f0_hz), amplitude=loudest * plain.amplitude)
    return Patch.of(still, TIMEBASE, N, noise_seed=3, phase="zero", provenance={"edits": []}, **pitch)


@pytest.mark.parametrize(
    ("pitch", "expected"),
    [
        ({}, (50.0, "f0")),
        ({"pitch_hz": 51.0}, (51.0, "f0")),
        ({"pitched": False, "grid": "steady"}, (None, "steady")),
        ({"pitch_hz": 220.0, "grid": "steady"}, (220.0, "steady")),
    ],
)
def test_the_pitch_and_the_grid_are_kept_whatever_f0_is(tmp_path, pitch, expected):
    steady(50.0, **pitch).save(tmp_path / "a.patch.safetensors")
    after = load_patch(tmp_path / "a.patch.safetensors")
    assert (after.pitch_hz, after.grid) == expected
    assert after.follows_pitch == (expected[0] is not None and expected[1] == "f0")


@pytest.mark.parametrize(
    ("before", "edits", "expected"),
    [
        (steady(50.0), [], (None, "steady")),
        (steady(50.0 * 2 ** (7 / 12)), [{"edit": "transpose", "semitones": 7}], (None, "steady")),
        (steady(100.0, 0.0), [], (None, "steady")),
        (steady(100.0), [], (100.0, "f0")),
        (steady(51.0), [], (51.0, "f0")),
    ],
)
def test_an_older_file_is_read_by_where_fits_used_to_put_f0_without_a_pitch(tmp_path, before, edits, expected):
    def older(header):
        del header["pitch_hz"], header["grid"]
        header["provenance"]["edits"] = edits

    after = load_patch(altered(tmp_path, older, before))
    assert (after.pitch_hz, after.grid) == (pytest.approx(expected[0]), expected[1])


def test_a_newer_format_is_refused_with_its_number(tmp_path):
    path = altered(tmp_path, lambda h: h.update(format_version=FORMAT_VERSION + 1))
    assert f"patch format {FORMAT_VERSION + 1}" in refusal(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda h: h.update(n_samples=10 * N),
        lambda h: h.update(hop=0),
        lambda h: h.update(sample_rate="fast"),
        lambda h: h.pop("noise_seed"),
    ],
)
def test_a_header_that_does_not_fit_is_damaged(tmp_path, change):
    assert "damaged" in refusal(altered(tmp_path, change))


def test_numbers_that_are_not_finite_are_damage(tmp_path):
    bad = patch()
    bad.controls.amplitude[0, 3] = float("nan")
    bad.save(tmp_path / "x.patch.safetensors")
    assert "amplitude" in refusal(tmp_path / "x.patch.safetensors")


def test_a_place_that_cannot_be_written(tmp_path):
    with pytest.raises(OutputError):
        patch().save(tmp_path / "none" / "x.patch.safetensors")
    (tmp_path / "x").mkdir()
    with pytest.raises(OutputError):
        patch().save(tmp_path / "x")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x"]


def test_a_pipe_that_nobody_writes_to_is_refused(tmp_path):
    os.mkfifo(tmp_path / "p.patch.safetensors")
    with pytest.raises(PatchError, match="a device or a pipe"):
        load_patch(tmp_path / "p.patch.safetensors")


def test_a_patch_may_have_any_name(tmp_path):
    path = tmp_path / os.fsdecode(b"x\xff.patch.safetensors")
    path.write_bytes(b"no patch")
    with pytest.raises(PatchError, match="no readable safetensors"):
        load_patch(path)
