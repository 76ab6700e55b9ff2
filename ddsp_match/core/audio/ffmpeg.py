"""Formats that libsndfile does not read, read by ffmpeg where it is installed."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

from ddsp_match.core.errors import SoundError

PROGRAM = "ffmpeg"
# Names that sounds in such formats have; folders are searched for them where ffmpeg is installed.
SUFFIXES = frozenset(".m4a .m4b .mp4 .aac .wma .webm .mka .wv .ape .tta .ac3 .amr .3gp".split())
_KINDS = (
    (4, b"ftyp", "an M4A or MP4 file"),
    (0, b"\xff\xf1", "an AAC file"),
    (0, b"\xff\xf9", "an AAC file"),
    (0, b"ADIF", "an AAC file"),
    (0, b"\x1a\x45\xdf\xa3", "a WebM or Matroska file"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a WMA file"),
    (0, b"wvpk", "a WavPack file"),
    (0, b"MAC ", "a Monkey's Audio file"),
    (0, b"TTA1", "a TTA file"),
    (0, b"\x0b\x77", "an AC-3 file"),
    (0, b"#!AMR", "an AMR file"),
    (8, b"AVI ", "an AVI file"),
)
# Without playlists, which could name other files and addresses.
_DEMUXERS = "mov,aac,matroska,asf,wv,ape,tta,ac3,eac3,amr,avi"
_LONGEST_RUN_S = 120


def kind_of(head: bytes) -> str:
    """Name the format of a file by its first 16 bytes; "" where libsndfile is to try it."""
    return next((kind for at, mark, kind in _KINDS if head[at : at + len(mark)] == mark), "")


def is_installed() -> bool:
    """Say whether ffmpeg can be run."""
    return shutil.which(PROGRAM) is not None


def command(path: object, options: str = "", name: str = "") -> str:
    """Return the command line that makes a WAV of a file, to be tried by the user; "" for what is no file.

    Args:
        path: The file.
        options: What ffmpeg is to do besides.
        name: Added to the name of the WAV, which must not be that of the file.
    """
    if not isinstance(path, Path):
        return ""
    target = path.with_name(f"{path.stem}{name or ('-converted' if path.suffix.lower() == '.wav' else '')}.wav")
    return " ".join([PROGRAM, "-i", shlex.quote(str(path)), *([options] if options else []), shlex.quote(str(target))])


def decoded(path: Path, kind: str, folder: Path, longest_s: float) -> Path:
    """Decode a file to a WAV in float, at its own rate.

    Args:
        path: The file.
        kind: Its format in words.
        folder: Where the WAV is written.
        longest_s: Seconds of sound after which decoding stops.

    Raises:
        SoundError: ffmpeg is not installed, or cannot read it.
    """
    if not is_installed():
        raise SoundError(
            kind, where=path, needed="a WAV, FLAC, OGG, MP3, AIFF or CAF file, or ffmpeg, with which this one is read",
            hint=f"installing ffmpeg, or where it is: {command(path)}",
        )  # fmt: skip
    target = folder / "decoded.wav"
    quiet = [PROGRAM, "-nostdin", "-v", "error", "-protocol_whitelist", "file", "-format_whitelist", _DEMUXERS]
    work = ["-i", f"file:{path}", "-map", "0:a:0", "-t", str(longest_s), "-c:a", "pcm_f32le", str(target)]
    try:
        run = subprocess.run([*quiet, *work], capture_output=True, text=True, errors="replace", timeout=_LONGEST_RUN_S)
        reason = "" if run.returncode == 0 else (run.stderr.strip().splitlines() or ["no reason given"])[-1]
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = str(error)
    if reason or not target.is_file():
        what = "holds no sound" if "matches no streams" in reason else f"ffmpeg cannot read ({reason})"
        raise SoundError(f"{kind} that {what}", where=path, needed="a sound", hint="copying or exporting it again")
    return target
