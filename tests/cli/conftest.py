"""Stand-ins for the tasks, so that these tests are about the command alone."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest

from ddsp_match.core.errors import SoundError


class FakeFit:
    """Stands in for the fit: takes its steps, writes two files, remembers how it was called."""

    def __init__(self):
        self.calls = []
        self.raises = None
        self.during_step = None
        self.rack = None
        self.best = lambda settings: 1 / (settings.synth.n_harmonics or 1)

    def __call__(
        self, audio, sample_rate=None, *, settings, out, command, on_stage, on_step, on_pitch, stop, force
    ):
        self.calls.append(types.SimpleNamespace(**{k: v for k, v in locals().items() if k != "self"}))
        if not Path(audio).is_file():
            raise SoundError("no file", where=audio, needed="a sound file")
        if self.raises:
            raise self.raises(settings) if callable(self.raises) else self.raises
        on_stage("f0")
        on_pitch(50, 100)
        on_pitch(100, 100)
        on_stage("optimise")
        reason = "all steps done"
        steps = settings.optimizer.n_steps
        for step in range(steps):
            on_step(step + 1, steps, 1.0, 1.0)
            if self.during_step:
                self.during_step()
            if stop():
                reason = "stopped by Ctrl-C"
                break
        out.mkdir(parents=True, exist_ok=True)
        (out / "match.wav").write_text("sound")
        (out / "report.html").write_text("page")
        return types.SimpleNamespace(
            verdict=types.SimpleNamespace(text=lambda: "Good match: the same sound."),
            patch=types.SimpleNamespace(effects=self.rack),
            size_words="760 numbers a second (the sound itself: 16,000 samples), 6.1 kbit/s (16-bit WAV: 256)",
            notes=["the sound clips"],
            stop_reason=reason,
            trace=types.SimpleNamespace(best=[2.0, self.best(settings)]),
            seconds={"f0": 1.0, "fit": 2.0},
            metrics={"mrstft": self.best(settings) * 2, "mel_db": 0.5},
        )


@pytest.fixture
def fake_fit(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sound.wav").write_text("a sound")
    fake = FakeFit()
    module = types.ModuleType("ddsp_match.tasks.fit")
    module.fit = fake
    monkeypatch.setitem(sys.modules, "ddsp_match.tasks.fit", module)
    return fake
