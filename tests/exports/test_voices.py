"""The voices of a patch: which key plays it, its room, what a page says about it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ddsp_match.core.controls import Controls
from ddsp_match.core.errors import ConfigError
from ddsp_match.effects.rack import Rack
from ddsp_match.exports.html import export_html, facts_of
from ddsp_match.exports.web.voice import voices
from ddsp_match.patch import Patch
from tests.compare import assert_close
from tests.exports.sounds import TIMEBASE, sung


def made(key: float = 69.0, edits: list[dict[str, object]] | None = None, **given: object) -> Patch:
    level = np.full(121, -20.0)
    level[-20:] = np.linspace(-20, -90, 20)
    controls = sung(np.full(121, key), level, noise_db=-60)
    given |= {"noise_seed": 4, "phase": "zero", "provenance": {"sound": "a.wav", "edits": edits or []}}
    return Patch.of(controls, TIMEBASE, TIMEBASE.samples(121), **given)  # pyright: ignore[reportArgumentType]


def test_the_keys_are_tuned_and_held_and_the_sound_is_whole():
    found = voices(made(57.3), "a")
    assert found["keys"]["root_midi"] == pytest.approx(57.3, abs=0.01)
    first, last = found["keys"]["loop"]
    assert 0 <= first and 40 < last - first and last < 112
    assert found["sound"]["loop"] is None and found["sound"]["n_frames"] == 121


def test_a_sound_without_a_pitch_sits_on_middle_c():
    grid = made(31.35, pitched=False, grid="steady")
    assert voices(grid, "a")["keys"]["root_midi"] == 60
    assert facts_of(grid, "a")["root"] == "no pitch"


def test_its_room_goes_along_and_what_has_no_response_is_said():
    rack = Rack.of(["clip", {"fir": {"taps": 2}}], 16_000, {"fir.taps": [0.5, 0.25]})
    said: list[str] = []
    found = voices(made(effects=rack), "a", on_note=said.append)
    response = found["keys"]["response"]
    assert (response["channels"], response["sample_rate"], response["n_samples"]) == (1, 16_000, 2)
    assert said == ["left out, as a page plays only what an impulse response tells: clip"]
    assert voices(made(effects=Rack.of(["clip"], 16_000)), "a")["keys"]["response"] is None


def test_more_channels_than_a_page_plays_are_refused():
    patch = made()
    three = {name: torch.cat([v] * 3) for name, v in vars(patch.controls).items() if isinstance(v, torch.Tensor)}
    with pytest.raises(ConfigError, match="3 channels"):
        voices(replace(patch, controls=Controls(**three), offset=(0.0,) * 3), "a")


def test_the_facts_are_those_of_the_sound():
    found = facts_of(made(edits=[{"edit": "transpose", "semitones": 3}, {"edit": "transpose", "semitones": 1}]), "a")
    assert found["words"] == ["1.2 s", "16 kHz", "mono", "transposed"]
    hz, db = np.array(found["harmonics"]).T
    assert_close(hz, 440.0 * np.arange(1, 9), atol=1)
    assert_close(db - db[0], -20 * np.log10(np.arange(1, 9)), atol=0.3)
    # -60 dB over all of 0 to 8 kHz: a third of an octave at 1 kHz has 231.6 Hz of it.
    noise = dict((round(f), level) for f, level in found["noise"])
    near = min(noise, key=lambda f: abs(f - 1000))
    assert noise[near] == pytest.approx(-60 + 10 * np.log10(0.2316 * near / 8000), abs=1.5)
    assert max(found["outline"]) == 1.0 and found["outline"][-1] == pytest.approx(
        1 / 3, abs=0.05
    )  # noise is left, 40 dB down


def test_the_page_is_named_after_the_sound(tmp_path):
    (path,) = export_html(made(), tmp_path / "other.html")
    assert "<title>a – ddsp-match</title>" in path.read_text(encoding="utf-8")
    nameless = replace(made(), provenance={})
    (path,) = export_html(nameless, tmp_path / "other.html")
    assert "<title>other – ddsp-match</title>" in path.read_text(encoding="utf-8")
