"""Data sets from where they are published to a folder: fetched, checked, unpacked."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from ddsp_match import __version__
from ddsp_match.download.checksums import check, checksums
from ddsp_match.download.here import RECORD, Here, look, part_of
from ddsp_match.download.place import clear, only_writer, put_whole
from ddsp_match.download.problems import FetchError
from ddsp_match.download.reply import discard, note_of, read_note
from ddsp_match.download.sets import DataSet
from ddsp_match.download.transfer import PATIENCE, Patience, check_room, download
from ddsp_match.download.unpack import unpack
from ddsp_match.errors import OutputError

OURS = {"audio", "examples.json", RECORD}  # what a folder holds that --force may replace


@dataclass(frozen=True)
class Fetched:
    """A set on this disk.

    Attributes:
        here: Where it lies, and how many clips it has.
        already: Whether it was there before, and nothing was done.
        sha256: Of its archive; "" where nobody ever computed it.
        checks: What its archive was compared with: ``["length", "md5", "sha256"]``.
        archive: Where its archive was kept, if it was.
    """

    here: Here
    already: bool
    sha256: str = ""
    checks: list[str] = field(default_factory=list)
    archive: Path | None = None


@dataclass(frozen=True)
class _Job:
    """What `fetch` was asked for."""

    data_set: DataSet
    here: Here
    url: str | None
    given: Path | None
    sha256: str
    force: bool
    patience: Patience
    on_stage: Callable[[str], None]
    on_bytes: Callable[[int, int | None], None]
    on_note: Callable[[str], None]

    @property
    def source(self) -> Path:
        """The archive, there or not."""
        return self.given or self.here.archive

    @property
    def part(self) -> Path:
        """The unfinished archive."""
        return part_of(self.here.archive)

    @property
    def is_ours(self) -> bool:
        """Whether the archive was downloaded by us, and is not to be kept: its note is there yet."""
        return self.given is None and note_of(self.part).is_file() and not self.part.exists()

    @property
    def otherwise(self) -> str:
        """How to come by the set when its address does not serve it, as a clause."""
        by_hand = f"fetching it by other means, then ddsp-match data {self.data_set.name} --archive FILE"
        other = "" if self.url else self.data_set.other_url
        return f"--url {other}; or {by_hand}" if other else by_hand


def fetch(
    data_set: DataSet,
    *,
    below: Path,
    url: str | None = None,
    archive: Path | None = None,
    sha256: str = "",
    force: bool = False,
    keep_archive: bool = False,
    patience: Patience = PATIENCE,
    on_stage: Callable[[str], None] | None = None,
    on_bytes: Callable[[int, int | None], None] | None = None,
    on_note: Callable[[str], None] | None = None,
) -> Fetched:
    """Brings a data set to ``below/NAME``; the same call again goes on where one was interrupted or killed.

    Args:
        data_set: Which one.
        below: The folder to put it in.
        url: Another address of its archive.
        archive: An archive that is here already, in place of a download. It is not changed or removed.
        sha256: What the archive's SHA-256 has to be, in place of the sums and the length that we know.
        force: Replace a folder that is there.
        keep_archive: Leave the archive beside the folder.
        patience: How long to wait for the server.
        on_stage: Called with ``"download"``, ``"verify"``, ``"unpack"``.
        on_bytes: Called with the bytes of the archive that are done in this stage, and all of them.
        on_note: Called with what the user might want to know.

    Raises:
        FetchError: It cannot be had, or is damaged.
        OutputError: It cannot be put there.
    """
    here = look(data_set, below)
    if here.whole and not force:  # before anything is written: sets may lie on a disk that is for reading only
        return _already(here)
    try:
        below.mkdir(parents=True, exist_ok=True)
        with only_writer(here.folder):
            clear(here.folder)
            here = look(data_set, below)
            if here.whole and not force:
                return _already(here)
            _check_replaceable(here, force=force)
            heard = (on_stage or _ignore, on_bytes or _ignore, on_note or _ignore)
            job = _Job(data_set, here, url, archive, sha256, force, patience, *heard)
            checks, sums = _archive(job)
            _unpack(job, checks, sums)
            if here.record.get("sha256") not in (None, sums["sha256"]):
                job.on_note(f"the archive is another one than that of {here.record.get('fetched_at')}")
            if job.is_ours and not keep_archive:
                job.source.unlink()
            discard(job.part)
            return Fetched(look(data_set, below), False, sums["sha256"], checks, _if_there(here.archive))
    except OSError as error:
        raise OutputError(
            (error.strerror or str(error)).lower(),
            where=error.filename or below,
            needed="a folder on a disk with room that can be written to",
            hint="making room and the same command again, or another folder with -o",
        ) from error


def _already(here: Here) -> Fetched:
    return Fetched(here, True, here.record.get("sha256", ""), archive=_if_there(here.archive))


def _check_replaceable(here: Here, *, force: bool) -> None:
    if not here.folder.exists():
        return
    held = set(os.listdir(here.folder)) if here.folder.is_dir() else {here.folder.name}
    if not held <= OURS:
        raise OutputError(
            f"something that is no data set ({', '.join(sorted(held - OURS)[:3])})",
            where=here.folder,
            needed="a free name",
            hint="another folder with -o",
        )
    if held and not force:
        needed = "the whole set, or no folder of that name"
        raise OutputError(here.fault or "files", where=here.folder, needed=needed, hint="--force to replace it")


def _archive(job: _Job) -> tuple[list[str], dict[str, str]]:
    """See to it that the archive is there; returns what it was compared with, and its sums."""
    expected = job.data_set
    if job.sha256:  # the user knows better: the set may have been published anew
        expected = replace(expected, size_bytes=None, md5="", sha256=job.sha256)
    if job.source.is_file():
        try:
            return _checked(
                job,
                job.source,
                expected,
                "another file with --archive" if job.given else "--force to download it again",
            )
        except FetchError as error:
            if job.given or not job.force:
                raise
            job.on_note(f"{error.found} where {error.needed} is needed: downloading {job.source.name} again")
            job.source.unlink()
    elif job.given:
        raise FetchError(
            "no file",
            where=job.given,
            needed=f"the archive of {expected.name}",
            hint="the name of the archive that you have, or no --archive: then it is downloaded",
        )
    job.on_stage("download")
    remote = download(
        job.url or expected.url,
        job.part,
        size_bytes=expected.size_bytes,
        md5=expected.md5,
        reserve_bytes=expected.unpacked_bytes,
        patience=job.patience,
        otherwise=job.otherwise,
        on_bytes=job.on_bytes,
        on_note=job.on_note,
    )
    hint = f"the same command again, which starts over; or {job.otherwise}"
    try:
        result = _checked(job, job.part, replace(expected, md5=expected.md5 or remote.md5), hint)
    except FetchError:
        discard(job.part)  # what is wrong in it cannot be mended by going on
        raise
    with job.part.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(job.part, job.here.archive)  # its note stays, and tells that the archive is ours to remove
    return result


def _checked(job: _Job, path: Path, expected: DataSet, hint: str) -> tuple[list[str], dict[str, str]]:
    job.on_stage("verify")
    sums = checksums(path, job.on_bytes)
    promised = {"md5": expected.md5, "sha256": expected.sha256}
    return check(path, sums, hint=hint, size_bytes=expected.size_bytes, **promised), sums


def _unpack(job: _Job, checks: list[str], sums: dict[str, str]) -> None:
    check_room(job.here.folder.parent, job.data_set.unpacked_bytes, "what is in the archive")
    job.on_stage("unpack")
    with put_whole(job.here.folder) as scratch:
        try:
            n_clips = unpack(job.source, scratch, job.data_set, job.on_bytes)
        except FetchError as error:
            hint = "another file with --archive"
            if job.is_ours:
                job.source.unlink()
                discard(job.part)
                hint = f"the same command again, which starts over; or {job.otherwise}"
            elif job.given is None:
                hint = f"removing {job.source} and the same command again, which downloads it"
            raise FetchError(error.found, where=error.where, needed=error.needed, hint=hint) from error
        remote = read_note(job.part) if job.is_ours else None
        record = {
            "format_version": 1,
            "name": job.data_set.name,
            "source": remote.url if remote else str(job.source),
            **({"etag": remote.etag, "modified": remote.modified} if remote else {}),
            "size_bytes": job.source.stat().st_size,
            **sums,
            "compared": checks,
            "clips": n_clips,
            "fetched_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "program": f"ddsp-match {__version__}",
            "licence": job.data_set.licence,
            "by": job.data_set.by,
        }
        (scratch / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _if_there(path: Path) -> Path | None:
    return path if path.is_file() else None


def _ignore(*_: object) -> None:
    """Take what nobody asked to be told."""
