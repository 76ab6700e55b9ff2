"""Dropping sounds."""

from __future__ import annotations

import contextlib
import socket

import pytest

from ddsp_match.app.limits import Limits
from ddsp_match.app.pictures import axes
from ddsp_match.app.sounds import label
from tests.app.serving import Served, tree, until, wav


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    limits = Limits(n_bytes=200_000, seconds=3.0, n_sounds=3)
    with Served(tmp_path_factory.mktemp("sounds") / "outputs", limits) as served:
        yield served


def test_a_sound_is_taken_and_played_back(served):
    reply = served.drop(wav(0.5, channels=2), "my tone.wav")
    sound = reply.json
    assert reply.status == 201 and sound["name"] == "my tone" and sound["channels"] == 2
    assert sound["seconds"] == pytest.approx(0.5) and sound["sample_rate"] == 16000
    whole = served.get(f"/api/sounds/{sound['id']}/sound.wav")
    assert whole.body[:4] == b"RIFF" and whole.headers["content-type"] == "audio/wav"
    part = served.ask("GET", f"/api/sounds/{sound['id']}/sound.wav", headers={"Range": "bytes=10-19"})
    assert part.status == 206 and part.body == whole.body[10:20]
    assert served.get(f"/api/sounds/{sound['id']}/spectrogram.png?dark=1").body[:8] == b"\x89PNG\r\n\x1a\n"
    assert served.ask("DELETE", f"/api/sounds/{sound['id']}").status == 204
    assert served.get(f"/api/sounds/{sound['id']}/sound.wav").status == 404


@pytest.mark.parametrize(("n_samples", "rate"), [(1600, 16000), (51_200, 16000), (700_001, 44100), (5_292_000, 44100)])
def test_the_axes_of_a_picture_are_those_of_the_picture(n_samples, rate):
    import numpy as np

    from ddsp_match.report.pictures import spectrogram

    assert axes(n_samples, rate)["last_s"] == spectrogram(np.zeros(n_samples, np.float32), rate).last_s


def test_what_is_no_sound_is_refused_in_words(served):
    before = tree(served.app.services.sounds.folder)
    for body in (b"", b"no sound", b"RIFF\x00\x00\x00\x00WAVEfmt ", b"fLaC" + bytes(100), wav()[:50], bytes(5000)):
        reply = served.drop(body)
        assert reply.status == 400 and reply.error["found"] and reply.error["needed"], body[:10]
        assert "/" not in reply.error["found"]
    assert tree(served.app.services.sounds.folder) == before


def test_a_file_that_is_too_large_or_a_sound_that_is_too_long_is_refused(served):
    before = tree(served.app.services.sounds.folder)
    large = served.drop(wav(0.5) + bytes(200_000))
    assert large.status == 413 and "MB" in large.error["needed"]
    long = served.drop(wav(3.1, rate=8000))
    assert long.status == 413 and long.error == {
        "found": "3.1 s of sound", "needed": "at most 3 s", "try": "a shorter piece of it"
    }  # fmt: skip
    assert tree(served.app.services.sounds.folder) == before


def _raw(served, head: str, body: bytes = b"") -> socket.socket:
    stream = socket.create_connection(("127.0.0.1", served.port), timeout=10)
    own = f"Host: 127.0.0.1:{served.port}\r\nOrigin: {served.origin}\r\nX-Ddsp-Match: 1\r\n"
    stream.sendall(f"POST /api/sounds?name=a HTTP/1.1\r\n{own}{head}\r\n\r\n".encode() + body)
    return stream


def test_size_is_counted_where_none_was_announced(served):
    with _raw(served, "Transfer-Encoding: chunked") as stream:
        for _ in range(40):
            stream.sendall(b"4000\r\n" + bytes(0x4000) + b"\r\n")
        reply = b"".join(iter(lambda: stream.recv(1000), b""))  # to its end: it hangs up
    head, _, body = reply.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413") and b"connection: close" in head.lower() and b"MB" in body


def test_what_is_refused_is_not_read_to_its_end(served):
    chunk, sent = b"100000\r\n" + bytes(1 << 20) + b"\r\n", 0
    with _raw(served, "Transfer-Encoding: chunked") as stream, contextlib.suppress(OSError):
        for _ in range(200):
            stream.sendall(chunk)
            sent += 1
    assert sent < 50
    with _raw(served, "Content-Length: 999999999") as stream:
        assert stream.recv(100).startswith(b"HTTP/1.1 413")


def test_an_upload_that_breaks_off_leaves_nothing(served):
    before = tree(served.app.services.sounds.folder)
    with _raw(served, "Content-Length: 100000", wav()[:5000]):
        until(lambda: tree(served.app.services.sounds.folder) > before)
    until(lambda: tree(served.app.services.sounds.folder) == before)


def test_an_upload_that_stalls_is_given_up(tmp_path):
    with (
        Served(tmp_path, Limits(stall_s=0.2)) as served,
        _raw(served, "Content-Length: 100000", wav()[:5000]) as stream,
    ):
        assert stream.recv(100).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("AC/DC riff 1/2.wav", "AC/DC riff 1/2"),
        ("a:b*c?\\d.flac", "a:b*c?\\d"),
        ("../../etc/passwd", "../../etc/passwd"),
        ("a\x00b\x1b[31m.wav", "ab[31m"),
        ("", "sound"),
        ("...", "..."),
        ("\u202egnp.wav", "gnp"),
        ("v1.2 take", "v1.2 take"),
        ("x" * 500, "x" * 120),
    ],
)
def test_a_name_is_only_a_label(name, shown):
    assert label(name) == shown


def test_the_oldest_are_forgotten_but_not_those_that_are_needed(served):
    first, second = (served.drop(wav(0.2)).json["id"] for _ in range(2))
    served.app.services.sounds.get(first).needed = 1
    for _ in range(3):
        served.drop(wav(0.2))
    there = [sound["id"] for sound in served.get("/api/state").json["sounds"]]
    assert first in there and second not in there and len(there) <= 4
    assert served.ask("DELETE", f"/api/sounds/{first}").status == 409
