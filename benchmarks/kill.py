"""kill -9 at random moments: how many sounds are lost, torn, or fitted twice.

    python -m benchmarks.kill                             100 sounds, killed 20 times
    python -m benchmarks.kill --sounds 1000 --kills 2     a long run, killed twice

The real command over the bundled sounds, cut to a second and detuned by resampling until there are as many as wanted,
in a folder that is removed afterwards. It is killed again and again, spread over the whole run: each time after a
random number of further sounds (none: while it starts) and a random part of a second; every other time the command
alone, as the system does where memory runs out, else with all its workers. Then it runs to the end. A sound counts as

- lost: entered in the index or whole in its folder after one kill and gone after a later one, or missing at the end;
- torn: a file in its folder that its entry names is not there or cannot be read, or one is there that it does not name;
- fitted twice: its folder is a new one although it had been whole before the command began.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import soundfile
import soxr

from benchmarks.common import RESULTS, ROOT, arguments, ddsp_match, save
from ddsp_match.patch import load_patch
from ddsp_match.runs.store import Store

SECONDS = 1.0
STEPS, STEPS_PER_OCTAVE = 64, 48  # eighths of a tone, from two thirds of an octave below to as much above
START_S, DELAY_S = 4.0, 0.5  # of a start in which a kill may fall; after the sound that a kill waits for
PATIENCE_S = 300.0  # for the next sound


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--sounds", type=int, default=100)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engine", default="processes", choices=("inline", "processes", "ray"))
    parser.add_argument("--save", action="store_true", help="keep the figures, beside those of other numbers of sounds")
    options = parser.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        make_sounds(Path(name) / "samples", options.sounds)
        figures = killed_again_and_again(Path(name), options.kills, options.engine, random.Random(options.seed))
    figures["seconds"] = round(time.perf_counter() - began, 1)
    print(json.dumps(figures, indent=1))
    if options.save:
        stored = json.loads((RESULTS / "kill.json").read_text()) if (RESULTS / "kill.json").exists() else {}
        save("kill", {"runs": stored.get("runs", {}) | {f"{options.sounds} sounds, {options.engine}": figures}})


def make_sounds(folder: Path, number: int) -> None:
    """The bundled sounds, each round of them detuned by another interval."""
    folder.mkdir()
    bundled = sorted((ROOT / "data").glob("*.flac"))
    for at in range(number):
        path, turn = bundled[at % len(bundled)], at // len(bundled)
        octaves = ((turn + STEPS // 2) % STEPS - STEPS // 2) / STEPS_PER_OCTAVE
        samples, rate = soundfile.read(path, dtype="float32", frames=int(2 * SECONDS * soundfile.info(path).samplerate))
        detuned = soxr.resample(samples, rate, rate * 2**-octaves)
        soundfile.write(folder / f"{path.stem}-{turn}.wav", detuned[: int(SECONDS * rate)], rate)


def killed_again_and_again(place: Path, kills: int, engine: str, rng: random.Random) -> dict:
    out = place / "kit"
    command = ddsp_match("fit", place / "samples", "-o", out, "-q", f"engine={engine}", "quality=draft", "threads=1")
    number = len(list((place / "samples").iterdir()))
    entered: set[str] = set()
    missing: set[str] = set()
    twice: set[str] = set()
    landed, moments = 0, []
    for kill in range(kills):
        before = stamps(out)
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
        further = rng.randint(0, round(2 * (number - len(before)) / (kills - kill + 1)))
        wait_for(process, out, len(before) + further if further else None, rng)
        running = process.poll() is None
        landed += running
        if running:
            process.kill() if kill % 2 else os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        after = stamps(out)
        twice |= {sound for sound, stamp in before.items() if sound in after and after[sound] != stamp}
        now = Store.read(out).done() if (out / "index.sqlite").exists() else set()
        missing |= (entered - now) | (before.keys() - after.keys())
        entered = now
        moments.append(len(after))
        print(f"kill {kill + 1}: {len(after)} of {number} finished, {len(entered)} of them entered", flush=True)
    before = stamps(out)
    code = subprocess.run(command, stdout=subprocess.DEVNULL).returncode
    after = stamps(out)
    twice |= {sound for sound, stamp in before.items() if after.get(sound, stamp) != stamp}
    names = {path.stem for path in (place / "samples").iterdir()}
    missing |= names - {entry.name for entry in Store.read(out).entries() if entry.status == "done"}
    broken = torn(out)
    for what, result in (("lost", missing), ("torn", broken), ("fitted twice", twice)):
        if result:
            print(f"{what}: {', '.join(sorted(result)[:5])}")
    return {
        "sounds": number,
        "kills": kills,
        "kills_that_met_a_running_command": landed,
        "finished_at_each_kill": moments,
        "engine": engine,
        "exit_code_of_the_last": code,
        "lost": len(missing),
        "torn": len(broken),
        "fitted_twice": len(twice),
    }


def wait_for(process: subprocess.Popen, out: Path, sounds: int | None, rng: random.Random) -> None:
    """Until so many sounds are finished and a moment more, or (None) to some moment of the command's start."""
    if sounds is None:
        time.sleep(rng.uniform(0, START_S))
        return
    have, ends = finished(out), time.monotonic() + PATIENCE_S
    while process.poll() is None and have < sounds:
        now = finished(out)
        if now > have:
            have, ends = now, time.monotonic() + PATIENCE_S
        if time.monotonic() > ends:
            process.kill()
            raise SystemExit(f"no further sound in {PATIENCE_S:.0f} s")
        time.sleep(0.01)
    time.sleep(rng.uniform(0, DELAY_S))


def finished(out: Path) -> int:
    """Count the sounds that have their folder."""
    with contextlib.suppress(FileNotFoundError):
        return sum(not name.startswith(".") for name in os.listdir(out / "sounds"))
    return 0


def stamps(out: Path) -> dict[str, int]:
    """Return the time at which each sound's folder was made, by name."""
    result = {}
    for path in out.glob("sounds/*/entry.json"):
        with contextlib.suppress(FileNotFoundError):
            if not path.parent.name.startswith("."):  # half written
                result[path.parent.name] = path.stat().st_mtime_ns
    return result


def torn(out: Path) -> list[str]:
    result = [str(path) for path in (out / "sounds").rglob(".*")]
    for path in out.glob("sounds/*/entry.json"):
        folder = path.parent
        try:
            entry = json.loads(path.read_text())
            assert sorted(child.name for child in folder.iterdir()) == entry["files"]
            (patch,) = folder.glob("*.patch.safetensors")
            load_patch(patch)
            sound, _ = soundfile.read(folder / "match.wav")
            assert len(sound) == soundfile.info(entry["source"]).frames
        except Exception as error:
            result.append(f"{folder}: {error}")
    return result


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    main()
