"""Data sets from a server, or a file, to a folder: whole, checked, or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import types
from pathlib import Path

import pytest

from ddsp_match.download.here import RECORD, look
from ddsp_match.download.problems import FetchError
from ddsp_match.download.reply import note_of
from ddsp_match.download.sets import SETS
from ddsp_match.download.transfer import Patience
from ddsp_match.errors import OutputError
from ddsp_match.tasks.fetch import fetch
from tests.download.web import ARCHIVE, CLIPS, NAMES, Reply, archive, clip, md5_base64, serving, tiny
from tests.waiting import wait_for

QUICK = Patience(timeout_s=5, retries=3, wait_s=0.001)
ROOT = Path(__file__).parents[2]
LENGTH_AND_SUMS = {
    "size_bytes": len(ARCHIVE),
    "md5": hashlib.md5(ARCHIVE).hexdigest(),
    "sha256": hashlib.sha256(ARCHIVE).hexdigest(),
}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")


def files(below: Path) -> set[str]:
    """Everything that lies there, by relative path."""
    return {str(path.relative_to(below)) for path in below.rglob("*") if path.is_file()}


WHOLE = {"tiny/examples.json", f"tiny/{RECORD}", *(f"tiny/audio/{name}.wav" for name in NAMES)}


def assert_whole(below: Path) -> None:
    assert files(below) == WHOLE
    for name, data in CLIPS.items():
        assert (below / "tiny" / "audio" / f"{name}.wav").read_bytes() == data


def test_a_set_is_fetched_checked_and_unpacked_and_nothing_else_stays(tmp_path):
    stages, heard = [], []
    with serving() as web:
        fetched = fetch(
            tiny(web.url, **LENGTH_AND_SUMS),
            below=tmp_path / "new" / "data",
            patience=QUICK,
            on_stage=stages.append,
            on_bytes=lambda done, total: heard.append((stages[-1], done, total)),
        )
    assert_whole(tmp_path / "new" / "data")
    assert not fetched.already and fetched.here.clips == len(NAMES) and fetched.archive is None
    assert fetched.checks == ["length", "md5", "sha256"] and fetched.sha256 == LENGTH_AND_SUMS["sha256"]
    assert stages == ["download", "verify", "unpack"]
    assert {(stage, total) for stage, done, total in heard if done == total} == {
        (stage, len(ARCHIVE)) for stage in stages
    }


def test_what_was_fetched_is_written_down(tmp_path):
    with serving(Reply(headers={"Last-Modified": "Fri, 07 Apr 2017 22:25:10 GMT"})) as web:
        fetch(tiny(web.url, licence="CC BY 4.0"), below=tmp_path, patience=QUICK)
    record = json.loads((tmp_path / "tiny" / RECORD).read_text())
    assert record["sha256"] == LENGTH_AND_SUMS["sha256"] and record["md5"] == LENGTH_AND_SUMS["md5"]
    assert record["source"] == web.url and record["size_bytes"] == len(ARCHIVE) and record["clips"] == len(NAMES)
    assert record["modified"].startswith("Fri, 07 Apr") and record["licence"] == "CC BY 4.0"


def test_what_is_there_is_left_alone_and_nobody_is_asked(tmp_path, monkeypatch):
    with serving() as web:
        fetch(tiny(web.url), below=tmp_path, patience=QUICK)
        again = fetch(tiny(web.url), below=tmp_path, patience=QUICK)
        monkeypatch.setattr(Path, "mkdir", None)  # not even on a disk that is for reading only
        assert fetch(tiny(web.url), below=tmp_path).already
    assert again.already and again.sha256 == LENGTH_AND_SUMS["sha256"] and again.here.clips == len(NAMES)
    assert len(web.requests) == 1


def test_a_set_unpacked_by_hand_is_there_too(tmp_path):
    with tarfile.open(fileobj=io.BytesIO(ARCHIVE)) as tar:
        tar.extractall(tmp_path, filter="data")
    assert fetch(tiny(), below=tmp_path).already


@pytest.mark.parametrize("damage", ["missing", "short", "other form"])
def test_a_damaged_set_is_refused_and_replaced_with_force(tmp_path, damage):
    victim = tmp_path / "tiny" / "audio" / f"{NAMES[2]}.wav"
    with serving() as web:
        fetch(tiny(web.url), below=tmp_path, patience=QUICK)
        if damage == "missing":
            victim.unlink()
        elif damage == "short":
            victim.write_bytes(victim.read_bytes()[:-2])
        else:
            victim.write_bytes(clip(rate=44100))
            (tmp_path / "tiny" / RECORD).unlink()
        says = {"missing": "5 of 6 clips", "short": "cut short", "other form": "44100 Hz"}[damage]
        with pytest.raises(OutputError, match=f"{says}.*--force"):
            fetch(tiny(web.url), below=tmp_path, patience=QUICK)
        assert len(web.requests) == 1
        fetch(tiny(web.url), below=tmp_path, patience=QUICK, force=True)
    assert_whole(tmp_path)


def test_a_folder_of_somebody_s_is_never_replaced(tmp_path):
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "thesis.tex").write_text("years of work")
    with serving() as web, pytest.raises(OutputError, match=r"thesis\.tex"):
        fetch(tiny(web.url), below=tmp_path, patience=QUICK, force=True)
    assert files(tmp_path) == {"tiny/thesis.tex"} and web.requests == []


def test_force_keeps_the_old_set_until_the_new_one_is_whole(tmp_path):
    with serving(Reply(), Reply(status=404)) as web:
        fetch(tiny(web.url), below=tmp_path, patience=QUICK)
        with pytest.raises(FetchError, match="404"):
            fetch(tiny(web.url), below=tmp_path, patience=QUICK, force=True)
    assert_whole(tmp_path)


def test_a_set_that_changed_since_is_told(tmp_path):
    notes, other = [], archive({**CLIPS, NAMES[0]: clip(99)})
    with serving(Reply(), Reply(content=other)) as web:
        fetch(tiny(web.url), below=tmp_path, patience=QUICK)
        fetch(tiny(web.url), below=tmp_path, patience=QUICK, force=True, on_note=notes.append)
    assert len(notes) == 1 and "another one than that of 20" in notes[0]


def test_the_archive_is_kept_where_asked_and_used_again(tmp_path):
    with serving() as web:
        fetched = fetch(tiny(web.url), below=tmp_path, patience=QUICK, keep_archive=True)
        assert fetched.archive == tmp_path / "tiny.jsonwav.tar.gz" and fetched.archive.read_bytes() == ARCHIVE
        shutil.rmtree(tmp_path / "tiny")
        assert fetch(tiny(web.url), below=tmp_path, patience=QUICK).archive == fetched.archive
    assert len(web.requests) == 1 and files(tmp_path) == WHOLE | {"tiny.jsonwav.tar.gz"}


def test_an_archive_of_the_user_s_is_checked_unpacked_and_left_alone(tmp_path):
    mine = tmp_path / "downloads" / "mine.tar.gz"
    mine.parent.mkdir()
    mine.write_bytes(ARCHIVE)
    fetched = fetch(tiny(**LENGTH_AND_SUMS), below=tmp_path / "data", archive=mine)
    assert_whole(tmp_path / "data")
    assert mine.read_bytes() == ARCHIVE and fetched.checks == ["length", "md5", "sha256"]
    mine.write_bytes(ARCHIVE[:-1] + b"?")
    with pytest.raises(FetchError, match=r"the MD5 .*another file"):
        fetch(tiny(**LENGTH_AND_SUMS), below=tmp_path / "data", archive=mine, force=True)
    assert_whole(tmp_path / "data")
    with pytest.raises(FetchError, match="no file; needed: the archive of tiny"):
        fetch(tiny(), below=tmp_path, archive=tmp_path / "none")


def test_a_user_s_archive_where_ours_would_lie_is_not_removed(tmp_path):
    place = tmp_path / "tiny.jsonwav.tar.gz"
    with serving(Reply(breaks_after=1000)) as web, pytest.raises(FetchError):
        fetch(tiny(web.url), below=tmp_path, patience=Patience(retries=0))
    place.write_bytes(ARCHIVE)
    fetch(tiny(web.url), below=tmp_path)
    assert files(tmp_path) == WHOLE | {place.name}


def test_a_damaged_archive_in_its_place_is_told_and_downloaded_again_with_force(tmp_path):
    place, notes = tmp_path / "tiny.jsonwav.tar.gz", []
    place.write_bytes(b"not it")
    with serving() as web:
        with pytest.raises(FetchError, match=r"6 bytes.*--force"):
            fetch(tiny(web.url, **LENGTH_AND_SUMS), below=tmp_path, patience=QUICK)
        fetch(tiny(web.url, **LENGTH_AND_SUMS), below=tmp_path, patience=QUICK, force=True, on_note=notes.append)
    assert_whole(tmp_path)
    assert len(notes) == 1 and "downloading tiny.jsonwav.tar.gz again" in notes[0]


def test_a_user_s_sha256_replaces_what_we_know(tmp_path):
    old = {"size_bytes": 5, "md5": "0" * 32, "sha256": "0" * 64}
    with serving() as web:
        with pytest.raises(FetchError, match=f"the SHA256 {LENGTH_AND_SUMS['sha256']}; needed: 1111"):
            fetch(tiny(web.url, **old), below=tmp_path, patience=QUICK, sha256="1" * 64)
        assert files(tmp_path) == set()
        fetched = fetch(tiny(web.url, **old), below=tmp_path, patience=QUICK, sha256=LENGTH_AND_SUMS["sha256"].upper())
    assert fetched.checks == ["sha256"]
    assert_whole(tmp_path)


@pytest.mark.parametrize("header", ["x-goog-hash", "Content-MD5"])
def test_the_server_s_own_md5_is_checked(tmp_path, header):
    prefix = "md5=" if header == "x-goog-hash" else ""
    with serving(
        Reply(headers={header: prefix + md5_base64(b"other")}), Reply(headers={header: prefix + md5_base64(ARCHIVE)})
    ) as web:
        with pytest.raises(FetchError, match=f"the MD5 {LENGTH_AND_SUMS['md5']}.*starts over"):
            fetch(tiny(web.url), below=tmp_path, patience=QUICK)
        assert files(tmp_path) == set()
        assert fetch(tiny(web.url), below=tmp_path, patience=QUICK).checks == ["md5"]
    assert web.ranges() == [None, None]


def flipped(at: int) -> bytes:
    """The archive with one bit turned over."""
    return ARCHIVE[:at] + bytes([ARCHIVE[at] ^ 1]) + ARCHIVE[at + 1 :]


def link(kind: bytes, target: str) -> bytes:
    info = tarfile.TarInfo("tiny/audio/link.wav")
    info.type, info.linkname = kind, target
    return archive(extra=(info,))


def member(name: str, size: int = 5) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    return archive(extra=(info,))


DEVICE = tarfile.TarInfo("tiny/audio/null")
DEVICE.type, DEVICE.devmajor, DEVICE.devminor = tarfile.CHRTYPE, 1, 3


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(flipped(len(ARCHIVE) - 6), "damaged archive .*CRC", id="a wrong CRC at the very end"),
        pytest.param(flipped(len(ARCHIVE) // 2), "damaged archive|44-byte|samples|clips", id="a bit in the middle"),
        pytest.param(ARCHIVE[: len(ARCHIVE) // 2], "damaged archive .*end", id="cut in the middle"),
        pytest.param(ARCHIVE[:-4], "damaged archive .*end", id="cut in its last four bytes"),
        pytest.param(b"<html>log in first</html>", "damaged archive .*[gG]zip", id="a page"),
        pytest.param(b"", "damaged archive", id="nothing"),
        pytest.param(member("tiny/audio/../../evil"), "leads out", id="dot dot"),
        pytest.param(member("/tmp/evil"), "leads out", id="absolute"),
        pytest.param(member("other/evil.wav"), "not of this set", id="another folder"),
        pytest.param(link(tarfile.SYMTYPE, "/etc/passwd"), "a link or a device", id="symlink"),
        pytest.param(link(tarfile.LNKTYPE, f"tiny/audio/{NAMES[0]}.wav"), "a link or a device", id="hard link"),
        pytest.param(archive(extra=(DEVICE,)), "a link or a device", id="device"),
        pytest.param(member(f"tiny/audio/{NAMES[0]}.wav"), "twice", id="a name twice"),
        pytest.param(member("tiny/audio/x.wav"), r"no WAV file .*needed: 16-bit mono", id="a clip that is no sound"),
        pytest.param(member("tiny/audio/x.wav", 1 << 25), r"33\.6 MB; needed: 16-bit", id="an enormous clip"),
        pytest.param(archive({**CLIPS, NAMES[0]: clip(rate=44100)}), "at 44100 Hz", id="another rate"),
        pytest.param(archive({**CLIPS, NAMES[0]: clip(channels=2)}), "2 channels", id="stereo"),
        pytest.param(archive({**CLIPS, NAMES[0]: clip(n_samples=31999)}), "31999 samples", id="too short"),
        pytest.param(archive({**CLIPS, NAMES[0]: clip()[:-2]}), "fewer samples than", id="a header that lies"),
        pytest.param(archive({**CLIPS, NAMES[0]: clip()[:20]}), "ends in its header|no WAV", id="half a header"),
        pytest.param(archive(dict(list(CLIPS.items())[1:])), "5 clips; needed: the 6", id="a clip less"),
        pytest.param(archive({**CLIPS, "more-050-050": clip()}), "7 clips; needed: the 6", id="a clip more"),
    ],
)
def test_a_damaged_or_dangerous_archive_leaves_nothing_and_the_next_try_starts_over(tmp_path, content, says):
    below = tmp_path / "data"
    with serving(Reply(content=content), Reply()) as web:
        with pytest.raises(FetchError, match=f"{says}.*try: the same command again"):
            fetch(tiny(web.url), below=below, patience=QUICK)
        assert files(tmp_path) == set() and list(below.iterdir()) == []
        fetch(tiny(web.url), below=below, patience=QUICK)
    assert_whole(below)
    assert web.ranges() == [None, None]


def test_a_damaged_file_of_the_user_s_is_told_and_left_where_it_is(tmp_path):
    mine = tmp_path / "mine.tar.gz"
    mine.write_bytes(ARCHIVE[:-4])
    with pytest.raises(FetchError, match=r"mine\.tar\.gz: found a damaged archive .*another file with --archive"):
        fetch(tiny(), below=tmp_path / "data", archive=mine)
    assert files(tmp_path) == {"mine.tar.gz"}


def test_room_is_asked_for_before_the_download_and_before_unpacking(tmp_path, monkeypatch):
    data_set = tiny(size_bytes=len(ARCHIVE))
    free = [len(ARCHIVE) + data_set.unpacked_bytes - 1]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: types.SimpleNamespace(free=free[0]))
    with serving() as web:
        with pytest.raises(OutputError, match=r"KB free; needed: .* for the archive and what is in it"):
            fetch(data_set, below=tmp_path, url=web.url, patience=QUICK)
    assert files(tmp_path) == set()
    mine = tmp_path / "mine.tar.gz"
    mine.write_bytes(ARCHIVE)
    free[0] = data_set.unpacked_bytes - 1
    with pytest.raises(OutputError, match=r"KB free; needed: .* for what is in the archive"):
        fetch(data_set, below=tmp_path, archive=mine)
    assert files(tmp_path) == {"mine.tar.gz"}


def test_a_disk_that_fills_up_while_unpacking_keeps_the_archive_and_nothing_half_done(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "somewhere")

    with serving() as web:
        with monkeypatch.context() as patched:
            patched.setattr(Path, "write_bytes", full)
            with pytest.raises(OutputError, match=r"no space left on device.*try: making room"):
                fetch(tiny(web.url), below=tmp_path, patience=QUICK)
        assert [path for path in tmp_path.iterdir() if path.is_dir()] == []
        fetch(tiny(web.url), below=tmp_path, patience=QUICK)
    assert len(web.requests) == 1
    assert_whole(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="locks are of POSIX")
def test_two_at_once_the_second_is_refused(tmp_path):
    def give_up():
        with pytest.raises(FetchError):
            fetch(tiny(web.url), below=tmp_path, patience=Patience(5, 0))

    with serving(Reply(stalls_after=1000)) as web:
        first = threading.Thread(target=give_up)
        first.start()
        wait_for(lambda: web.requests)
        with pytest.raises(OutputError, match="another ddsp-match"):
            fetch(tiny(web.url), below=tmp_path, patience=QUICK)
        web.ending.set()
        first.join()
    assert len(web.requests) == 1


CHILD = """
import sys
from pathlib import Path
from ddsp_match.download.transfer import Patience
from ddsp_match.tasks.fetch import fetch
from tests.download.web import tiny
tell = lambda stage: print(stage, flush=True)
fetch(tiny(sys.argv[1]), below=Path(sys.argv[2]), patience=Patience(60, 0), on_stage=tell)
"""


def child(url: str, below: Path, code: str = CHILD) -> subprocess.Popen:
    """`fetch` in a process of its own, which Ctrl-C reaches."""
    return subprocess.Popen(
        [sys.executable, "-c", code, url, str(below)],
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
        wait_for(lambda: part.exists() and part.stat().st_size == 131072)
        process.send_signal(number)
        process.communicate()
        assert part.read_bytes() == ARCHIVE[:131072] and note_of(part).exists()
        assert look(tiny(), tmp_path).downloaded_bytes == 131072
        fetch(tiny(web.url), below=tmp_path, patience=QUICK)
    assert web.ranges() == [None, "bytes=131072-"]
    assert files(tmp_path) == WHOLE


STOPS_AT_THE_THIRD_CLIP = CHILD.replace("from tests", "import os\nimport signal\nfrom tests", 1).replace(
    "\nfetch(",
    """
