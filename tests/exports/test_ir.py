"""The impulse response of a patch's effects, for any convolver."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from ddsp_match.core.errors import ConfigError
from ddsp_match.effects.rack import Rack
from ddsp_match.exports.ir import export_ir, impulse_response
from tests.compare import assert_close
from tests.exports.sounds import patch_of


def test_the_response_is_that_of_the_reverb(tmp_path):
    rt60_s = [0.2] * 8
    rack = Rack.of(["reverb"], 16_000, {"reverb.level": [0.3] * 8, "reverb.rt60_s": rt60_s, "reverb.dry": 0.8})
    (path,) = export_ir(patch_of(effects=rack), tmp_path / "a.ir.wav")
    samples, rate = soundfile.read(path, dtype="float32")
    assert rate == 16_000 and soundfile.info(path).subtype == "FLOAT"
    sound = np.random.default_rng(0).standard_normal((1, 4000))
    whole = np.convolve(sound[0], samples)[:4000]
    assert_close(whole, rack.process(sound, 16_000)[0], atol=1e-4)
    assert samples[0] == pytest.approx(0.8, abs=0.05)
    assert 0.25 < len(samples) / rate < 0.4  # the envelope ends at -90 dB


def test_a_short_response_is_short_and_a_long_one_whole():
    short, _ = impulse_response(Rack.of([{"fir": {"taps": 8}}], 16_000, {"fir.taps": [0, 0, 1.0, 0, 0, 0, 0, 0]}))
    assert_close(short.samples, [[0, 0, 1.0]], atol=1e-9)
    slow = Rack.of(["reverb"], 8_000, {"reverb.level": [0.3] * 8, "reverb.rt60_s": [2.0] * 8})
    assert 2.5 < impulse_response(slow)[0].seconds < 3.2


def test_what_has_no_response_is_left_out_and_said(tmp_path):
    rack = Rack.of(["clip", "gain", {"fir": {"taps": 2}}], 16_000, {"gain.gain_db": 6.0, "fir.taps": [0.5, 0.25]})
    said: list[str] = []
    (path,) = export_ir(patch_of(effects=rack), tmp_path / "a.wav", on_note=said.append)
    gain = 10 ** (6 / 20)
    assert_close(soundfile.read(path)[0], [0.5 * gain, 0.25 * gain], atol=1e-6)
    assert said == ["left out, as no impulse response tells what it does: clip"]


def test_a_response_needs_effects_that_have_one(tmp_path):
    with pytest.raises(ConfigError, match=r"without effects.*effects=\['reverb'\]"):
        export_ir(patch_of(), tmp_path / "a.wav")
    with pytest.raises(ConfigError, match="no impulse response: clip, compressor"):
        export_ir(patch_of(effects=Rack.of(["clip", "compressor"], 16_000)), tmp_path / "a.wav")


def test_both_channels_of_a_stereo_patch_are_struck():
    rack = Rack.of(["reverb"], 16_000, {"reverb.level": [0.3] * 8, "reverb.rt60_s": [0.1] * 8})
    found, _ = impulse_response(rack, channels=2, sample_rate=48_000)
    assert found.channels == 2 and found.sample_rate == 48_000
    assert not np.allclose(found.samples[0], found.samples[1])
