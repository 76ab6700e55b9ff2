"""An instrument from several patches, and one key of it, from Python."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

import ddsp_match
from ddsp_match.core.errors import ConfigError, OutputError, PitchError
from tests.edits.phrases import phrase


def test_patches_instruments_and_files_become_one_instrument(tmp_path):
    low, high = phrase([(55, 120, 0.3)]), phrase([(67, 120, 0.3)])
    high.save(tmp_path / "high.patch.safetensors")
    middle = ddsp_match.instrument(phrase([(60, 80, 0.3), (62, 80, 0.3)]), notes=[2])
    out = tmp_path / "whole.patch.safetensors"
    made = ddsp_match.instrument(low, middle, tmp_path / "high.patch.safetensors", out=out)
    assert [round(tone.pitch) for tone in made.tones] == [55, 62, 67]
    assert [round(tone.pitch) for tone in ddsp_match.instrument(out).tones] == [55, 62, 67]
    with pytest.raises(OutputError, match="of that name"):
        ddsp_match.instrument(low, out=out)
    with pytest.raises(PitchError, match="a sound without a pitch; needed: patches with a note each"):
        ddsp_match.instrument(phrase([(55, 120, 0.3)], pitched=False))


def test_a_key_is_a_sound(tmp_path):
    patch = phrase([(60, 80, 0.3), (60, 40, 0.0), (64, 120, 0.3)])
    sound = ddsp_match.play_note(patch, 62, velocity=90, seconds=1.5, out=tmp_path / "note.wav")
    assert 1.5 < sound.seconds < 2.0
    samples, rate = soundfile.read(tmp_path / "note.wav")
    spectrum = np.abs(np.fft.rfft(samples[8000:20_000] * np.hanning(12_000)))
    assert spectrum.argmax() * rate / 12_000 == pytest.approx(440 * 2 ** ((62 - 69) / 12), abs=1.4)
    # Without a key that of the longest note.
    assert ddsp_match.play_note(patch).seconds > 2
    for values, words in (({"midi": 130}, "midi: found 130; needed: 0 to 127"), ({"velocity": 0}, "1 to 127")):
        with pytest.raises(ConfigError, match=words):
            ddsp_match.play_note(patch, **values)


def test_an_instrument_is_exported_to_a_sampler_and_nothing_else(tmp_path):
    out = tmp_path / "two.patch.safetensors"
    ddsp_match.instrument(phrase([(55, 120, 0.05)]), phrase([(55, 120, 0.3)]), phrase([(67, 120, 0.3)]), out=out)
    from ddsp_match.tasks.export import export

    files = export(out, "sfz", tmp_path / "kit", keys=[55, 61, 67], sample_rate=16_000)
    assert len(files) == 7 and "hikey=127" in files[0].read_text()
    with pytest.raises(ddsp_match.MatchError, match="an instrument of several notes"):
        export(out, "midi", tmp_path / "two.mid")
