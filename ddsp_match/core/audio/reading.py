"""Read sound files and arrays into checked `Audio`."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ddsp_match.core.audio import ffmpeg
from ddsp_match.core.audio.checks import MAX_CHANNELS, MAX_SECONDS, check_form, checked
from ddsp_match.core.audio.containers import source_of
from ddsp_match.core.audio.sound import Audio
from ddsp_match.core.errors import SoundError
from ddsp_match.core.files import encoded

if TYPE_CHECKING:
    import soundfile

BLOCK_FRAMES = 4096
UNKNOWN_LENGTH = 0x7FFF0000  # headers of streams claim about 2 or 4 GiB: they promise nothing


def read(path: str | Path) -> tuple[Audio, list[str]]:
    """Reads a sound file: WAV (8 bits to float64), FLAC, OGG, MP3, AIFF, CAF and all that libsndfile knows.

    M4A, AAC, WMA, WebM and their like are read where ffmpeg is installed. A file that was cut short gives what is left
    of it, and a note; one period of a wave is repeated, with a note.

    Args:
        path: The file.

    Returns:
        The sound at its own rate, and notes: that the file ends early, clips, has a DC offset, was read by ffmpeg.

    Raises:
        SoundError: The file is missing, is no sound, or holds none that can be matched: no frames, NaN,
            silence, shorter than 0.1 s, longer than 10 min, more than two channels, outside 8 to 192 kHz.
    """
    path = Path(path)
    _check_is_file(path)
    with path.open("rb") as file:
        kind = ffmpeg.kind_of(file.read(16))
    if not kind:
        return _read(path, path)
    with tempfile.TemporaryDirectory() as folder:
        audio, notes = _read(ffmpeg.decoded(path, kind, Path(folder), MAX_SECONDS + 1), path)
    return audio, [f"{kind}, read by ffmpeg at {audio.sample_rate} Hz", *notes]


def _read(path: Path, where: Path) -> tuple[Audio, list[str]]:
    """Read what libsndfile can, and call it by another name in errors."""
    import soundfile

    try:
        source = source_of(path, MAX_SECONDS)
        with soundfile.SoundFile(encoded(source.file) if isinstance(source.file, Path) else source.file) as file:
            # For a few suffixes (.au, .gsm, .vox) libsndfile takes any bytes at all for headerless samples.
            if file.format == "RAW":
                raise TypeError("no header that says what it is")
            rate, frames = file.samplerate, file.frames
            if source.endless:
                frames = int(MAX_SECONDS * rate) + 1
            check_form(file.channels, 0 if source.endless else frames, rate, where)
            samples, ends_early = _decode(file, frames)
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: soundfile asks for the rate of a .raw
        raise _unreadable(where, reason_of(error)) from error
    if source.endless:
        ends_early = ""
        check_form(samples.shape[0], samples.shape[1], rate, where)
    ends_early = ends_early or source.missing
    return checked(samples, rate, where, ends_early)


def _unreadable(path: Path, reason: str) -> SoundError:
    """The refusal of what libsndfile cannot read, with the cure of what it is: no sound, damaged, or another codec."""
    needed = "a WAV, FLAC, OGG, MP3, AIFF or CAF file"
    if "unimplemented" in reason:
        return SoundError(
            f"samples in a form that is not known here ({reason})", where=path, needed=needed,
            hint=ffmpeg.command(path, "-c:a pcm_s24le", "-converted"),
        )  # fmt: skip
    with path.open("rb") as file:
        head = file.read(12)
    if head[:4] in (b"RIFF", b"RF64", b"riff", b"FORM", b"fLaC", b"OggS", b"caff"):
        raw = ffmpeg.command(path, "", "-mended").replace("-i", "-f s16le -ar 44100 -ac 1 -i", 1)
        return SoundError(
            f"a damaged sound file ({reason})", where=path, needed="a whole one",
            hint=f"copying or exporting it again; or, if you know its rate, channels and bits, like this: {raw}",
        )  # fmt: skip
    return SoundError(
        f"something that is not a sound or is damaged ({reason})", where=path, needed=needed,
        hint=f"converting it: {ffmpeg.command(path, '', '-converted')}",
    )  # fmt: skip


def from_array(samples: object, sample_rate: float) -> tuple[Audio, list[str]]:
    """Samples from memory, by the same rules as a file.

    Args:
        samples: ``(n,)`` or ``(channels, n)`` floating-point numbers with full scale at ±1: an array, a list
            or a torch tensor. They are copied.
        sample_rate: In Hz, a whole number.

    Returns:
        The sound and notes, as `read` does.

    Raises:
        SoundError: The samples cannot be matched; `read` lists why.
    """
    where = "samples"
    if hasattr(samples, "detach"):
        samples = samples.detach().cpu().numpy()  # type: ignore[attr-defined]
    try:
        array = np.asarray(samples)
        rate = int(sample_rate)
    except (TypeError, ValueError, OverflowError) as error:
        raise SoundError(f"{error}", where=where, needed="an array of numbers and a sample rate") from error
    if array.dtype.kind != "f":
        raise SoundError(
            f"samples of type {array.dtype}", where=where, needed="floating point with full scale at ±1",
            hint="samples / 32768 for 16-bit integers",
        )  # fmt: skip
    if array.ndim not in (1, 2):
        raise SoundError(f"the shape {array.shape}", where=where, needed="(n,) or (channels, n)")
    if rate != sample_rate:
        raise SoundError(f"a sample rate of {sample_rate}", where=where, needed="a whole number of Hz")
    array = np.atleast_2d(array)
    if array.shape[0] > MAX_CHANNELS >= array.shape[1] > 0:
        raise SoundError(f"the shape {array.shape}", where=where, needed="(channels, n)", hint="samples.T")
    check_form(array.shape[0], array.shape[1], rate, where)
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite, and is refused as that
        return checked(np.array(array, np.float32, order="C"), rate, where)


def sound_of(sound: Audio | str | Path | object, sample_rate: float | None = None) -> tuple[Audio, list[str]]:
    """A sound from a file, samples or `Audio`, by the rules of files.

    Args:
        sound: `Audio`, the path of a sound file, or an array as `from_array` takes it.
        sample_rate: Of an array, in Hz.

    Returns:
        The sound and notes, as `read` does.

    Raises:
        SoundError: It cannot be read or matched; `read` lists why.
    """
    if isinstance(sound, str | Path):
        return read(sound)
    if isinstance(sound, Audio):
        return from_array(sound.samples, sound.sample_rate)
    return from_array(sound, sample_rate or 0)


def reason_of(error: BaseException) -> str:
    """An error's message without the path, which libsndfile and the system put first."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    text = getattr(error, "error_string", str(error)).rstrip(".")
    # What libmpg123 says of any file that is no MP3 would mislead here: the file does exist.
    unknown = "not exist" in text or "samplerate" in text
    return "format not recognised" if unknown else text[:1].lower() + text[1:]


