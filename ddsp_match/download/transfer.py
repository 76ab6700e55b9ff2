"""One file over HTTP, however often the connection breaks: it goes on where it stopped."""

from __future__ import annotations

import http.client
import math
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ddsp_match import __version__
from ddsp_match.download.problems import Broken, FetchError, explained, is_worth_another_try
from ddsp_match.download.reply import Remote, content_range, discard, read_note, remote_of, write_note
from ddsp_match.download.sets import in_words
from ddsp_match.errors import OutputError

USER_AGENT = f"ddsp-match/{__version__}"
PIECE_BYTES = 1 << 16


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server.

    Attributes:
        timeout_s: For an answer, and between two pieces of it.
        retries: How often in a row it may fail without a new byte.
        wait_s: Before the first new try; doubles with each failure, up to a minute.
    """

    timeout_s: float = 30.0
    retries: int = 5
    wait_s: float = 1.0

    def before(self, failures: int) -> float:
        """Return how many seconds to wait before a new try."""
        return min(self.wait_s * 2 ** (failures - 1), 60.0)


PATIENCE = Patience()


def download(
    url: str,
    part: Path,
    *,
    size_bytes: int | None = None,
    md5: str = "",
    reserve_bytes: int = 0,
    patience: Patience = PATIENCE,
    otherwise: str = "fetching it by other means",
    on_bytes: Callable[[int, int | None], None] | None = None,
    on_note: Callable[[str], None] | None = None,
) -> Remote:
    """Fetches a file into `part`, going on with what is there if it is of the same version of the same file.

    What was received survives anything, `kill -9` included: bytes go to the file as they come, and a note beside it
    (``PART.json``) says which version they are of.

    Args:
        url: ``http://`` or ``https://``. Redirects are followed, proxies taken from the environment.
        part: The file to write.
        size_bytes: How long the file has to be, if that is known.
        md5: What MD5 the server may announce, if that is known.
        reserve_bytes: Free space to be left on the disk.
        patience: How long to wait.
        otherwise: How to come by the file another way, for errors.
        on_bytes: Called with the number of bytes that are there, and of all if known.
        on_note: Called with what the user might want to know: a new try, a start from the beginning.

    Returns:
        What the server says of the file. Its content is not checked here.

    Raises:
        FetchError: The file cannot be had, or is another one.
        OutputError: There is no room for it, or `part` cannot be written.
    """
    if not _is_on_the_web(url):
        raise FetchError("no address on the web", where=url, needed="http://… or https://…", hint=otherwise)
    say = on_note or (lambda _: None)
    shown = on_bytes or (lambda *_: None)
    failures, most, came_through = 0, -1, False
    while True:
        known = _known(part, url)
        have = part.stat().st_size if known is not None else 0
        if known is not None and have and have == known.size_bytes:
            return known
        most = max(most, have)
        try:
            with _opened(url, have, known, patience.timeout_s) as response:
                came_through = True
                remote = remote_of(url, response.status, response.headers)
                _check_expected(remote, size_bytes, md5, otherwise)
                start = _start(response, remote, have, known, say)
                _check_room(part, remote, start, reserve_bytes)
                if not start:
                    _begin(part, remote)
                _copy(response, part, start, remote.size_bytes or size_bytes, shown)
            return remote
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416 and known is not None:
                if content_range(error.headers) == (have, have):
                    return known  # the server had announced a longer file than it has
                discard(part)
                problem: Exception = Broken("the server has another file now")
            else:
                problem = error
        except (Broken, OSError, http.client.HTTPException) as error:
            if isinstance(error, _Mixed):
                discard(part)
            problem = error
        now = part.stat().st_size if part.exists() else 0
        failures = 1 if now > most else failures + 1
        if failures > patience.retries or not is_worth_another_try(problem, came_through=came_through):
            raise explained(problem, url, timeout_s=patience.timeout_s, otherwise=otherwise) from problem
        say(f"{str(problem) or type(problem).__name__}; try {failures} of {patience.retries} at {in_words(now)}")
        time.sleep(patience.before(failures))


def _is_on_the_web(url: str) -> bool:
    try:
        split = urllib.parse.urlsplit(url)
    except ValueError:
        return False
    return split.scheme in ("http", "https") and bool(split.hostname)


def _known(part: Path, url: str) -> Remote | None:
    """Return what the bytes of `part` are of; those that nobody could tell from a newer version's are removed.

    Another address of the same file goes on too, if its version has a name (a strong ETag); a date alone is not
    enough for that.
    """
    known = read_note(part)
    same = known is not None and (known.url == url or known.validator == known.etag)
    if known is None or not same or not known.validator or not part.is_file():
        discard(part)
        return None
    return known


def _opened(url: str, have: int, known: Remote | None, timeout_s: float) -> http.client.HTTPResponse:
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    if have and known is not None:
        headers |= {"Range": f"bytes={have}-", "If-Range": known.validator}
    # An opener of our own: the shared one remembers the proxies of its first use.
    opener = urllib.request.build_opener()
    return opener.open(urllib.request.Request(url, headers=headers), timeout=timeout_s)


def _check_expected(remote: Remote, size_bytes: int | None, md5: str, otherwise: str) -> None:
    found = needed = ""
    if size_bytes is not None and remote.size_bytes not in (None, size_bytes):
        kind = f" ({remote.kind})" if remote.kind else ""
        found, needed = f"a file of {remote.size_bytes:,} bytes{kind}", f"{size_bytes:,} bytes"
    elif md5 and remote.md5 and remote.md5 != md5:
        found, needed = f"a file with the MD5 {remote.md5}", md5
    if found:
        hint = f"--sha256 of the new file if the set was published anew; or {otherwise}"
        raise FetchError(found, where=remote.url, needed=needed, hint=hint)


def _start(
    response: http.client.HTTPResponse, remote: Remote, have: int, known: Remote | None, say: Callable[[str], None]
) -> int:
    """Return from which byte on the answer counts."""
    if not have or known is None:
        return 0
    if response.status == 206:
        span = content_range(response.headers)
        if span is None or span[0] != have or not remote.may_be(known):
            raise _Mixed("the server sends a piece that does not fit what is here")
        return have
    changed = not remote.may_be(known)
    say("the file on the server has changed: from the beginning" if changed else "no way to go on: from the beginning")
    return 0


class _Mixed(Broken):
    """What is here and what the server sends are not of one file."""


def _begin(part: Path, remote: Remote) -> None:
    discard(part)
    try:
        write_note(part, remote)
        part.touch()
    except OSError as error:
        raise _unwritable(part, error) from error


def _copy(
    response: http.client.HTTPResponse,
    part: Path,
    have: int,
    total: int | None,
    shown: Callable[[int, int | None], None],
) -> None:
    shown(have, total)
    with part.open("ab", buffering=0) as file:
        while piece := response.read(PIECE_BYTES):
            try:
                file.write(piece)
            except OSError as error:
                raise _unwritable(part, error) from error
            have += len(piece)
            shown(have, total)
    if total is not None and have != total:
        raise Broken(f"the connection ended after {have:,} of {total:,} bytes")


def _check_room(part: Path, remote: Remote, have: int, reserve_bytes: int) -> None:
    needed = (remote.size_bytes or 0) - have + reserve_bytes
    check_room(part.parent, needed, "the archive and what is in it")


def check_room(folder: Path, needed_bytes: int, what: str) -> None:
    """Refuses work that a disk has no room for.

    Raises:
        OutputError: Less is free there.
    """
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise OutputError(
            f"{in_words(free)} free",
            where=folder,
            needed=f"{in_words(math.ceil(needed_bytes))} for {what}",
            hint="making room, or a folder on another disk with -o",
        )


def _unwritable(part: Path, error: OSError) -> OutputError:
    return OutputError(
        (error.strerror or str(error)).lower(),
        where=part,
        needed="a disk with room that can be written to",
        hint="making room and the same command again (it goes on where it stopped), or another folder with -o",
    )
