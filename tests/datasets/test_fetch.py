"""Data sets from a server, or a file, to a folder: whole, checked, or not at all."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from ddsp_match.core.errors import OutputError
from ddsp_match.datasets.fetch import FetchError, fetch, look
from ddsp_match.datasets.published import SETS
from tests.datasets.web import ARCHIVE, CLIPS, NAMES, Reply, archive, clip, serving, tiny
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]
SUMS = {
    "size_bytes": len(ARCHIVE),
    "md5": hashlib.md5(ARCHIVE).hexdigest(),
    "sha256": hashlib.sha256(ARCHIVE).hexdigest(),
}
WHOLE = {"tiny/examples.json", *(f"tiny/audio/{name}.wav" for name in NAMES)}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")


def get(url: str, below: Path, *, force: bool = False, retries: int = 3, **changes):
    """Fetch the tiny set from a server on this machine, without long waits."""
    return fetch(tiny(url, **changes), below=below, force=force, timeout_s=5, retries=retries, wait_s=0.001)


def files(below: Path) -> set[str]:
    """Everything that lies there, by relative path, but for the lock."""
    return {str(path.relative_to(below)) for path in below.rglob("*") if path.is_file()} - {".tiny.lock"}


def assert_whole(below: Path) -> None:
    assert files(below) == WHOLE
    for name, data in CLIPS.items():
        assert (below / "tiny" / "audio" / f"{name}.wav").read_bytes() == data


def test_a_set_is_fetched_checked_and_unpacked_and_nothing_else_stays(tmp_path):
    stages, told = [], []
    with serving() as web:
        here = fetch(
            tiny(web.url, **SUMS),
            below=tmp_path / "new" / "data",
            on_stage=stages.append,
            on_bytes=lambda done, total: told.append((stages[-1], done, total)),
        )
    assert_whole(tmp_path / "new" / "data")
    assert here.whole and here.clips == len(NAMES) and here.audio == tmp_path / "new" / "data" / "tiny" / "audio"
    assert stages == ["download", "verify", "unpack"]
    assert {(stage, total) for stage, done, total in told if done == total} == {(s, len(ARCHIVE)) for s in stages}
    assert web.requests[0]["user-agent"].startswith("ddsp-match/")


def test_a_set_that_is_there_is_left_alone_and_no_server_is_asked(tmp_path):
    with tarfile.open(fileobj=io.BytesIO(ARCHIVE)) as tar:
        tar.extractall(tmp_path, filter="data")
    assert fetch(tiny(), below=tmp_path).whole
    assert files(tmp_path) == WHOLE


@pytest.mark.parametrize(("damage", "says"), [("missing", "5 of 6 clips"), ("short", "bytes instead of")])
def test_a_damaged_set_is_refused_and_replaced_with_force(tmp_path, damage, says):
    victim = tmp_path / "tiny" / "audio" / f"{NAMES[2]}.wav"
    with serving() as web:
        get(web.url, tmp_path)
        victim.unlink() if damage == "missing" else victim.write_bytes(victim.read_bytes()[:-2])
        with pytest.raises(OutputError, match=f"{says}.*force=True"):
            get(web.url, tmp_path)
        assert len(web.requests) == 1
        get(web.url, tmp_path, force=True)
    assert_whole(tmp_path)


def test_a_folder_with_other_files_is_never_replaced(tmp_path):
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "thesis.tex").write_text("years of work")
    with serving() as web, pytest.raises(OutputError, match=r"thesis\.tex"):
        get(web.url, tmp_path, force=True)
    assert files(tmp_path) == {"tiny/thesis.tex"} and web.requests == []


def test_force_keeps_the_old_set_until_the_new_one_is_whole(tmp_path):
    with serving(Reply(), Reply(status=404), Reply(content=archive({NAMES[0]: clip()}))) as web:
        get(web.url, tmp_path)
        with pytest.raises(FetchError, match="404"):
            get(web.url, tmp_path, force=True)
        with pytest.raises(FetchError, match="1 of 6 clips"):
            get(web.url, tmp_path, force=True)
    (tmp_path / "tiny.jsonwav.tar.gz").unlink()
    assert_whole(tmp_path)


def test_the_archive_is_kept_where_asked_and_used_again(tmp_path):
    with serving() as web:
        fetch(tiny(web.url, **SUMS), below=tmp_path, keep_archive=True)
        shutil.rmtree(tmp_path / "tiny")
        here = fetch(tiny(web.url, **SUMS), below=tmp_path, keep_archive=True)
    assert len(web.requests) == 1 and files(tmp_path) == WHOLE | {"tiny.jsonwav.tar.gz"}
    assert here.archive.read_bytes() == ARCHIVE


def test_an_archive_of_the_user_s_is_checked_unpacked_and_left_alone(tmp_path):
    mine = tmp_path / "downloads" / "mine.tar.gz"
    mine.parent.mkdir()
    mine.write_bytes(ARCHIVE)
    fetch(tiny(**SUMS), below=tmp_path / "data", archive=mine)
    assert_whole(tmp_path / "data")
    assert mine.read_bytes() == ARCHIVE
    mine.write_bytes(ARCHIVE[:-1] + b"?")
    with pytest.raises(FetchError, match=r"the SHA256 .*another file"):
        fetch(tiny(**SUMS), below=tmp_path / "data", archive=mine, force=True)
    assert_whole(tmp_path / "data")
    with pytest.raises(FetchError, match="no file; needed: the archive of tiny"):
        fetch(tiny(), below=tmp_path, archive=tmp_path / "none")


@pytest.mark.parametrize("wrong", [{"size_bytes": 5}, {"md5": "0" * 32}, {"sha256": "0" * 64}])
def test_another_archive_than_the_published_one_is_refused_and_downloaded_anew(tmp_path, wrong):
    with serving() as web:
        with pytest.raises(FetchError, match=r"needed: (5 bytes|000)"):
            get(web.url, tmp_path, **wrong)
        assert files(tmp_path) == set()
        get(web.url, tmp_path, **SUMS)
    assert web.ranges() == [None, None]


def test_a_user_s_sha256_replaces_the_published_sums(tmp_path):
    old = {"size_bytes": 5, "md5": "0" * 32, "sha256": "0" * 64}
    with serving() as web:
        with pytest.raises(FetchError, match=f"the SHA256 {SUMS['sha256']}; needed: 1111"):
            fetch(tiny(web.url, **old), below=tmp_path, sha256="1" * 64)
        fetch(tiny(web.url, **old), below=tmp_path, sha256=SUMS["sha256"].upper())
    assert_whole(tmp_path)


def test_a_connection_that_breaks_off_is_gone_on_with(tmp_path):
    with serving(Reply(breaks_after=131072), Reply(breaks_after=65536), Reply(status=503), Reply()) as web:
        get(web.url, tmp_path, retries=2, **SUMS)
    assert web.ranges() == [None, "bytes=131072-", "bytes=196608-", "bytes=196608-"]
    assert_whole(tmp_path)


def test_a_server_without_ranges_starts_over_and_nothing_is_mixed(tmp_path):
    with serving(Reply(breaks_after=131072, ranges=False), Reply(ranges=False)) as web:
        get(web.url, tmp_path, **SUMS)
    assert_whole(tmp_path)


def test_a_server_that_gets_no_further_is_given_up_and_the_bytes_stay(tmp_path):
    with serving(Reply(breaks_after=65536), Reply(breaks_after=0)) as web:
        with pytest.raises(FetchError, match=r"breaks off.*goes on where it stopped"):
            get(web.url, tmp_path, retries=2)
    assert len(web.requests) == 3 and look(tiny(), tmp_path).downloaded_bytes == 65536


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://127.0.0.1:9/tiny.tar.gz", "a connection that fails"),
        ("file:///etc/passwd", "no address"),
        ("nsynth", "no address"),
        ("http://", "no address"),
    ],
)
def test_an_address_without_a_server_is_told(tmp_path, url, says):
    with pytest.raises(FetchError, match=says):
        get(url, tmp_path, retries=0)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_refusal_is_told_at_once_with_another_way(tmp_path, status):
    with serving(Reply(status=status)) as web:
        with pytest.raises(FetchError, match=rf"{status}.*--url https://mirror/x; or .*--archive FILE"):
            get(web.url, tmp_path, other_url="https://mirror/x")
    assert len(web.requests) == 1


def test_a_silent_server_is_told_with_the_time(tmp_path):
    with serving(Reply(stalls_after=0)) as web, pytest.raises(FetchError, match=r"no answer for 0\.05 s.*--timeout"):
        fetch(tiny(web.url), below=tmp_path, timeout_s=0.05, retries=0)


def flipped(at: int) -> bytes:
    """The archive with one bit turned over."""
    return ARCHIVE[:at] + bytes([ARCHIVE[at] ^ 1]) + ARCHIVE[at + 1 :]


def link(kind: bytes, target: str) -> bytes:
    info = tarfile.TarInfo("tiny/audio/link.wav")
    info.type, info.linkname = kind, target
    return archive(extra=(info,))


def member(name: str) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = 5
    return archive(extra=(info,))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"<html>not found</html>", id="no archive"),
        pytest.param(ARCHIVE[:-5000], id="cut"),
        pytest.param(flipped(len(ARCHIVE) // 2), id="a flipped bit"),
        pytest.param(member("../escaped"), id="out of the folder"),
        pytest.param(link(tarfile.SYMTYPE, "/etc/passwd"), id="a link out of the folder"),
        pytest.param(link(tarfile.CHRTYPE, ""), id="a device"),
        pytest.param(archive(name="other"), id="another set"),
        pytest.param(archive({**CLIPS, NAMES[0]: clip(n_samples=5)}), id="a short clip"),
    ],
)
def test_a_damaged_or_dangerous_archive_leaves_no_set_behind(tmp_path, content):
    below = tmp_path / "below"
    with serving(Reply(content=content)) as web, pytest.raises((FetchError, OutputError)):
        get(web.url, below)
    assert files(below) <= {"tiny.jsonwav.tar.gz"} and not (below / "tiny").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["below"]
    assert not [path for path in below.iterdir() if path.name.startswith(".tiny.") and path.is_dir()]


def test_a_disk_without_room_is_told_before_anything_is_downloaded(tmp_path):
    with serving() as web, pytest.raises(OutputError, match=r"free; needed: .* GB"):
        get(web.url, tmp_path, size_bytes=10**18)
    assert web.requests == []


def test_of_two_at_once_the_second_is_refused(tmp_path):
    with serving(Reply(stalls_after=1000)) as web:
        first = child(web.url, tmp_path)
        wait_for(lambda: web.requests)
        with pytest.raises(OutputError, match="another run is writing"):
            get(web.url, tmp_path)
        first.kill()
        first.communicate()
    assert len(web.requests) == 1


CHILD = """
import os, signal, sys
from pathlib import Path
from ddsp_match.datasets.fetch import fetch
from tests.datasets.web import tiny
clips = 0
def count(event, arguments):
    global clips
    if event == "open" and ".wav" in str(arguments[0]) and arguments[2] & os.O_CREAT:
        clips += 1
        print("clip", flush=True)
        if clips == 3:
            signal.pause()
