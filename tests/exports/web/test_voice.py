"""What a voice holds."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from ddsp_match.exports.web import PAGE_SCRIPTS, SCRIPTS, script, worklet_source
from ddsp_match.exports.web.voice import voice
from tests.compare import assert_close
from tests.exports.web.page import TIMEBASE, harmonics


def unpacked(made: dict, name: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(made[name]), kind)


def test_a_voice_is_json_and_gives_the_controls_back():
    controls, n = harmonics(torch.linspace(200, 300, 101), (0.2, 0.1, 0.05), channels=2, divisions=2, bands=5)
    phases = torch.rand(controls.distribution.shape, generator=torch.Generator().manual_seed(1)) * 6 - 3
    noise = torch.rand(controls.noise.shape, generator=torch.Generator().manual_seed(2))
    amplitude = controls.amplitude * torch.tensor([[1.0], [0.5]])
    controls = replace(controls, phases=phases, noise=noise, amplitude=amplitude)
    options = {"name": "two", "root_midi": 69, "loop": (20, 60), "attack": 9, "offset": (0.1, 0)}
    made = json.loads(json.dumps(voice(controls, TIMEBASE, n, 7, **options)))
    assert (made["name"], made["loop"], made["attack"], made["channels"]) == ("two", [20, 60], 9, 2)
    assert (made["n_frames"], made["n_partials"], made["n_bands"], made["divisions"]) == (101, 6, 5, 2)
    assert made["offset"] == [0.1, 0.0] and made["response"] is None
    assert_close(unpacked(made, "f0_hz", "<f4"), controls.f0_hz[0], 0)
    assert_close(unpacked(made, "amplitude", "<f4").reshape(2, 101), controls.amplitude, 0)
    shares = (unpacked(made, "distribution", "<u2").reshape(2, 101, 6) / 65535.0) ** 2
    assert_close(shares, controls.distribution.mT, 2e-5)
    turns = unpacked(made, "phases", "<u2").reshape(2, 101, 6) * (2 * np.pi / 65536)
    assert_close(np.exp(1j * turns), np.exp(1j * phases.mT.double().numpy()), 1e-4)
    codes = unpacked(made, "noise", "u1").reshape(2, 101, 5)
    db = made["noise_base_db"] + made["noise_step_db"] * codes
    assert_close(db, 20 * torch.log10(noise.mT), 0.26)


def test_channels_with_their_own_pitch_keep_it():
    controls, n = harmonics(220.0, channels=2)
    controls.f0_hz[1] = 300.0
    made = voice(controls, TIMEBASE, n, 7, name="two", root_midi=69)
    assert_close(unpacked(made, "f0_hz", "<f4").reshape(2, -1), controls.f0_hz, 0)


def test_a_key_starts_where_the_sound_does():
    controls, n = harmonics()
    controls.amplitude[:, :30] = 0.0
    assert voice(controls, TIMEBASE, n, 7, name="late", root_midi=69)["start"] == 29
    assert voice(harmonics()[0], TIMEBASE, n, 7, name="at once", root_midi=69)["start"] == 0


def test_partials_that_are_never_heard_are_left_out():
    controls, n = harmonics(220.0, (0.2, 0.1, 1e-8))
    assert voice(controls, TIMEBASE, n, 7, name="two", root_midi=69)["n_partials"] == 2


def test_a_response_goes_along_with_its_rate():
    controls, n = harmonics()
    response = np.arange(6, dtype=np.float32).reshape(2, 3)
    made = voice(controls, TIMEBASE, n, 7, name="room", root_midi=69, response=response, response_rate=48000)
    made = made["response"]
    assert (made["channels"], made["sample_rate"], made["n_samples"]) == (2, 48000, 3)
    assert_close(unpacked(made, "samples", "<f4").reshape(2, 3), response, 0)


@pytest.mark.parametrize("loop", [(50, 50), (-1, 20), (10, 101)])
def test_a_loop_outside_the_sound_is_refused(loop):
    controls, n = harmonics()
    with pytest.raises(ValueError, match="does not lie in 101 frames"):
        voice(controls, TIMEBASE, n, 7, name="x", root_midi=69, loop=loop)


def test_more_than_two_channels_are_refused():
    controls, n = harmonics(channels=3)
    with pytest.raises(ValueError, match="3 channels"):
        voice(controls, TIMEBASE, n, 7, name="x", root_midi=69)


def test_scripts_can_stand_in_a_page():
    for name in (*SCRIPTS, *PAGE_SCRIPTS, "keyboard.css"):
        text = script(name)
        assert "</script" not in text and "<!--" not in text
        assert not any(word in text for word in ("fetch(", "XMLHttpRequest", "import(", "eval(", "http://", "https://"))
    assert worklet_source().index("globalThis.Synth =") < worklet_source().index("registerProcessor(")


def test_the_page_loads_the_scripts_that_the_worklet_needs():
    listed = script("instrument.js").split("const SCRIPTS = [")[1].split("]")[0]
    assert tuple(word.strip(" '") for word in listed.split(",")) == SCRIPTS
