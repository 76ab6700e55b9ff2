"""Frames as bytes: within half a step, the same again, and whatever is no frames is refused."""

from __future__ import annotations

import zlib
from dataclasses import replace

import pytest
import torch

from ddsp_match.core.errors import PatchError
from ddsp_match.models.frame_plan import compacted
from ddsp_match.models.packed_frames import CENT_STEP, DB_STEP, LARGEST, STEPS, packed, unpacked
from ddsp_match.patch import Patch, container, load_patch
from tests.models.made_frames import TIMEBASE, lines

FRAMES = compacted(lines(channels=2), TIMEBASE)
BYTES = packed(FRAMES)


def test_numbers_come_back_within_half_a_step():
    back = unpacked(BYTES)
    for name in ("n_frames", "nyquist_hz", "n_bands", "divisions", "numbers"):
        assert getattr(back, name) == getattr(FRAMES, name)
    assert torch.equal(back.partials, FRAMES.partials) and torch.equal(back.centres, FRAMES.centres)
    pairs = [(back.f0, FRAMES.f0, CENT_STEP)]
    for own, voice in zip(back.voices, FRAMES.voices, strict=True):
        pairs += [(getattr(own, name), getattr(voice, name), step) for name, step in STEPS.items()]
        assert float((own.offset_db - voice.offset_db).abs().max()) <= DB_STEP / 2 + 1e-4
    for own, track, step in pairs:
        assert torch.equal(own.times, track.times)
        assert float((own.values - track.values).abs().max()) <= step / 2 + 1e-3


def test_packed_again_they_are_the_same_bytes():
    assert packed(unpacked(BYTES)) == BYTES
    assert len(BYTES) < 1.2 * FRAMES.numbers  # about a byte a number


def test_whatever_is_cut_short_or_goes_on_is_refused():
    for end in range(len(BYTES)):
        with pytest.raises(ValueError, match=r"frames|curve"):
            unpacked(BYTES[:end])
    for content in (BYTES + b"more", zlib.compress(zlib.decompress(BYTES) + b"\0")):
        with pytest.raises(ValueError, match="frames"):
            unpacked(content)


def test_damaged_bytes_are_refused():
    for place in range(2, len(BYTES)):
        with pytest.raises(ValueError, match=r"frames|curve"):
            unpacked(BYTES[:place] + bytes([BYTES[place] ^ 255]) + BYTES[place + 1 :])


def test_a_stream_with_another_byte_is_refused_or_plays():
    stream = zlib.decompress(BYTES)
    for place in range(len(stream)):
        for change in (1, 127, 128):
            other = stream[:place] + bytes([stream[place] ^ change]) + stream[place + 1 :]
            try:
                frames = unpacked(zlib.compress(other))
            except ValueError:
                continue
            assert all(bool((track.times < frames.n_frames).all()) for track in (frames.f0, frames.voices[0].tone))


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        b"\0" * (LARGEST + 1),
        b"\1" * (2 * LARGEST),
        b"\xff" * 100,
        b"\x80" * 8 + b"\1" + b"\1" * 20,
    ],
    ids=["empty", "zeros", "ones", "a number without end", "a long number"],
)
def test_what_inflates_to_no_frames_is_refused(stream):
    with pytest.raises(ValueError, match="frames"):
        unpacked(zlib.compress(stream))


def test_more_partials_than_any_sound_has_are_refused():
    many = replace(FRAMES, partials=FRAMES.partials * (1 << 20), centres=FRAMES.centres * (1 << 20))
    for frames in (many, replace(FRAMES, n_bands=1 << 30)):
        with pytest.raises(ValueError, match="most"):
            unpacked(packed(frames))


def test_a_file_of_damaged_frames_is_named(tmp_path):
    path = tmp_path / "a.patch.safetensors"
    controls = lines(channels=2)
    n_samples = TIMEBASE.samples(controls.n_frames)
    Patch.of(controls, TIMEBASE, n_samples, noise_seed=1, phase="static", offset=(0.0, 0.0), frames=FRAMES).save(path)
    assert load_patch(path).frames is not None
    kind, header, tensors = container.read(path)
    for content in (BYTES[:-9], b"", packed(replace(FRAMES, n_frames=1 << 30))):
        damaged = torch.frombuffer(bytearray(content or b"\0"), dtype=torch.uint8)
        container.write(path, kind, header, {**tensors, "frames": damaged})
        with pytest.raises(PatchError, match=r"a\.patch\.safetensors"):
            load_patch(path)
