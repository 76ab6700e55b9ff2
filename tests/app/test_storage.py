"""What is there again after the app has been ended or killed, and begun anew in the same folder."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from ddsp_match.app.server import App
from ddsp_match.app.storage import FOLDER
from ddsp_match.core.errors import OutputError
from tests.app.serving import Served, told, tree, until, wav

KILLED = """
import sys, threading
from pathlib import Path
from ddsp_match.app.server import App

def fit(*_, **__):
    threading.Event().wait()

app = App(Path(sys.argv[1]), 0, fit=fit, warm=False)
app.serve(lambda: print(app.port, flush=True))
"""


class Killed(Served):
    """A server in a process of its own, whose fits never end."""

    def __init__(self, outputs) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", KILLED, str(outputs)], stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        self.origin = f"http://127.0.0.1:{self.port}"

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def __enter__(self) -> Killed:
        return self


def test_a_killed_app_shows_its_sounds_names_and_queue_again(tmp_path):
    with Killed(tmp_path) as before:
        first, second = (before.drop(wav(0.3, 220 * n), f"tone {n}.wav").json["id"] for n in (1, 2))
        before.ask("PATCH", f"/api/sounds/{first}", {"name": "AC/DC"})
        jobs = [before.fit(sound, midi=60)["id"] for sound in (first, second, first)]
        until(lambda: before.job(jobs[0])["state"] == "running")
        cancelled = before.fit(second)["id"]
        before.post(f"/api/fits/{cancelled}/cancel")
        sounds = before.get("/api/state").json["sounds"]
        wave = before.get(f"/api/sounds/{first}/sound.wav").body
    with Killed(tmp_path) as again:
        state = again.get("/api/state").json
        assert state["sounds"] == sounds and [sound["name"] for sound in sounds] == ["tone 2", "AC/DC"]
        assert again.get(f"/api/sounds/{first}/sound.wav").body == wave
        assert [job["id"] for job in state["jobs"]] == jobs
        assert [job["settings"]["midi"] for job in state["jobs"]] == [60, 60, 60]
        until(lambda: [job["position"] for job in again.get("/api/state").json["jobs"]] == [0, 1, 2])
        assert again.ask("DELETE", f"/api/sounds/{second}").status == 409


def test_an_upload_in_the_midst_of_which_it_was_killed_leaves_the_others(tmp_path):
    import socket

    with Killed(tmp_path) as before:
        whole = before.drop(wav(0.3), "whole.wav").json["id"]
        sounds = tmp_path / FOLDER / "sounds"
        with socket.create_connection(("127.0.0.1", before.port)) as stream:
            own = f"Host: 127.0.0.1:{before.port}\r\nOrigin: {before.origin}\r\nX-Ddsp-Match: 1\r\n"
            stream.sendall(f"POST /api/sounds HTTP/1.1\r\n{own}Content-Length: 9999\r\n\r\n".encode() + wav()[:5000])
            until(lambda: any(path.name == "upload" and path.stat().st_size for path in sounds.glob("*/*")))
            before.process.send_signal(signal.SIGKILL)
    with Served(tmp_path) as again:
        assert [sound["id"] for sound in again.get("/api/state").json["sounds"]] == [whole]
        assert tree(sounds) == {whole, f"{whole}/sound.wav", f"{whole}/sound.json"}


def test_what_waits_when_the_app_is_ended_goes_on_in_order_the_next_time(tmp_path):
    fitted, begun = [], threading.Event()

    def until_stopped(*_, stop, on_pitch, **__):
        begun.set()
        while True:
            on_pitch(0, 1)  # ends the fit once it is told to stop
            threading.Event().wait(0.005)

    def at_once(*_, out, **__):
        fitted.append(out.name)

    with Served(tmp_path, fit=until_stopped) as served:
        jobs = [served.fit(served.drop(wav(0.2), name).json["id"])["id"] for name in "abc"]
        assert begun.wait(10)
    with Served(tmp_path, fit=at_once) as again:
        assert again.ended(jobs[-1])["state"] == "done"
    assert fitted == ["a", "b", "c"]


def test_a_fit_that_has_ended_the_app_twice_is_not_begun_again(tmp_path):
    for _ in range(2):
        with Killed(tmp_path) as served:
            if not served.get("/api/state").json["jobs"]:
                served.fit(served.drop(wav(0.2)).json["id"])
            job = served.get("/api/state").json["jobs"][0]["id"]
            until(lambda: served.job(job)["state"] == "running")  # noqa: B023  asked at once
    with Served(tmp_path) as again:
        (job,) = again.get("/api/state").json["jobs"]
        assert job["state"] == "failed" and "2 times" in job["error"]["found"] and job["error"]["try"]
        assert again.ask("DELETE", f"/api/sounds/{job['sound']}").status == 204


def test_a_second_app_in_one_folder_is_told_so(tmp_path):
    with Served(tmp_path), pytest.raises(OutputError, match=r"another app uses that folder.*--outputs"):
        App(tmp_path, 0)
    with Served(tmp_path):
        pass


def test_pages_are_told_of_sounds(tmp_path):
    with Served(tmp_path) as served:
        events = told(served.port)
        assert [next(events)[0] for _ in range(3)] == ["jobs", "sounds", "hello"]
        sound = served.drop(wav(0.2), "a.wav").json
        assert next(events) == ("sounds", {"sounds": [sound]})
        served.ask("DELETE", f"/api/sounds/{sound['id']}")
        assert next(events) == ("sounds", {"sounds": []})
