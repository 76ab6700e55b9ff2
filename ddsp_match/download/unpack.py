"""An archive of a set to a folder: nothing leaves the folder, and nothing damaged stays in it."""

from __future__ import annotations

import gzip
import shutil
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from ddsp_match.download import clips
from ddsp_match.download.problems import FetchError
from ddsp_match.download.sets import DataSet, in_words

LONGEST_CLIP_BYTES = 1 << 24  # clips are checked in memory; none of ours is a hundredth of it
_DAMAGE = (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError)


def unpack(
    archive: Path, folder: Path, data_set: DataSet, on_bytes: Callable[[int, int | None], None] | None = None
) -> int:
    """Unpacks a ``.tar.gz`` to the last byte, its CRC included, and checks every clip on the way.

    Args:
        archive: The file.
        folder: A new folder, which becomes what the set's own folder is in the archive.
        data_set: What has to be in it.
        on_bytes: Called with the number of bytes of the archive that were read, and of all.

    Returns:
        How many clips there are.

    Raises:
        FetchError: The archive is damaged, ends early, holds another number of clips, a clip of another form, or
            something that has no place in a data set: a link, a device, a path that leads elsewhere.
    """
    size, count = archive.stat().st_size, 0
    folder.mkdir()
    try:
        with archive.open("rb") as raw, gzip.GzipFile(fileobj=raw) as plain:
            # A stream, since tarfile would otherwise go back and forth in it to list what is there.
            with tarfile.open(fileobj=plain, mode="r|") as tar:
                while (member := tar.next()) is not None:
                    cast("Any", tar).members.clear()  # 300,000 of them are a lot of memory
                    count += _unpack_member(tar, member, folder, data_set, archive)
                    if on_bytes is not None:
                        on_bytes(raw.tell(), size)
            while plain.read(1 << 20):  # tarfile stops at its own end; the CRC comes after it
                pass
    except _DAMAGE as error:
        raise FetchError(
            f"a damaged archive ({str(error) or type(error).__name__})", where=archive, needed="a whole .tar.gz"
        ) from error
    if count != data_set.clips:
        raise FetchError(f"{count:,} clips", where=archive, needed=f"the {data_set.clips:,} of {data_set.name}")
    return count


def _unpack_member(
    tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, data_set: DataSet, archive: Path
) -> int:
    """Write one member; returns 1 for a clip, 0 for anything else."""
    inside = _inside(member, data_set, archive)
    target = folder.joinpath(*inside.parts)
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    content = tar.extractfile(member)
    if content is None or target.exists():
        raise _refused(member, archive, "twice" if content is not None else "without content")
    is_clip = inside.parent == PurePosixPath("audio") and inside.suffix == ".wav"
    if not is_clip:
        with target.open("xb") as file:
            shutil.copyfileobj(content, file)
        return 0
    _write_clip(content, target, member, data_set, archive)
    return 1


def _write_clip(content: IO[bytes], target: Path, member: tarfile.TarInfo, data_set: DataSet, archive: Path) -> None:
    too_long = member.size > LONGEST_CLIP_BYTES
    data = b"" if too_long else content.read()
    fault = in_words(member.size) if too_long else clips.fault(data, data_set)
    if fault:
        needed = clips.form(data_set)
        raise FetchError(fault, where=f"{archive}: {member.name}", needed=needed)
    target.write_bytes(data)


def _inside(member: tarfile.TarInfo, data_set: DataSet, archive: Path) -> PurePosixPath:
    """Return the path of a member below the set's own folder; anything but plain files and folders there is refused."""
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or "\\" in member.name or ":" in member.name:
        raise _refused(member, archive, "which leads out of the folder")
    if not (member.isfile() or member.isdir()):
        raise _refused(member, archive, "which is a link or a device")
    if path.parts[:1] != (data_set.name,):
        raise _refused(member, archive, "which is not of this set")
    return path.relative_to(data_set.name)


def _refused(member: tarfile.TarInfo, archive: Path, why: str) -> FetchError:
    return FetchError(
        f"{member.name!r}, {why}", where=archive, needed="an archive of plain files below one folder, the set's own"
    )
