"""A published data set from the web to a folder: downloaded, checked, unpacked, whole or not at all."""

from __future__ import annotations

import gzip
import hashlib
import os
import tarfile
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ddsp_match import __version__
from ddsp_match.core.errors import FORCE, OUT, MatchError, OutputError
from ddsp_match.core.files import check_room, claimed, new_folder, refusal
from ddsp_match.datasets.published import DataSet

PIECE_BYTES = 1 << 16
LONGEST_WAIT_S = 60.0
RETRIED_STATUS = (408, 425, 429, 500, 502, 503, 504)

OnBytes = Callable[[int, int | None], None]


class FetchError(MatchError):
    """A data set that cannot be fetched, or is not what it should be."""


@dataclass(frozen=True)
class Here:
    """The state of a set below a folder.

    Attributes:
        folder: Where the set lies, or would.
        archive: Where its archive lies, or would.
        clips: Number of WAV files.
        fault: Why they are not the set, as a clause; "" if they are, or if nothing is there.
        downloaded_bytes: Of an archive, or of an unfinished one.
    """

    folder: Path
    archive: Path
    clips: int = 0
    fault: str = ""
    downloaded_bytes: int = 0

    @property
    def whole(self) -> bool:
        """The set is there, complete."""
        return self.clips > 0 and not self.fault

    @property
    def audio(self) -> Path:
        """The folder of its clips."""
        return self.folder / "audio"

    @property
    def part(self) -> Path:
        """The unfinished archive."""
        return self.archive.with_name(f"{self.archive.name}.part")


def look(data_set: DataSet, below: Path) -> Here:
    """Return the state of a set below a folder, by the names and lengths of its files."""
    here = Here(below / data_set.name, below / data_set.archive_name)
    downloaded = max((path.stat().st_size for path in (here.archive, here.part) if path.is_file()), default=0)
    if not here.folder.exists():
        return Here(here.folder, here.archive, downloaded_bytes=downloaded)
    clips, fault = _clips(here.audio, data_set)
    return Here(here.folder, here.archive, clips, fault, downloaded)


def fetch(
    data_set: DataSet,
    *,
    below: Path,
    url: str | None = None,
    archive: Path | None = None,
    sha256: str = "",
    force: bool = False,
    keep_archive: bool = False,
    timeout_s: float = 30.0,
    retries: int = 5,
    wait_s: float = 1.0,
    on_stage: Callable[[str], None] = lambda _: None,
    on_bytes: OnBytes = lambda *_: None,
) -> Here:
    """Bring a data set to ``below/NAME``; after an interruption or a kill the same call goes on.

    Args:
        data_set: The set.
        below: The folder to put it in.
        url: Another address of its archive.
        archive: An archive that is here already, in place of a download. It is not changed or removed.
        sha256: The archive's SHA-256, in place of the sums and the length that are known of it.
        force: Replace a folder that is there.
        keep_archive: Leave the archive beside the folder.
        timeout_s: Seconds to wait for an answer, and between two pieces of it.
        retries: Failures in a row, without a new byte, after which to give up.
        wait_s: Seconds before the first new try; doubled with each failure.
        on_stage: Called with ``"download"``, ``"verify"``, ``"unpack"``.
        on_bytes: Called with the bytes of the archive that are done in this stage, and all of them.

    Returns:
        The state of the set: whole.

    Raises:
        FetchError: It cannot be had, or is damaged.
        OutputError: It cannot be put there, or another process is fetching it.
    """
    here = look(data_set, below)
    if here.whole and not force:  # before anything is written: sets may lie on a read-only disk
        return here
    _check_replaceable(here, force=force)
    try:
        with claimed(here.folder):
            source = archive or here.archive
            if archive is None and not source.is_file():
                on_stage("download")
                needed_bytes = (data_set.size_bytes or 0) - here.downloaded_bytes + data_set.unpacked_bytes
                check_room(below, needed_bytes, "the archive and its content")
                otherwise = _otherwise(data_set, url)
                _download(url or data_set.url, here.part, otherwise, timeout_s, retries, wait_s, on_bytes)
                source = here.part
            on_stage("verify")
            hint = "another file with --archive" if archive else f"removing {source} and the same command again"
            try:
                _verify(source, data_set, sha256, on_bytes, hint)
            except FetchError:
                if source == here.part:  # what is wrong in it cannot be mended by going on
                    source.unlink()
                raise
            if source == here.part:
                source = source.replace(here.archive)
            on_stage("unpack")
            _unpack(source, here.folder, data_set, on_bytes)
            if archive is None and not keep_archive:
                source.unlink()
    except OSError as error:
        raise refusal(error.filename or below, error) from error
    return look(data_set, below)


def _clips(audio: Path, data_set: DataSet) -> tuple[int, str]:
    """Return the number of clips, and what is wrong with them."""
    if not audio.is_dir():
        return 0, "no folder audio/"
    count, short = 0, ""
    with os.scandir(audio) as entries:
        for entry in entries:
            if entry.name.endswith(".wav"):
                count += 1
                if (size := entry.stat().st_size) != data_set.clip_bytes:
                    short = short or f"{entry.name} of {size:,} bytes instead of {data_set.clip_bytes:,}"
    return count, f"{count:,} of {data_set.clips:,} clips" if count != data_set.clips else short


def _check_replaceable(here: Here, *, force: bool) -> None:
    if not here.folder.exists():
        return
    inside = set(os.listdir(here.folder)) if here.folder.is_dir() else {here.folder.name}
    other = sorted(inside - {"audio", "examples.json"})
    if other:
        found = f"something that is no data set ({', '.join(other[:3])})"
        raise OutputError(found, where=here.folder, needed="a free name", cures=[OUT])
    if inside and not force:
        needed = "the whole set, or no folder of that name"
        raise OutputError(here.fault, where=here.folder, needed=needed, cures=[FORCE])


