"""Playing a patch: what would be overwritten is refused before anything is computed."""

from __future__ import annotations

import pytest

from ddsp_match.core.audio import read
from ddsp_match.core.errors import ConfigError, OutputError
from ddsp_match.effects.rack import Rack
from ddsp_match.patch import Patch
from ddsp_match.tasks import render as module
from ddsp_match.tasks.render import render
from tests.cli.test_render_effects import gain, patch
from tests.compare import assert_close
from tests.edits.notes import TIMEBASE, note


@pytest.mark.parametrize("effects", [None, gain(-6.0)])
@pytest.mark.parametrize("taken", ["out.wav", "out.harmonic.wav", "out.noise.wav", "out.dry.wav"])
def test_no_work_is_done_for_what_exists_already(monkeypatch, tmp_path, taken: str, effects: Rack | None):
    played = []
    play = module.mix_of
    monkeypatch.setattr(module, "mix_of", lambda patch: played.append(patch) or play(patch))
    (tmp_path / taken).write_text("somebody's")
    out = tmp_path / "out.wav"
    if taken == "out.dry.wav" and effects is None:
        render(patch(), out=out, stems=True)  # without effects there is no such file
        assert len(played) == 1
        return
    with pytest.raises(OutputError, match=f"{taken}: found a file of that name.*force=True"):
        render(patch(effects), out=out, stems=True)
    assert played == []
    assert [path.name for path in tmp_path.iterdir()] == [taken]
    render(patch(effects), out=out, stems=True, force=True)
    assert (tmp_path / taken).read_bytes()[:4] == b"RIFF"


def test_at_another_rate_it_is_the_same_sound(tmp_path):
    tone = Patch.of(note(bands=0), TIMEBASE, 32_000, noise_seed=0, phase="static")
    own = render(tone)
    out = tmp_path / "out.wav"
    moved = render(tone, out=out, sample_rate=2 * own.sample_rate)
    assert moved.sample_rate == 2 * own.sample_rate and moved.n_samples == 2 * own.n_samples
    assert_close(moved.samples[:, ::2], own.samples, 1e-4)
    assert_close(read(out)[0].samples, moved.samples, 1e-7)
    assert (render(tone, sample_rate=own.sample_rate).samples == own.samples).all()


@pytest.mark.parametrize("rate", [7999, 192_001])
def test_a_rate_out_of_range_is_refused(rate: int):
    with pytest.raises(ConfigError, match=f"found {rate} Hz; needed: 8000 to 192000 Hz"):
        render(patch(), sample_rate=rate)


def test_another_noise_seed_plays_the_same_sound_with_other_noise():
    tone = Patch.of(note(bands=33), TIMEBASE, 32_000, noise_seed=0, phase="static")
    own, other = render(tone).samples, render(tone, noise_seed=77).samples
    assert (render(tone, noise_seed=0).samples == own).all() and (render(tone, noise_seed=77).samples == other).all()
    assert (other != own).any()
    silent = Patch.of(note(bands=0), TIMEBASE, 32_000, noise_seed=0, phase="static")
    assert (render(silent, noise_seed=77).samples == render(silent).samples).all()


@pytest.mark.parametrize("seed", [-1, 1.5, "7"])
def test_a_noise_seed_that_is_no_whole_number_is_refused(seed):
    with pytest.raises(ConfigError, match=r"noise_seed: found .*; needed: a whole number, 0 or above"):
        render(patch(), noise_seed=seed)
