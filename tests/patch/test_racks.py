"""Effects in a patch: the same knobs to the last bit after they were on disk, and damage refused by name."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save

from ddsp_match.core.controls import Controls
from ddsp_match.core.errors import OutputError, PatchError
from ddsp_match.core.timebase import Timebase
from ddsp_match.effects.build import build, describe
from ddsp_match.effects.rack import Rack
from ddsp_match.effects.registry import processors
from ddsp_match.patch import EffectsPatch, Patch, load_patch, load_rack
from tests.compare import assert_close

NAME = "found.patch.safetensors"
THIRD = 1 / 3  # no float32
SPEC = ["gain", {"parallel": ["gain", ["gain", "gain"]]}, {"mix": ["gain"]}]


def rack() -> Rack:
    values = {"gain.gain_db": THIRD, "parallel.levels": [0.5, THIRD], "mix.mix": 0.25}
    values["parallel.chain.gain2.gain_db"] = 3
    return Rack.of(SPEC, 44_100, values, polarity=-1.0, latency=17.25)


def synth(effects: Rack | None) -> Patch:
    timebase = Timebase.at(16_000)
    frames = timebase.frames(1600)
    shares = torch.full((1, 4, frames), 0.25)
    controls = Controls(torch.full((1, frames), 200.0), torch.full((1, frames), 0.1), shares, torch.zeros(1, 9, frames))
    return Patch.of(controls, timebase, 1600, noise_seed=0, phase="zero", effects=effects)


def same(found: Rack, expected: Rack) -> None:
    assert found.spec == expected.spec and found.knobs.keys() == expected.knobs.keys()
    for name, value in expected.knobs.items():
        assert found.knobs[name].dtype == np.float64
        assert_close(found.knobs[name], value, 0.0)
    assert (found.sample_rate, found.polarity, found.latency) == (44_100, -1.0, 17.25)


def test_effects_alone_come_back_to_the_last_bit(tmp_path):
    size = EffectsPatch(rack(), {"dry": "a ♯.wav"}).save(tmp_path / NAME)
    assert size == (tmp_path / NAME).stat().st_size
    found = load_rack(tmp_path / NAME)
    same(found, rack())
    sound = np.random.default_rng(0).standard_normal((2, 500))
    assert_close(found.process(sound, 44_100), rack().process(sound, 44_100), 0.0)


def test_effects_behind_a_synthesizer_come_back_with_it(tmp_path):
    synth(rack()).save(tmp_path / NAME)
    effects = load_patch(tmp_path / NAME).effects
    assert effects is not None
    same(effects, rack())
    same(load_rack(tmp_path / NAME), rack())
    more = synth(rack()).numbers_per_second() - synth(None).numbers_per_second()
    assert more == pytest.approx(sum(value.size for value in rack().knobs.values()) / 0.1)


def test_a_chain_of_nothing_is_a_chain(tmp_path):
    EffectsPatch(Rack.of([], 8000)).save(tmp_path / NAME)
    assert load_rack(tmp_path / NAME).spec == [] and load_rack(tmp_path / NAME).knobs == {}


@pytest.mark.parametrize("name", sorted(processors()))
def test_every_processor_is_described_by_plain_data_and_comes_back(tmp_path, name):
    spec = [{name: ["gain"]}] if name in ("parallel", "mix") else [name]
    before = Rack.of(spec, 24_000)
    EffectsPatch(before).save(tmp_path / NAME)
    after = load_rack(tmp_path / NAME)
    assert after.spec == before.spec and after.knobs.keys() == before.knobs.keys()
    for knob, value in before.knobs.items():
        assert_close(after.knobs[knob], value, 0.0)
    assert describe(build(describe(before.chain))[0]) == before.spec


def test_each_loader_says_what_it_was_given_instead(tmp_path):
    EffectsPatch(rack()).save(tmp_path / NAME)
    with pytest.raises(PatchError, match=r"a patch of effects alone.*ddsp-match process in.wav .*found.patch"):
        load_patch(tmp_path / NAME)
    synth(None).save(tmp_path / NAME)
    with pytest.raises(PatchError, match=r"a patch without effects.*ddsp-match effect dry.wav wet.wav"):
        load_rack(tmp_path / NAME)
    assert load_patch(tmp_path / NAME).effects is None
    with pytest.raises(PatchError, match="no such file"):
        load_rack(tmp_path / "none.patch.safetensors")
    with pytest.raises(OutputError):
        EffectsPatch(rack()).save(tmp_path / "none" / NAME)


def altered(path: Path, change, tensors=None) -> Path:
    """The file again, its header changed by `change`, and its tensors by `tensors`."""
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()["ddsp_match"])
        values = {name: file.get_tensor(name) for name in file.keys()}
    change(header)
    for name, value in (tensors or {}).items():
        values.pop(name, None)
        if value is not None:
            values[name] = value
    path.write_bytes(save(values, metadata={"ddsp_match": json.dumps(header)}))
    return path


def test_a_file_of_version_1_still_loads(tmp_path):
    synth(None).save(tmp_path / NAME)

    def as_version_1(header):
        header.update(format_version=1)
        del header["kind"]

    found = load_patch(altered(tmp_path / NAME, as_version_1))
    assert found.effects is None and found.n_samples == 1600


@pytest.mark.parametrize("version", [0, 4, None, "2"])
def test_another_version_is_refused_with_its_number(tmp_path, version):
    EffectsPatch(rack()).save(tmp_path / NAME)
    with pytest.raises(PatchError, match=f"patch format {version}; needed: format 1 to 3"):
        load_rack(altered(tmp_path / NAME, lambda header: header.update(format_version=version)))


def test_keys_that_are_not_needed_are_passed_over(tmp_path):
    EffectsPatch(rack()).save(tmp_path / NAME)
    older = altered(tmp_path / NAME, lambda header: header["effects"].update(notes=["of an earlier version"]))
    assert load_rack(older).spec == rack().spec


@pytest.mark.parametrize(
    ("change", "tensors", "message"),
    [
        (lambda h: h.update(effects=3), None, "damaged"),
        (lambda h: h["effects"].pop("polarity"), None, "damaged.*polarity"),
        (lambda h: h["effects"].update(polarity=0.5), None, "damaged.*polarity 0.5"),
        (lambda h: h["effects"].update(latency=float("nan")), None, "damaged.*latency nan"),
        (lambda h: h["effects"].update(sample_rate=0), None, "damaged.*0 Hz"),
        (lambda h: h["effects"].update(chain=["gian"]), None, "cannot be played here.*gain"),
        (lambda h: h["effects"].update(chain="gain"), None, "cannot be played here"),
        (lambda h: h["effects"]["chain"].append("gain"), None, r"damaged.*gain2\.gain_db"),
        (lambda h: h.update(kind="sampler"), None, "kind 'sampler'"),
        (lambda h: None, {"effects/gain.gain_db": None}, r"damaged.*gain\.gain_db"),
        (lambda h: None, {"effects/hum.level": torch.zeros(())}, r"damaged.*hum\.level'\] do not belong"),
        (lambda h: None, {"effects/parallel.levels": torch.zeros(3)}, r"parallel\.levels has the shape"),
        (lambda h: None, {"effects/gain.gain_db": torch.tensor(float("nan"))}, "not finite"),
        (lambda h: None, {"effects/gain.gain_db": torch.tensor(199.0)}, r"gain_db=\[199.0\].*-100 to 100 dB"),
    ],
)
def test_damage_is_refused_by_name(tmp_path, change, tensors, message):
    EffectsPatch(rack()).save(tmp_path / NAME)
    path = altered(tmp_path / NAME, change, tensors)
    with pytest.raises(PatchError, match=message) as refused:
        load_rack(path)
    assert str(refused.value).startswith(str(path))


def test_the_file_is_as_its_page_says(tmp_path):
    EffectsPatch(rack(), {"command": "c"}).save(tmp_path / NAME)
    raw = (tmp_path / NAME).read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    whole = json.loads(raw[8 : 8 + length])
    header = json.loads(whole["__metadata__"]["ddsp_match"])
    assert header == {
        "format": "ddsp-match patch",
        "format_version": 3,
        "kind": "effects",
        "effects": {"chain": SPEC, "sample_rate": 44100, "polarity": -1.0, "latency": 17.25},
        "provenance": {"command": "c"},
    }
    entry = whole["effects/gain.gain_db"]
    first, last = (8 + length + offset for offset in entry["data_offsets"])
    assert entry["dtype"] == "F64" and entry["shape"] == []
    assert struct.unpack("<d", raw[first:last]) == (THIRD,)


def test_a_patch_from_before_a_knob_was_added_is_played_as_it_was(tmp_path):
    chain = Rack.of(["soft_clip"], 16_000, {"soft_clip.drive_db": 12.0})
    EffectsPatch(chain).save(tmp_path / NAME)
    old = load_rack(altered(tmp_path / NAME, lambda h: None, {"effects/soft_clip.makeup_db": None}))
    sound = 0.3 * np.random.default_rng(1).standard_normal((1, 400))
    assert_close(old.process(sound, 16_000), chain.process(sound, 16_000), 0.0)
    with pytest.raises(PatchError, match=r"soft_clip\.drive_db"):
        load_rack(altered(tmp_path / NAME, lambda h: None, {"effects/soft_clip.drive_db": None}))
