"""kill -9 at random changes on the disk, again and again: nothing is lost, torn, or fitted twice."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ddsp_match.runs.store import Store
from tests.tasks.fakes_many import torn, write_tone

ROOT = Path(__file__).resolve().parents[2]


def begun(log: Path) -> list[str]:
    return log.read_text().split() if log.exists() else []


def done(out: Path) -> set[str]:
    return Store.read(out).done() if (out / "index.sqlite").exists() else set()  # killed before there was an index


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
@pytest.mark.parametrize(("engine", "kills", "sounds"), [("inline", 8, 40), ("processes", 3, 40)])
def test_kill_9(tmp_path, engine, kills, sounds):
    for number in range(sounds):
        write_tone(tmp_path / f"samples/{number % 3}/{number}.wav", f0_hz=200 + number)
    out, log = tmp_path / "kit", tmp_path / "kit.log"
    command = [sys.executable, "-m", "tests.tasks.killed_run", str(tmp_path / "samples"), str(out), engine]
    rng = random.Random(engine)
    entered: set[str] = set()
    for _ in range(kills):
        before = len(begun(log))
        killed = subprocess.run([*command, str(rng.randint(1, 25))], cwd=ROOT, capture_output=True, timeout=120)
        assert killed.returncode == -signal.SIGKILL
        assert not entered & set(begun(log)[before:])
        assert entered <= (entered := done(out))
    assert 0 < len(entered) < sounds
    whole = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert whole.returncode == 0, whole.stderr
    skipped, fitted, failed, left = map(int, whole.stdout.split())
    assert (skipped + fitted, failed, left) == (sounds, 0, 0) and skipped >= len(entered)
    assert torn(out) == []
    assert len(done(out)) == sounds == len(list((out / "sounds").rglob("entry.json")))
    assert sorted(path.name for path in out.iterdir()) == ["config.yaml", "index.sqlite", "run.lock", "sounds"]
