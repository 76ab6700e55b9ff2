"""A real server for tests, and what asks it."""

from __future__ import annotations

import http.client
import io
import json
import os
import threading
import time
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ddsp_match.app.limits import Limits
from ddsp_match.app.server import App
from ddsp_match.app.storage import FOLDER


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, str]:
        return self.json["error"]


class Served:
    """A server in a thread, on a port of its own.

    Args:
        outputs: Folder of its runs.
        limits: Of its uploads.
        warm: Whether it gets ready for fits at once.
        port: To serve at; 0 for any.
        fit: Fits sounds, in place of the real one.
    """

    def __init__(
        self,
        outputs: Path,
        limits: Limits | None = None,
        *,
        warm: bool = False,
        port: int = 0,
        fit: Callable[..., Any] | None = None,
    ) -> None:
        self.app = App(outputs, port, limits, fit=fit, warm=warm)
        self.port = self.app.port
        self.origin = f"http://127.0.0.1:{self.port}"
        self.kept: bool | None = None
        self.started = threading.Event()
        self.thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        self.kept = self.app.serve(self.started.set)

    def __enter__(self) -> Served:
        self.thread.start()
        assert self.started.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self.app.stop()
        self.thread.join(60)
        assert not self.thread.is_alive()

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | dict | None = None,
        *,
        headers: dict[str, str] | None = None,
        bare: bool = False,
    ) -> Reply:
        """One request as a page of the app sends it, or `bare`: with no headers but those given."""
        own = {} if bare or method in ("GET", "HEAD") else {"Origin": self.origin, "X-Ddsp-Match": "1"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            sent = json.dumps(body).encode() if isinstance(body, dict) else body
            connection.request(method, path, sent, {**own, **(headers or {})})
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, found, answer.read())
        finally:
            connection.close()

    def post(self, path: str, body: dict | None = None) -> Reply:
        return self.ask("POST", path, body or {})

    def get(self, path: str) -> Reply:
        return self.ask("GET", path)

    def drop(self, body: bytes, name: str = "tone.wav") -> Reply:
        from urllib.parse import quote

        return self.ask("POST", f"/api/sounds?name={quote(name)}", body)

    def fit(self, sound: str, quality: str = "draft", **settings: Any) -> dict:
        reply = self.ask("POST", "/api/fits", {"sound": sound, "settings": {"quality": quality, **settings}})
        assert reply.status == 201, reply.body
        return reply.json["job"]

    def job(self, job_id: str) -> dict:
        return next(job for job in self.get("/api/state").json["jobs"] if job["id"] == job_id)

    def ended(self, job_id: str) -> dict:
        """The job, once it is over."""
        for event, data in self.events():
            if event == "jobs":
                job = next(job for job in data["jobs"] if job["id"] == job_id)
                if job["state"] in ("done", "failed", "cancelled"):
                    return job
        raise AssertionError("the server ended before the fit")

    def events(self) -> Iterator[tuple[str, Any]]:
        """What is told, as it is told."""
        return told(self.port)


def wav(seconds: float = 0.4, f0_hz: float = 220.0, rate: int = 16000, channels: int = 1) -> bytes:
    """A WAV file of 16 bits with a tone of five harmonics."""
    time_s = np.arange(round(seconds * rate)) / rate
    tone = sum(0.3 / k * np.sin(2 * np.pi * f0_hz * k * time_s) for k in range(1, 6))
    samples = np.repeat((32767 * np.asarray(tone)).astype("<i2")[:, None], channels, 1)
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return made.getvalue()


def tree(folder: Path) -> set[str]:
    """All files and folders below a folder, but what the app keeps for itself in it."""
    # os.walk passes over a folder that vanishes meanwhile; rglob does not.
    paths = [Path(place, name) for place, folders, files in os.walk(folder) for name in (*folders, *files)]
    paths = [path.relative_to(folder) for path in paths]
    return {path.as_posix() for path in paths if FOLDER not in path.parts}


def until(condition: Callable[[], bool]) -> None:
    """Waits for what is sure to come."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "never came true"
        time.sleep(0.01)


def told(port: int) -> Iterator[tuple[str, Any]]:
    """What the server at a port tells its pages."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/api/events")
    answer, event = connection.getresponse(), ""
    try:
        for raw in answer:
            line = raw.decode().rstrip("\n")
            if line.startswith("event: "):
                event = line[7:]
            elif line.startswith("data: "):
                yield event, json.loads(line[6:])
    finally:
        connection.close()