def _check_is_file(path: Path) -> None:
    """Refuses what cannot be opened, in the system's words, before a decoder finds its own."""
    try:
        if path.is_dir():
            raise SoundError("a folder", where=path, needed="a sound file", hint="the name of a file in it")
        if not path.exists():
            raise SoundError("no such file", where=path, needed="a sound file", hint="check the spelling")
        if not path.is_file():
            raise SoundError("a device or a pipe", where=path, needed="a sound file", hint="copying it to a file first")
        with path.open("rb") as file:
            if not file.read(1):
                raise SoundError(
                    "an empty file (0 bytes)", where=path, needed="a sound", hint="copy it again"
                )
    except OSError as error:
        raise SoundError(reason_of(error), where=path, needed="a file you may read") from error


def _decode(file: soundfile.SoundFile, promised: int) -> tuple[np.ndarray, str]:
    """The frames that can be decoded, ``(channels, n)``, and how early they end ("" if they do not).

    Args:
        file: The open file.
        promised: The number of frames, as its header has it.
    """
    import soundfile

    samples, count = np.empty((file.channels, promised), np.float32), 0
    block = np.empty((BLOCK_FRAMES, file.channels), np.float32)
    try:
        while count < promised:
            block[:] = np.nan
            block_count = len(file.read(out=block[: promised - count]))
            if not block_count:
                break
            samples[:, count : count + block_count] = block[:block_count].T
            count += block_count
    except soundfile.SoundFileError:  # a FLAC or MP3 that breaks off: what was decoded is in the block
        block_count = np.count_nonzero(np.isfinite(block[: promised - count, 0]))
        samples[:, count : count + block_count] = block[:block_count].T
        count += block_count
    info = file.extra_info
    # libsndfile counts what is there and leaves the header's claim in its log, the samples' chunk last.
    claims = re.findall(r"(?:data|SSND|Data Size|riff|Riff size) *: (\d+) \(should be (\d+)\)", info)
    if claims and 0 < int(claims[-1][1]) < int(claims[-1][0]) - 8 < UNKNOWN_LENGTH:
        promised = round(promised * int(claims[-1][0]) / int(claims[-1][1]))
    if count < promised:
        early = f"{count / file.samplerate:.2f} of {promised / file.samplerate:.2f} s could be read"
        return np.ascontiguousarray(samples[:, :count]), early
    ended = "lacks an end-of-stream bit" not in info  # Ogg counts what is there
    return samples, "" if ended else "its last part is missing"