clips = 0
def count(event, arguments):
    global clips
    if event == "open" and ".wav" in str(arguments[0]) and arguments[2] & os.O_CREAT:
        clips += 1
        print("clip", flush=True)
        if clips == 3:
            signal.pause()
sys.addaudithook(count)
fetch(""",
    1,
)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_killed_while_it_unpacks_the_next_command_unpacks_again(tmp_path, number):
    with serving() as web:
        process = child(web.url, tmp_path, STOPS_AT_THE_THIRD_CLIP)
        lines = [process.stdout.readline().strip() for _ in range(6)]
        assert lines == ["download", "verify", "unpack", "clip", "clip", "clip"]
        assert not (tmp_path / "tiny").exists()
        process.send_signal(number)
        process.communicate()
        assert not (tmp_path / "tiny").exists()
        assert (tmp_path / ".tiny.unpacking").exists() == (number == signal.SIGKILL)
        fetch(tiny(web.url), below=tmp_path, patience=QUICK)
    assert len(web.requests) == 1
    assert files(tmp_path) == WHOLE
    assert list(tmp_path.glob(".tiny.[uo]*")) == []


def test_killed_between_taking_the_old_away_and_putting_the_new_the_old_one_comes_back(tmp_path):
    with serving() as web:
        fetch(tiny(web.url), below=tmp_path, patience=QUICK)
        (tmp_path / "tiny").rename(tmp_path / ".tiny.old")
        (tmp_path / ".tiny.unpacking").mkdir()
        assert fetch(tiny(web.url), below=tmp_path, patience=QUICK).already
    assert_whole(tmp_path)


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
