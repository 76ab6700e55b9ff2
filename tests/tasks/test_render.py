"""Playing a patch: what would be overwritten is refused before anything is computed."""

from __future__ import annotations

import pytest

from ddsp_match.effects.rack import Rack
from ddsp_match.errors import OutputError
from ddsp_match.tasks import render as module
from ddsp_match.tasks.render import render
from tests.cli.test_render_effects import gain, patch


@pytest.mark.parametrize("effects", [None, gain(-6.0)])
@pytest.mark.parametrize("taken", ["out.wav", "out.harmonic.wav", "out.noise.wav", "out.dry.wav"])
def test_no_work_is_done_for_what_exists_already(monkeypatch, tmp_path, taken: str, effects: Rack | None):
    played = []
    play = module.stems_of
    monkeypatch.setattr(module, "stems_of", lambda patch: played.append(patch) or play(patch))
    (tmp_path / taken).write_text("somebody's")
    out = tmp_path / "out.wav"
    if taken == "out.dry.wav" and effects is None:
        render(patch(), out=out, stems=True)  # without effects there is no such file
        assert len(played) == 1
        return
    with pytest.raises(OutputError, match=f"{taken}: found a file of that name.*--force"):
        render(patch(effects), out=out, stems=True)
    assert played == []
    assert [path.name for path in tmp_path.iterdir()] == [taken]
    render(patch(effects), out=out, stems=True, force=True)
    assert (tmp_path / taken).read_bytes()[:4] == b"RIFF"
