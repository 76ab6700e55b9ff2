"""One file over HTTP from servers that behave badly."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import time
import types
import urllib.error
import urllib.request

import pytest

from ddsp_match.download.problems import FetchError
from ddsp_match.download.reply import note_of, read_note
from ddsp_match.download.transfer import Patience, download
from ddsp_match.errors import OutputError
from tests.download.web import ARCHIVE, CLIPS, NAMES, Reply, archive, clip, md5_base64, serving

QUICK = Patience(timeout_s=5, retries=3, wait_s=0.001)
HALF = len(ARCHIVE) // 2


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def part(tmp_path):
    return tmp_path / "tiny.tar.gz.part"


def test_a_file_comes_whole_and_the_server_learns_who_asks(part):
    heard = []
    with serving() as web:
        remote = download(web.url, part, patience=QUICK, on_bytes=lambda *now: heard.append(now))
    assert part.read_bytes() == ARCHIVE and remote.size_bytes == len(ARCHIVE)
    assert heard[0] == (0, len(ARCHIVE)) and heard[-1] == (len(ARCHIVE), len(ARCHIVE))
    assert web.requests[0]["user-agent"].startswith("ddsp-match/")
    assert web.requests[0]["accept-encoding"] == "identity"


def test_a_connection_that_breaks_off_is_taken_up_where_it_ended(part):
    notes = []
    with serving(Reply(breaks_after=100_000), Reply(breaks_after=50_000), Reply()) as web:
        download(web.url, part, patience=QUICK, on_note=notes.append)
    assert part.read_bytes() == ARCHIVE
    assert web.ranges() == [None, "bytes=100000-", "bytes=150000-"]
    assert web.requests[1]["if-range"] == web.requests[2]["if-range"] != ""
    assert len(notes) == 2 and "100,000 of" in notes[0]


def test_failures_count_only_while_nothing_new_comes(part):
    steps = [Reply(breaks_after=20_000)] * 8  # each brings something: more than the three failures in a row allowed
    with serving(*steps, Reply()) as web:
        download(web.url, part, patience=QUICK)
    assert part.read_bytes() == ARCHIVE and len(web.requests) == 9


def test_a_server_that_never_gets_further_is_given_up_and_what_came_stays(part):
    with serving(Reply(breaks_after=HALF, ranges=False)) as web, pytest.raises(FetchError, match="breaks off"):
        download(web.url, part, patience=QUICK)
    assert len(web.requests) == 1 + QUICK.retries
    assert part.read_bytes() == ARCHIVE[:HALF] and read_note(part).size_bytes == len(ARCHIVE)


def test_a_server_without_ranges_starts_over_and_nothing_is_mixed(part):
    notes = []
    with serving(Reply(breaks_after=HALF, ranges=False), Reply(ranges=False)) as web:
        download(web.url, part, patience=QUICK, on_note=notes.append)
    assert part.read_bytes() == ARCHIVE and web.ranges() == [None, f"bytes={HALF}-"]
    assert any("no way to go on" in note for note in notes)


@pytest.mark.parametrize("ranges", [True, "blindly"])
def test_a_file_that_changed_meanwhile_starts_over(part, ranges):
    other = archive({**CLIPS, NAMES[0]: clip(99)})  # as long as the first, almost
    assert len(other) > HALF
    with serving(Reply(breaks_after=HALF), Reply(content=other, ranges=ranges)) as web:
        download(web.url, part, patience=QUICK)
    assert part.read_bytes() == other
    assert web.ranges()[1] == f"bytes={HALF}-"


def test_a_file_that_became_shorter_than_what_is_here_starts_over(part):
    with serving(Reply(breaks_after=HALF), Reply(content=b"short", ranges="blindly")) as web:
        download(web.url, part, patience=QUICK)
    assert part.read_bytes() == b"short"
    assert web.ranges() == [None, f"bytes={HALF}-", None]


def test_without_a_version_the_pieces_are_never_put_together(part):
    with serving(Reply(breaks_after=HALF, etag=""), Reply(etag="", ranges="blindly")) as web:
        download(web.url, part, patience=QUICK)
    assert part.read_bytes() == ARCHIVE and web.ranges() == [None, None]


def test_a_weak_version_is_no_version_but_a_date_is(part):
    dated = {"Last-Modified": "Fri, 07 Apr 2017 22:25:10 GMT"}
    weak = Reply(breaks_after=HALF, etag='W/"1"', headers=dated)
    with serving(weak, Reply(etag='W/"1"', headers=dated, ranges="blindly")) as web:
        download(web.url, part, patience=QUICK)
    assert part.read_bytes() == ARCHIVE and web.requests[1]["if-range"] == dated["Last-Modified"]


def test_another_address_of_the_same_version_goes_on(part):
    with serving(Reply(breaks_after=HALF)) as web, pytest.raises(FetchError):
        download(web.url, part, patience=Patience(retries=0))
    with serving() as mirror:
        download(mirror.url, part, patience=QUICK)
    assert part.read_bytes() == ARCHIVE and mirror.ranges() == [f"bytes={HALF}-"]


def test_a_date_alone_does_not_tell_the_files_of_two_addresses_apart(part):
    dated = {"etag": "", "headers": {"Last-Modified": "Fri, 07 Apr 2017 22:25:10 GMT"}}
    with serving(Reply(breaks_after=HALF, **dated)) as web, pytest.raises(FetchError):
        download(web.url, part, patience=Patience(retries=0))
    with serving(Reply(ranges="blindly", **dated)) as other:
        download(other.url, part, patience=QUICK)
    assert part.read_bytes() == ARCHIVE and other.ranges() == [None]


def test_bytes_that_nobody_knows_the_origin_of_are_not_built_upon(part):
    part.write_bytes(b"z" * 1000)
    with serving() as web:
        download(web.url, part, patience=QUICK)
    assert part.read_bytes() == ARCHIVE and web.ranges() == [None]
    note_of(part).write_text("{torn")
    part.write_bytes(b"z" * 1000)
    with serving() as web:
        download(web.url, part, patience=QUICK)
    assert part.read_bytes() == ARCHIVE and web.ranges() == [None]


def test_a_whole_part_is_not_asked_for_again(part):
    with serving() as web:
        download(web.url, part, patience=QUICK)
        download(web.url, part, patience=QUICK)
    assert len(web.requests) == 1


def test_a_server_that_promises_more_than_it_has_is_believed_when_it_says_how_long_the_file_is(part):
    with serving(Reply(claims=len(ARCHIVE) + 5000)) as web:
        download(web.url, part, patience=QUICK)
    assert part.read_bytes() == ARCHIVE
    assert web.ranges() == [None, f"bytes={len(ARCHIVE)}-"]


@pytest.mark.parametrize("claims", [len(ARCHIVE) + 5000, len(ARCHIVE) - 5000])
def test_a_length_that_differs_from_the_known_one_is_refused_before_anything_is_written(part, claims):
    with serving(Reply(claims=claims, headers={"Content-Type": "text/html"})) as web:
        with pytest.raises(FetchError, match=rf"{claims:,} bytes \(text/html\); needed: {len(ARCHIVE):,} bytes; try: "):
            download(web.url, part, patience=QUICK, size_bytes=len(ARCHIVE))
    assert not part.exists() and len(web.requests) == 1


def test_another_md5_than_the_known_one_is_refused_before_anything_is_written(part):
    with serving(Reply(headers={"x-goog-hash": f"crc32c=AAAAAA==,md5={md5_base64(b'other')}"})) as web:
        with pytest.raises(FetchError, match="795f3202b17cb6bc3d4b771d8c6c9eaf; needed: 0123"):
            download(web.url, part, patience=QUICK, md5="0123")
    assert not part.exists()


@pytest.mark.parametrize(
    ("status", "says"), [(404, "404 .*--archive"), (403, "403 .*proxy"), (410, "410"), (503, "503 .*later")]
)
def test_refusals_say_what_to_do(part, status, says):
    with serving(Reply(status=status)) as web, pytest.raises(FetchError, match=says):
        download(web.url, part, patience=QUICK, otherwise="ddsp-match data tiny --archive FILE")
    assert len(web.requests) == (1 + QUICK.retries if status == 503 else 1)
    assert not part.exists()


def test_a_server_in_trouble_is_asked_again(part):
    with serving(Reply(status=503), Reply(status=429), Reply()) as web:
        download(web.url, part, patience=QUICK)
    assert part.read_bytes() == ARCHIVE and len(web.requests) == 3


def test_a_server_that_falls_silent_is_left_after_the_timeout_and_taken_up_again(part):
    with serving(Reply(stalls_after=131072), Reply()) as web:
        download(web.url, part, patience=Patience(timeout_s=1, retries=1, wait_s=0.001))
    assert part.read_bytes() == ARCHIVE and web.ranges() == [None, "bytes=131072-"]


def test_a_server_that_stays_silent_is_an_error_that_names_the_time(part):
    started = time.monotonic()
    with serving(Reply(stalls_after=0)) as web, pytest.raises(FetchError, match=r"no answer for 0\.1 s.*--timeout"):
        download(web.url, part, patience=Patience(timeout_s=0.1, retries=3, wait_s=0.001))
    assert len(web.requests) == 4 and time.monotonic() - started < 20


def test_nobody_listening_is_said_at_once(part):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    waited = []
    with pytest.raises(FetchError, match=rf"127\.0\.0\.1:{port}.*nobody who answers.*--archive"):
        download(f"http://127.0.0.1:{port}/x", part, otherwise="--archive", on_note=waited.append)
    assert waited == []


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (socket.gaierror(-3, "Temporary failure"), "no address for sets.example; needed: a connection"),
        (ssl.SSLCertVerificationError(1, "self-signed certificate"), "cannot be trusted .*self-signed.*clock"),
    ],
)
def test_offline_and_tls_trouble_are_told_apart_and_not_tried_again(part, monkeypatch, error, says):
    calls = []

    def refuse(*_, **__):
        calls.append(1)
        raise urllib.error.URLError(error)

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", refuse)
    with pytest.raises(FetchError, match=says):
        download("https://sets.example/a.tar.gz", part, otherwise="--archive FILE")
    assert len(calls) == 1


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/x", "nsynth", "http://", "http://["])
def test_only_the_web_is_fetched_from(part, url):
    with pytest.raises(FetchError, match="no address on the web"):
        download(url, part)


def test_a_redirect_is_followed_and_the_range_goes_along(part):
    with serving(Reply(breaks_after=HALF), Reply()) as there:
        with serving(Reply(status=302, headers={"Location": there.url})) as here:
            download(here.url, part, patience=QUICK)
    assert part.read_bytes() == ARCHIVE
    assert here.ranges() == there.ranges() == [None, f"bytes={HALF}-"]


def test_a_proxy_of_the_environment_is_asked(part, monkeypatch):
    monkeypatch.delenv("no_proxy")
    with serving() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        download("http://sets.example/tiny.tar.gz", part, patience=QUICK)
    assert part.read_bytes() == ARCHIVE and proxy.requests[0]["path"] == "http://sets.example/tiny.tar.gz"


def test_a_disk_without_room_is_said_before_anything_is_written(part, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: types.SimpleNamespace(free=len(ARCHIVE) + 999))
    with serving() as web:
        with pytest.raises(OutputError, match=r"KB free; needed: .* KB for the archive .*try: making room"):
            download(web.url, part, patience=QUICK, reserve_bytes=1000)
        assert not part.exists()
        download(web.url, part, patience=QUICK, reserve_bytes=999)


def test_a_disk_that_fills_up_is_no_broken_connection(part, monkeypatch):
    class Full:
        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, _):
            raise OSError(28, "No space left on device")

    real = type(part).open
    monkeypatch.setattr(
        type(part), "open", lambda self, *a, **k: Full(real(self, *a, **k)) if a == ("ab",) else real(self, *a, **k)
    )
    with serving() as web, pytest.raises(OutputError, match="no space left on device; needed: a disk with room"):
        download(web.url, part, patience=QUICK)
    assert len(web.requests) == 1


def test_the_note_says_which_version_the_bytes_are_of(part):
    sums = {"x-goog-hash": f"crc32c=AAAAAA==,md5={md5_base64(ARCHIVE)}"}
    with serving(Reply(breaks_after=HALF, headers=sums)) as web, pytest.raises(FetchError):
        download(web.url, part, patience=Patience(retries=0))
    note = json.loads(note_of(part).read_text())
    assert note["url"] == web.url and note["size_bytes"] == len(ARCHIVE)
    assert note["etag"] == f'"{note["md5"]}"'