def _otherwise(data_set: DataSet, url: str | None) -> str:
    """Say how to come by a set when its address does not serve it."""
    by_hand = f"downloading it by other means, then ddsp-match data {data_set.name} --archive FILE"
    return by_hand if url or not data_set.other_url else f"--url {data_set.other_url}; or {by_hand}"


def _download(
    url: str, part: Path, otherwise: str, timeout_s: float, retries: int, wait_s: float, on_bytes: OnBytes
) -> None:
    """Download to `part`, going on with the bytes that are there. Their origin is checked by the sums at the end."""
    import requests

    failures = 0
    while True:
        have = part.stat().st_size if part.is_file() else 0
        # Encoded on the way the bytes would not be those of the file, and could not be gone on with.
        headers = {"User-Agent": f"ddsp-match/{__version__}", "Accept-Encoding": "identity"}
        headers |= {"Range": f"bytes={have}-"} if have else {}
        try:
            with requests.get(url, headers=headers, stream=True, timeout=timeout_s) as reply:
                if reply.status_code == 416:  # nothing beyond what is here
                    return
                reply.raise_for_status()
                have = have if reply.status_code == 206 else 0
                length = reply.headers.get("Content-Length")
                total = None if length is None else have + int(length)
                with part.open("ab" if have else "wb") as file:
                    for piece in reply.iter_content(PIECE_BYTES):
                        file.write(piece)
                        have, failures = have + len(piece), 0
                        on_bytes(have, total)
            return
        except requests.RequestException as error:
            failures += 1
            status = error.response.status_code if error.response is not None else None
            lasting = isinstance(error, ValueError | requests.exceptions.SSLError)  # ValueError: no such address
            if failures > retries or lasting or (status is not None and status not in RETRIED_STATUS):
                raise _explained(error, url, otherwise, timeout_s) from error
            time.sleep(min(wait_s * 2 ** (failures - 1), LONGEST_WAIT_S))


def _explained(error: Exception, url: str, otherwise: str, timeout_s: float) -> FetchError:
    import requests

    again = f"again later (it goes on where it stopped), or {otherwise}"
    if isinstance(error, requests.HTTPError) and error.response is not None:
        found = f"the answer {error.response.status_code} ({error.response.reason})"
        return FetchError(found, where=url, needed="the archive at that address", hint=otherwise)
    if isinstance(error, requests.exceptions.SSLError):
        hint = f"checking this machine's clock and certificates, or {otherwise}"
        return FetchError("a connection that cannot be trusted", where=url, needed="a valid certificate", hint=hint)
    if isinstance(error, requests.Timeout) or "timed out" in str(error):  # while reading it is no Timeout
        hint = f"a longer --timeout, or {again}"
        return FetchError(f"no answer for {timeout_s:g} s", where=url, needed="a server that answers", hint=hint)
    if isinstance(error, ValueError):
        return FetchError("no address", where=url, needed="http:// or https:// and a host", hint=otherwise)
    return FetchError("a connection that fails or breaks off", where=url, needed="a server that answers", hint=again)


def _verify(path: Path, data_set: DataSet, sha256: str, on_bytes: OnBytes, hint: str) -> None:
    """Compare an archive with the published length and the best published sum, or with the user's sum."""
    if not path.is_file():
        raise FetchError("no file", where=path, needed=f"the archive of {data_set.name}", hint=hint)
    size, done = path.stat().st_size, 0
    if not sha256 and data_set.size_bytes not in (None, size):
        raise FetchError(f"{size:,} bytes", where=path, needed=f"{data_set.size_bytes:,} bytes", hint=hint)
    sums = {"sha256": sha256.lower() or data_set.sha256, "md5": data_set.md5}
    kind, needed = next(((kind, value) for kind, value in sums.items() if value), ("", ""))
    if not kind:
        return
    digest = hashlib.new(kind, usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(16 * PIECE_BYTES):
            digest.update(piece)
            on_bytes(done := done + len(piece), size)
    if digest.hexdigest() != needed:
        raise FetchError(f"the {kind.upper()} {digest.hexdigest()}", where=path, needed=needed, hint=hint)


def _unpack(archive: Path, folder: Path, data_set: DataSet, on_bytes: OnBytes) -> None:
    """Unpack an archive beside the folder, check it, and put it in the folder's place."""
    check_room(folder.parent, data_set.unpacked_bytes, "the content of the archive")
    size = archive.stat().st_size
    with new_folder(folder) as scratch:
        try:
            with archive.open("rb") as raw, gzip.GzipFile(fileobj=raw) as plain:
                with tarfile.open(fileobj=plain, mode="r|") as tar:
                    while (member := tar.next()) is not None:
                        cast("Any", tar).members.clear()  # 300,000 of them are a lot of memory
                        tar.extract(member, scratch, filter="data")
                        on_bytes(raw.tell(), size)
                while plain.read(PIECE_BYTES):  # tarfile stops at its own end; the CRC comes after it
                    pass
        except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
            found = f"a damaged or dangerous archive ({error or type(error).__name__})"
            needed, hint = "a whole .tar.gz", "another one with --archive"
            raise FetchError(found, where=archive, needed=needed, hint=hint) from error
        inner = scratch / data_set.name
        _, fault = _clips(inner / "audio", data_set)
        if fault:
            raise FetchError(fault, where=archive, needed=f"the {data_set.clips:,} clips of {data_set.name}")
        for path in inner.iterdir():
            path.replace(scratch / path.name)
        inner.rmdir()
