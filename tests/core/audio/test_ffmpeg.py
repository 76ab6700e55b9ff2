"""Sound files in: what ffmpeg reads where it is installed, and what is said where it is not."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ddsp_match.core.audio import read
from ddsp_match.core.audio.headers import suffixes
from tests.compare import assert_close
from tests.core.audio.files import Tone, refusal, store

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")


@needs_ffmpeg
@pytest.mark.parametrize(("name", "kind"), [("a.m4a", "M4A"), ("a.aac", "AAC"), ("a.wv", "WavPack"), ("a.wma", "WMA")])
def test_other_formats_are_read_with_a_note_of_the_rate(tmp_path: Path, tone: Tone, name: str, kind: str) -> None:
    sound = tone(220, 1.0, amplitudes=(0.4, 0.2))
    store(tmp_path / "a.wav", sound, "WAV", "FLOAT")
    built = tmp_path / f"-it's {name}"  # a name that would be an option, or break quotes
    subprocess.run(["ffmpeg", "-v", "error", "-i", tmp_path / "a.wav", f"file:{built}"], check=True)
    back, notes = read(built)
    assert back.sample_rate == sound.sample_rate and f"read by ffmpeg at {sound.sample_rate} Hz" in notes[0]
    assert kind in notes[0] and back.seconds == pytest.approx(1.0, abs=0.2) and built.suffix in suffixes()
    if kind == "WavPack":
        assert_close(back.samples, sound.samples, atol=1e-6)


@needs_ffmpeg
def test_a_playlist_is_not_followed(tmp_path: Path, tone: Tone) -> None:
    store(tmp_path / "a.wav", tone(), "WAV", "FLOAT")
    (tmp_path / "a.m4a").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:1,\nfile://{tmp_path}/a.wav\n")
    assert "not a sound" in refusal(tmp_path / "a.m4a")


@needs_ffmpeg
def test_a_damaged_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.m4a").write_bytes(b"\0\0\0\x20ftypM4A " + bytes(1000))
    assert "an M4A or MP4 file that ffmpeg cannot read" in (message := refusal(tmp_path / "a.m4a"))
    assert "try: copying or exporting it again" in message


def test_without_ffmpeg_the_cure_is_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    path = tmp_path / "my song.m4a"
    path.write_bytes(b"\0\0\0\x20ftypM4A " + bytes(1000))
    message = refusal(path)
    assert "found an M4A or MP4 file" in message and "installing ffmpeg" in message
    assert f"ffmpeg -i '{path}' '{path.with_suffix('.wav')}'" in message
    assert ".m4a" not in suffixes()
