"""Responses and bodies: JSON, files, and errors that say what was found, needed, and to try."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from ddsp_match.core.errors import OUT, ROOM, MatchError, OutputError

MAX_JSON_BYTES = 1 << 20
MAX_BODY_S = 300.0  # for all of a body, or a drop every half minute would hold a place for hours
LINGER_S, LINGER_BYTES = 2.0, 4 << 20  # for a sender to see that it is refused
_WHOLE = "body_was_read_to_its_end"
# How errors name what would cure them.
IN_THE_APP = {OUT: "starting the app with another --outputs", ROOM: "Fit again, with “The sound has a room”"}
_FULL = {errno.ENOSPC, errno.EDQUOT}


class Refusal(Exception):
    """A request that is answered with an error.

    Args:
        status: HTTP status.
        found: What was found, as a clause.
        needed: What is needed instead.
        hint: What to try.
    """

    def __init__(self, status: int, found: str, needed: str = "", hint: str = "") -> None:
        super().__init__(found)
        self.status, self.found, self.needed, self.hint = status, found, needed, hint


def error_words(error: BaseException) -> dict[str, str]:
    """An error as the app shows it."""
    if isinstance(error, MatchError | Refusal):
        return {"found": error.found, "needed": error.needed, "try": _remedy(error)}
    if isinstance(error, OSError) and error.errno in _FULL:
        return {"found": "a disk that is full", "needed": "free space", "try": "deleting something, then again"}
    if isinstance(error, MemoryError):
        return {"found": "too little memory", "needed": "more of it", "try": "a shorter sound"}
    return {
        "found": f"a bug of ours: {type(error).__name__}: {error}"[:500],
        "needed": "a report of it",
        "try": "once more, or another sound",
    }


def _remedy(error: MatchError | Refusal) -> str:
    return error.remedy(IN_THE_APP) if isinstance(error, MatchError) else error.hint


def error_status(error: BaseException) -> int:
    """The HTTP status that goes with an error."""
    if isinstance(error, Refusal):
        return error.status
    if isinstance(error, OSError) and error.errno in _FULL:
        return 507
    cause = error.__cause__
    if isinstance(error, OutputError) and isinstance(cause, OSError) and cause.errno in _FULL:
        return 507
    return 400 if isinstance(error, MatchError) else 500


def error_response(error: BaseException) -> JSONResponse:
    """The answer to a request that met an error."""
    return _Failure({"error": error_words(error)}, error_status(error))


class _Failure(JSONResponse):
    """An answer after which the connection is closed if the request's body has not come to its end.

    The rest is not read. It is only thrown away for a moment, because a connection that is closed while bytes lie
    unread in it is reset, and the answer with it.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in ("GET", "HEAD") or scope.get("state", {}).get(_WHOLE):
            await super().__call__(scope, receive, send)
            return
        self.headers["Connection"] = "close"
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                left = LINGER_BYTES
                while left > 0 and (message := await receive()).get("more_body"):
                    left -= len(message["body"])
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def plain(value: Any) -> Any:
    """A value whose numbers JSON can hold: what is not finite becomes null."""
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def json_response(value: Any, status: int = 200) -> JSONResponse:
    """A JSON answer that no cache keeps."""
    return JSONResponse(plain(value), status, {"Cache-Control": "no-store"})


def file_response(path: Path, kind: str, *, name: str = "", lasting: bool = False) -> Response:
    """A file, whole or in ranges; as a download where it gets a name."""
    headers = {"Cache-Control": "private, max-age=3600" if lasting else "no-store"}
    if name:
        plain_name = "".join(c if c.isascii() and (c.isalnum() or c in "._- ") else "_" for c in name)
        headers["Content-Disposition"] = f"attachment; filename=\"{plain_name}\"; filename*=UTF-8''{quote(name)}"
    return FileResponse(path, headers=headers, media_type=kind)


async def body_chunks(request: Request):
    """The body as it comes; given up where the sender stalls or goes away."""
    stream, end = request.stream(), time.monotonic() + MAX_BODY_S
    while True:
        try:
            chunk = await asyncio.wait_for(
                anext(stream), min(request.app.state.limits.stall_s, max(end - time.monotonic(), 0.0))
            )
        except StopAsyncIteration:
            setattr(request.state, _WHOLE, True)
            return
        except (TimeoutError, ClientDisconnect) as error:
            raise Refusal(408, "a body that ended before its end", "all of it", "sending it again") from error
        if chunk:
            yield chunk


async def json_body(request: Request) -> dict[str, Any]:
    """The JSON object in a request's body.

    Raises:
        Refusal: It is too large, or no JSON object.
    """
    body = bytearray()
    async for chunk in body_chunks(request):
        body += chunk
        if len(body) > MAX_JSON_BYTES:
            raise Refusal(413, "more than a megabyte of JSON", "less")
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "a body that is no JSON", "a JSON object") from error
    if not isinstance(value, dict):
        raise Refusal(400, "JSON that is no object", "a JSON object")
    return value


async def in_thread(work: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Results what would block the server in a thread of its own."""
    return await run_in_threadpool(work, *args, **options)
