"""kill -9 at random moments, again and again: nothing is lost, torn, or fitted again once it was entered."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ddsp_match.store import Store
from tests.tasks.fakes_many import torn, write_tone

ROOT = Path(__file__).resolve().parents[2]


def begun(log: Path) -> list[str]:
    return log.read_text().split() if log.exists() else []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
@pytest.mark.parametrize(("engine", "kills", "sounds"), [("inline", 6, 60), ("processes", 2, 60)])
def test_kill_9(tmp_path, engine, kills, sounds):
    for number in range(sounds):
        write_tone(tmp_path / f"samples/{number % 3}/{number}.wav", f0_hz=200 + number)
    out, log = tmp_path / "kit", tmp_path / "kit.log"
    command = [sys.executable, "-m", "tests.tasks.killed_run", str(tmp_path / "samples"), str(out), engine]
    rng = random.Random(engine)
    entered: set[str] = set()
    hit = 0
    for _ in range(kills):
        before = len(begun(log))
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        ends = time.monotonic() + 20
        while len(begun(log)) == before and process.poll() is None and time.monotonic() < ends:
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.06))
        hit += process.poll() is None
        process.kill()
        process.communicate()
        assert not entered & set(begun(log)[before:])
        assert entered <= (entered := Store.read(out).done())
    assert hit >= kills - 1 and 0 < len(entered) < sounds
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    skipped, fitted, failed, left = map(int, done.stdout.split())
    assert (skipped + fitted, failed, left) == (sounds, 0, 0) and skipped >= len(entered)
    assert torn(out) == []
    assert len(Store.read(out).done()) == sounds == len(list((out / "sounds").rglob("entry.json")))
    assert sorted(path.name for path in out.iterdir()) == ["config.yaml", "index.sqlite", "run.lock", "sounds"]
