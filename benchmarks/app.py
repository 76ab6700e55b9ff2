"""The app: from the drop of a sound to the first match that can be heard, and requests that no page would send.

    python -m benchmarks.app                       drop a 4-s clip, time what is heard; beside the command line's fit
    python -m benchmarks.app --fuzz 1000 --save    also a thousand such requests

A real server, started as a user starts it, in a folder that is removed afterwards. Ratios are of two things timed
in the same run, in turns. *Heard* is the moment at which the whole WAV of the first match has arrived.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, SEED_CLIP, arguments, ddsp_match, save, timed
from tests.app.fuzzing import Fuzz, strays
from tests.app.serving import told

ASKED_EVERY_S = 0.05  # how often the server is asked something else while it fits


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--clip", type=Path, help="sound to drop (default: the 4-s clip of the other benchmarks)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--fuzz", type=int, default=0, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    clip = options.clip or options.data / SEED_CLIP
    with tempfile.TemporaryDirectory() as name:
        figures: dict[str, Any] = heard(Path(name), clip, options.rounds)
    if options.fuzz:
        with tempfile.TemporaryDirectory() as name:
            figures["fuzz"] = fuzzed(Path(name), options.fuzz, options.seed)
    print(json.dumps(figures, indent=1))
    if options.save:
        save("app", figures)


def heard(place: Path, clip: Path, rounds: int) -> dict[str, Any]:
    """Seconds from the drop to the first match and to the last, and those of the command line."""
    firsts, wholes, commands, waits = [], [], [], []
    for number in range(rounds):
        with server(place / f"outputs-{number}") as port:
            while not json.loads(ask(port, "GET", "/api/state"))["ready"]:
                time.sleep(0.1)
            first, whole, asked = dropped(port, clip)
        firsts.append(first)
        wholes.append(whole)
        waits += asked
        commands.append(timed(ddsp_match("fit", clip, "-q", "-o", place / f"cli-{number}"))[0])
        print(f"heard after {first:.2f} s, written after {whole:.2f} s; command line {commands[-1]:.2f} s", flush=True)
    with server(place / "outputs-cold") as port:
        cold, _, _ = dropped(port, clip)
    first, command = statistics.median(firsts), statistics.median(commands)
    return {
        "clip": clip.name,
        "rounds": rounds,
        "first_heard_s": round(first, 2),
        "first_heard_cold_s": round(cold, 2),
        "written_s": round(statistics.median(wholes), 2),
        "cli_fit_s": round(command, 2),
        "ratio": round(first / command, 2),
        "ratio_cold": round(cold / command, 2),
        "answer_during_fit_ms_median": round(statistics.median(waits), 1),
        "answer_during_fit_ms_p95": round(sorted(waits)[int(0.95 * len(waits))], 1),
        "answer_during_fit_ms_worst": round(max(waits), 1),
    }


def dropped(port: int, clip: Path) -> tuple[float, float, list[float]]:
    """Drops a sound and fits it: when the first match is heard, when the run is written, how others are answered."""
    over, waits = threading.Event(), []

    def others() -> None:
        while not over.wait(ASKED_EVERY_S):
            began = time.perf_counter()
            ask(port, "GET", "/api/state")
            waits.append(1000 * (time.perf_counter() - began))

    asking = threading.Thread(target=others)
    body = clip.read_bytes()
    events = told(port)
    next(events)
    began, first = time.perf_counter(), None
    sound = json.loads(ask(port, "POST", f"/api/sounds?name={clip.name}", body))["id"]
    ask(port, "POST", "/api/fits", json.dumps({"sound": sound, "settings": {"quality": "default"}}).encode())
    asking.start()
    for event, data in events:
        if event == "best" and first is None:
            assert ask(port, "GET", data["url"])[:4] == b"RIFF"
            first = time.perf_counter() - began
        elif event == "done":
            break
        elif event == "failed":
            raise SystemExit(data)
    whole = time.perf_counter() - began
    over.set()
    asking.join()
    events.close()
    assert first is not None
    return first, whole, waits


def fuzzed(place: Path, requests: int, seed: int) -> dict[str, Any]:
    """Requests that no page would send, some of whose sounds are fitted; crashes, and files where none belong."""
    outputs, scratch = place / "outputs", place / "tmp"
    scratch.mkdir()
    subprocess.run(
        ddsp_match("fit", ROOT / "data/tabla-tun.flac", "quality=draft", "-q", "-o", outputs / "tabla"), check=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    before = {path.relative_to(place).as_posix() for path in place.rglob("*")}
    began = time.perf_counter()
    log = place.parent / f"{place.name}.log"
    with server(outputs, log, cwd=place, TMPDIR=str(scratch)) as port:
        result = Fuzz(port, sorted((ROOT / "data").glob("*.flac"))[:6], seed, fits=10).run(requests)
        while any(job["state"] in ("queued", "running") for job in json.loads(ask(port, "GET", "/api/state"))["jobs"]):
            time.sleep(0.2)
        states = [job["state"] for job in json.loads(ask(port, "GET", "/api/state"))["jobs"]]
        wrong = strays(place, outputs, before)
    options = log.read_text()
    log.unlink()
    residual = [path.name for path in scratch.iterdir()]
    for line in [*result.crashes[:5], *wrong[:5], *residual[:5]]:
        print(line)
    if "Traceback" in options:
        print(options[-3000:])
    return {
        "requests": result.requests,
        "seed": seed,
        "answers": {str(status): count for status, count in sorted(result.answers.items())},
        "fits": {state: states.count(state) for state in sorted(set(states))},
        "crashes": len(result.crashes) + options.count("Traceback"),
        "files_elsewhere": len(wrong) + len(residual),
        "seconds": round(time.perf_counter() - began, 1),
    }


@contextlib.contextmanager
def server(outputs: Path, log: Path | None = None, cwd: Path | None = None, **environment: str) -> Iterator[int]:
    """A server as a user starts it, ended with Ctrl-C."""
    command = ddsp_match("app", "--port", 0, "--no-open", "--outputs", outputs)
    with (log or Path(os.devnull)).open("w") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        )  # fmt: skip
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            port = int(line.rpartition("127.0.0.1:")[2].partition("/")[0])
            while True:
                with contextlib.suppress(OSError):
                    ask(port, "GET", "/api/runs")
                    break
            yield port
            if process.poll() is not None:
                raise SystemExit(f"the server has ended with {process.returncode}")
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(90)


def ask(port: int, method: str, path: str, body: bytes | None = None) -> bytes:
    """One request, answered."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Origin": f"http://127.0.0.1:{port}", "X-Ddsp-Match": "1"}
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status >= 400:
            raise SystemExit(f"{method} {path}: {answer.status} {content[:500]!r}")
        return content
    finally:
        connection.close()


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    main()
