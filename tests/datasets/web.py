"""A web server that behaves as badly as it is told, and a small data set for it to serve."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import random
import struct
import tarfile
import threading
import wave
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ddsp_match.datasets.published import DataSet

NAMES = [f"bass_synthetic_033-{22 + n:03d}-050" for n in range(6)]
RATE, N_SAMPLES = 16000, 32000


def clip(seed: int = 0, *, rate: int = RATE, n_samples: int = N_SAMPLES, channels: int = 1) -> bytes:
    """White noise as a WAV file: it does not compress, so that an archive of it has some length."""
    rng, file = random.Random(seed), io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(channels)
        wav.setsampwidth(2)
        wav.setframerate(rate)
        wav.writeframes(
            struct.pack(f"<{n_samples * channels}h", *rng.choices(range(-9000, 9000), k=n_samples * channels))
        )
    return file.getvalue()


CLIPS = {name: clip(seed) for seed, name in enumerate(NAMES)}


def archive(
    clips: dict[str, bytes] | None = None, extra: tuple[tarfile.TarInfo, ...] = (), name: str = "tiny"
) -> bytes:
    """An archive in the form of NSynth's: folders, a table, clips."""
    file = io.BytesIO()
    clips = CLIPS if clips is None else clips
    with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as tar:
        for folder in (name, f"{name}/audio"):
            info = tarfile.TarInfo(folder)
            info.type = tarfile.DIRTYPE
            info.mode = 0o755
            tar.addfile(info)
        table = json.dumps({clip: {"pitch": 40} for clip in clips}).encode()
        members = {f"{name}/examples.json": table} | {f"{name}/audio/{clip}.wav": data for clip, data in clips.items()}
        for path, data in members.items():
            info = tarfile.TarInfo(path)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        for info in extra:
            tar.addfile(info, io.BytesIO(b"x" * info.size))
    return file.getvalue()


ARCHIVE = archive()


def tiny(url: str = "http://127.0.0.1:9/tiny.tar.gz", **changes) -> DataSet:
    """The definition of the set that `archive` makes; nothing is promised of its archive."""
    return DataSet(**({"name": "tiny", "url": url, "clips": len(NAMES), "n_samples": N_SAMPLES} | changes))


def md5_base64(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data).digest()).decode()


@dataclass
class Reply:
    """How one request is answered.

    Attributes:
        content: The whole file.
        status: Instead of 200 or 206.
        ranges: Whether ``Range`` is understood; ``"blindly"`` pays no heed to ``If-Range``.
        claims: A ``Content-Length`` that is not true.
        breaks_after: Close the connection after so many bytes of the body.
        stalls_after: Send nothing more after so many bytes of the body, until the server ends.
        etag: The version; "" sends none.
        headers: More of them.
    """

    content: bytes = ARCHIVE
    status: int = 0
    ranges: bool | str = True
    claims: int | None = None
    breaks_after: int | None = None
    stalls_after: int | None = None
    etag: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


class Web:
    """The server: the n-th request gets the n-th reply, later ones the last."""

    def __init__(self, replies: list[Reply]) -> None:
        self.replies = replies
        self.requests: list[dict[str, str]] = []
        self.ending = threading.Event()
        web = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                reply = web.replies[min(len(web.requests), len(web.replies) - 1)]
                web.requests.append({"path": self.path} | {key.lower(): value for key, value in self.headers.items()})
                with contextlib.suppress(ConnectionError):
                    web.answer(self, reply)
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/tiny.tar.gz"

    def answer(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        content = reply.content
        etag = f'"{hashlib.md5(content).hexdigest()}"' if reply.etag is None else reply.etag
        start, status = 0, reply.status or 200
        wanted, version = handler.headers.get("Range"), handler.headers.get("If-Range")
        if wanted and reply.ranges and not reply.status and (reply.ranges == "blindly" or version in (None, etag)):
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            status = 206 if start < len(content) else 416
        body = b"" if status == 416 or status >= 300 else content[start:]
        handler.send_response(status)
        if status in (206, 416):
            span = "*" if status == 416 else f"{start}-{len(content) - 1}"
            handler.send_header("Content-Range", f"bytes {span}/{len(content)}")
        if etag:
            handler.send_header("ETag", etag)
        handler.send_header("Content-Length", str(len(body) if reply.claims is None or start else reply.claims))
        for key, value in reply.headers.items():
            handler.send_header(key, value)
        handler.end_headers()
        handler.wfile.write(body[: next((n for n in (reply.breaks_after, reply.stalls_after) if n is not None), None)])
        handler.wfile.flush()
        if reply.stalls_after is not None:
            self.ending.wait(60)

    def ranges(self) -> list[str | None]:
        """What part each request asked for."""
        return [request.get("range") for request in self.requests]


@contextlib.contextmanager
def serving(*replies: Reply) -> Iterator[Web]:
    """A server at 127.0.0.1, on a free port."""
    web = Web(list(replies) or [Reply()])
    thread = threading.Thread(target=web.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield web
    finally:
        web.ending.set()
        web.server.shutdown()
        web.server.server_close()
        thread.join()
