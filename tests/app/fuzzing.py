"""Requests that no page would send: damaged sounds, hostile names, crooked addresses, any JSON, no HTTP at all."""

from __future__ import annotations

import http.client
import json
import random
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ddsp_match.app.storage import FOLDER
from tests.app.hostile import NAMES, STEPS, VALUES
from tests.app.serving import wav


@dataclass
class Found:
    """What came of it.

    Attributes:
        requests: How many were sent.
        answers: How many of each status; 0 where the server hung up on what was no HTTP.
        crashes: Requests that met a bug, or got no answer.
    """

    requests: int = 0
    answers: Counter = field(default_factory=Counter)
    crashes: list[str] = field(default_factory=list)


class Fuzz:
    """Sends requests by chance, the same ones for the same seed.

    Args:
        port: Of the server.
        sounds: Sound files to damage.
        seed: Of the chance.
        fits: One in so many sounds that are taken is fitted, too; 0 for none.
    """

    def __init__(self, port: int, sounds: Sequence[Path], seed: int = 0, fits: int = 0) -> None:
        self.port, self.rng, self.fits = port, random.Random(seed), fits
        self.sounds = [wav(0.2), wav(0.15, channels=2), *(path.read_bytes()[:60_000] for path in sounds)]
        self.ids: list[str] = ["none"]
        self.runs: list[str] = ["none"]
        self.taken = 0
        self.found = Found()

    def run(self, requests: int) -> Found:
        """Sends so many."""
        self.runs += [run["id"] for run in json.loads(self._send("GET", "/api/runs")[1])["runs"]]
        kinds: list[tuple[Callable[[], None], int]] = [
            (self.upload, 8),
            (self.address, 4),
            (self.order, 3),
            (self.edit, 3),
            (self.query, 3),
            (self.stranger, 2),
            (self.garbage, 2),
        ]
        chosen = self.rng.choices([kind for kind, _ in kinds], [weight for _, weight in kinds], k=requests)
        for kind in chosen:
            kind()
            self.found.requests += 1
        return self.found

    def upload(self) -> None:
        name = self.rng.choice(NAMES) if self.rng.random() < 0.7 else self._text()
        body = self._damaged()
        target = f"/api/sounds?name={quote(name.encode('utf-8', 'surrogatepass'))}"
        status, answer = self._told("POST", target, body)
        if status == 201:
            sound = json.loads(answer)["id"]
            self.ids = [*self.ids[-20:], sound]
            self.taken += 1
            if self.fits and self.taken % self.fits == 0:
                self._told("POST", "/api/fits", json.dumps({"sound": sound, "settings": {"quality": "draft"}}).encode())

    def address(self) -> None:
        path = "/" + "/".join(self.rng.choices(STEPS, k=self.rng.randint(1, 6)))
        if path.rstrip("/").endswith("/events"):
            return  # which is told for ever
        self._told(
            self.rng.choice(("GET", "POST", "DELETE", "PUT", "HEAD", "OPTIONS", "PATCH", "TRACE")), quote(path, "/%*~")
        )

    def order(self) -> None:
        settings = {key: self._value() for key in self.rng.sample(("quality", "effects", "seed"), 2)}
        order = {"sound": self._value(), "settings": self.rng.choice((settings, self._value()))}
        self._told("POST", "/api/fits", self._json(order))
        self._told("POST", f"/api/fits/{quote(str(self._value())[:50].encode('utf-8', 'replace'))}/cancel", b"")

    def edit(self) -> None:
        names = ("transpose", "stretch", "hold", "freeze", "trim", "noise", "vibrato", "f0_curve", "separate", "")
        keys = (
            "semitones",
            "factor",
            "seconds",
            "at_s",
            "start_s",
            "stop_s",
            "db",
            "formant",
            "times_s",
            "f0_hz",
            "depth_cents",
        )
        number = (0, 1, -3.5, 0.5, 2, 700, self._value())
        edits = [
            {
                "name": self.rng.choice(names),
                "values": {self.rng.choice(keys): self.rng.choice(number) for _ in range(self.rng.randint(0, 2))},
            }
            for _ in range(self.rng.randint(0, 3))
        ]
        order = {"edits": self.rng.choice((edits, edits, self._value()))}
        self._told("POST", f"/api/runs/{self.rng.choice(self.runs)}/edits", self._json(order))

    def query(self) -> None:
        run, sound = self.rng.choice(self.runs), self.rng.choice(self.ids)
        path = self.rng.choice(
            (
                f"runs/{run}/match.wav",
                f"runs/{run}/spectrogram.png",
                f"runs/{run}/export/midi",
                f"runs/{run}/export/csv",
                f"runs/{run}/level",
                f"runs/{run}/f0.json",
                f"runs/{run}/voice.json",
                f"sounds/{sound}/sound.wav",
                f"sounds/{sound}/spectrogram.png",
                f"runs/{run}",
            )
        )
        words = ("edit", "which", "dark", "every", "bend_range", "download", "name", "out", "force", "sample_rate")
        query = "&".join(
            f"{self.rng.choice(words)}={quote(str(self._value()).encode('utf-8', 'replace'))}"
            for _ in range(self.rng.randint(0, 3))
        )
        headers = {
            "Range": self.rng.choice(("bytes=0-1", "bytes=5-1", "bytes=-", "bytes=9999999999-", "x", "bytes=0-0,2-3"))
        }
        self._told("GET", f"/api/{path}?{query}", headers=headers if self.rng.random() < 0.5 else {})

    def stranger(self) -> None:
        headers = self.rng.choice(
            (
                {"Host": "evil.example"},
                {"Origin": "http://evil.example"},
                {"Origin": "null"},
                {"X-Ddsp-Match": "2"},
                {"Sec-Fetch-Site": "cross-site"},
                {"Content-Length": "-1"},
                {"Content-Length": "9" * 30},
                {"Content-Length": "0x10"},
            )
        )
        status, _ = self._told("POST", "/api/sounds?name=a", self._damaged()[:2000], headers=headers)
        if status == 201:
            self.found.crashes.append(f"a stranger was let in: {headers}")

    def garbage(self) -> None:
        host = f"127.0.0.1:{self.port}"
        own = f"POST /api/sounds?name=a HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nX-Ddsp-Match: 1\r\n"
        sent = self.rng.choice(
            (
                self.rng.randbytes(self.rng.randint(1, 2000)),
                b"GET / HTTP/9.9\r\n\r\n",
                b"GET  HTTP/1.1\r\n\r\n",
                b"\r\n" * 50,
                f"{own}Transfer-Encoding: chunked\r\n\r\nzz\r\n".encode(),
                f"{own}Content-Length: 5000\r\n\r\nabc".encode(),
                f"{own}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc".encode(),
                f"{own}X: {'y' * 100_000}\r\n\r\n".encode(),
            )
        )
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as stream:
            try:
                stream.sendall(sent)
                stream.shutdown(socket.SHUT_WR)
                head = stream.recv(12)
            except OSError:
                head = b""
        status = int(head[9:12]) if head[9:12].isdigit() else 0
        self.found.answers[status] += 1
        if status == 500:
            self.found.crashes.append(f"{sent[:80]!r}: 500")

    def _damaged(self) -> bytes:
        rng = self.rng
        body = bytearray(rng.choice(self.sounds))
        way = rng.randint(0, 6)
        if way == 0:
            return rng.randbytes(rng.randint(0, 3000))
        if way == 1:
            return bytes(body[: rng.randint(0, len(body))])
        if way == 2:  # the header lies
            for _ in range(rng.randint(1, 6)):
                body[rng.randrange(min(64, len(body)))] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
        elif way == 3:
            for _ in range(rng.randint(1, 200)):
                body[rng.randrange(len(body))] = rng.randrange(256)
        elif way == 4:
            body += rng.randbytes(rng.randint(1, 5000))
        elif way == 5:
            at = rng.randrange(len(body))
            del body[at : at + rng.randint(1, 5000)]
        return bytes(body)

    def _json(self, value: Any) -> bytes:
        body = json.dumps(value).encode()
        return self._cut(body) if self.rng.random() < 0.15 else body

    def _cut(self, body: bytes) -> bytes:
        return body[: self.rng.randint(0, len(body))] + self.rng.randbytes(self.rng.randint(0, 3))

    def _value(self) -> Any:
        return self.rng.choice((*VALUES, self.rng.choice(self.ids), self._text()))

    def _text(self) -> str:
        return "".join(
            chr(self.rng.choice((self.rng.randrange(1, 128), self.rng.randrange(1, 0xD7FF))))
            for _ in range(self.rng.randint(0, 30))
        )

    def _told(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Sends one, and takes down how it was answered."""
        try:
            status, answer = self._send(method, path, body, headers)
        except (OSError, http.client.HTTPException) as error:
            # What is no HTTP may be hung up on before its body was read; anything else is to be answered.
            status, answer = 0 if "Content-Length" in (headers or {}) else -1, repr(error).encode()
        self.found.answers[status] += 1
        if status in (-1, 500):
            self.found.crashes.append(f"{method} {path[:200]} {(body or b'')[:100]!r}: {status} {answer[:300]!r}")
        return status, answer

    def _send(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        own = {"Origin": f"http://127.0.0.1:{self.port}", "X-Ddsp-Match": "1"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, {**own, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (BrokenPipeError, ConnectionResetError):
            # It may answer, and hang up, before it has read a body that it will not take.
            if connection.sock is None:
                raise
            answer = http.client.HTTPResponse(connection.sock, method=method)
            answer.begin()
            return answer.status, answer.read()
        finally:
            connection.close()


def strays(place: Path, outputs: Path, before: set[str]) -> list[str]:
    """Files below a place that the server must not have made: neither in a run nor in a folder of its own."""
    found = []
    for path in place.rglob("*"):
        name = path.relative_to(place).as_posix()
        parts = path.relative_to(place).parts
        scratch = FOLDER in parts or any(part.startswith("ddsp-match-app-") for part in parts)
        if name in before or scratch or path == outputs:
            continue
        run = outputs / path.relative_to(outputs).parts[0] if path.is_relative_to(outputs) else None
        if run is None or not run.is_dir() or not (run / "metrics.json").is_file():
            found.append(name)
    return found