if sys.argv[3:]:
    sys.addaudithook(count)
fetch(tiny(sys.argv[1]), below=Path(sys.argv[2]), on_stage=lambda stage: print(stage, flush=True))
"""


def child(url: str, below: Path, *words: str) -> subprocess.Popen:
    """`fetch` in a process of its own, which Ctrl-C reaches; with a word it stands still at the third clip."""
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, url, str(below), *words],
        cwd=ROOT,
        env=os.environ | {"no_proxy": "*"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_killed_while_it_downloads_the_next_command_asks_for_the_rest(tmp_path, number):
    part = tmp_path / "tiny.jsonwav.tar.gz.part"
    with serving(Reply(stalls_after=131072), Reply()) as web:
        process = child(web.url, tmp_path)
        wait_for(lambda: part.exists() and part.stat().st_size >= 65536)
        process.send_signal(number)
        process.communicate()
        have = part.stat().st_size
        assert part.read_bytes() == ARCHIVE[:have] and look(tiny(), tmp_path).downloaded_bytes == have
        get(web.url, tmp_path)
    assert web.ranges() == [None, f"bytes={have}-"]
    assert_whole(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_killed_while_it_unpacks_the_next_command_unpacks_again(tmp_path, number):
    with serving() as web:
        process = child(web.url, tmp_path, "stand still")
        lines = [process.stdout.readline().strip() for _ in range(6)]
        assert lines == ["download", "verify", "unpack", "clip", "clip", "clip"]
        process.send_signal(number)
        process.communicate()
        assert not (tmp_path / "tiny").exists()
        get(web.url, tmp_path)
    assert len(web.requests) == 1
    assert_whole(tmp_path)
    assert list(tmp_path.glob(".tiny.[uo]*")) == []


def test_the_official_sets_are_what_nsynth_publishes():
    assert {name: data_set.clips for name, data_set in SETS.items()} == {
        "nsynth-test": 4096,
        "nsynth-valid": 12678,
        "nsynth-train": 289205,
    }
    assert sum(data_set.clips for data_set in SETS.values()) == 305_979
    assert sum(data_set.size_bytes for data_set in SETS.values()) == 25_233_566_634
    for name, data_set in SETS.items():
        assert data_set.url == f"http://download.magenta.tensorflow.org/datasets/nsynth/{name}.jsonwav.tar.gz"
        assert data_set.clip_bytes == 128_044 and data_set.licence == "CC BY 4.0"
        assert len(data_set.md5) == 32 and len(data_set.sha256) in (0, 64)
