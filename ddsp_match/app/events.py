"""Server-sent events to every open page."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool

from ddsp_match.app.responses import plain

BEAT_S = 10.0
MAX_WAITING = 500  # events that a page may be behind before it is told everything anew


class EventStream:
    """Takes events from any thread and hands them to all who listen.

    Args:
        everything: Events that tell a page all there is; sent when it comes, comes back, or has fallen behind.
    """

    def __init__(self, everything: Callable[[], list[tuple[str, Any]]]) -> None:
        self._everything = everything
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queues: set[asyncio.Queue[str | None]] = set()
        self._number = 0
        self._closed = False

    def open(self) -> None:
        """Begins, in the event loop that serves."""
        self._loop = asyncio.get_running_loop()

    def close(self) -> None:
        """Ends every stream, so that the server can end."""
        self._closed = True
        for queue in self._queues:
            _put(queue, None)

    def tell(self, event: str, data: Any) -> None:
        """Tells all; from any thread, and without waiting."""
        loop = self._loop
        if loop is None or self._closed:
            return
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(self._spread, event, data)

    async def stream(self) -> AsyncIterator[str]:
        """The events for one page, everything first."""
        queue: asyncio.Queue[str | None] = asyncio.Queue(MAX_WAITING)
        self._queues.add(queue)
        try:
            yield "retry: 1000\n\n"
            yield await run_in_threadpool(self._all)
            while not self._closed:
                try:
                    text = await asyncio.wait_for(queue.get(), BEAT_S)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                if text is None and self._closed:
                    return
                yield await run_in_threadpool(self._all) if text is None else text
        finally:
            self._queues.discard(queue)

    def _spread(self, event: str, data: Any) -> None:
        self._number += 1
        text = self._text(event, data)
        for queue in self._queues:
            if queue.full():
                while not queue.empty():
                    queue.get_nowait()
                _put(queue, None)
            else:
                _put(queue, text)

    def _all(self) -> str:
        return "".join(self._text(event, data) for event, data in self._everything())

    def _text(self, event: str, data: Any) -> str:
        return f"id: {self._number}\nevent: {event}\ndata: {json.dumps(plain(data))}\n\n"


def _put(queue: asyncio.Queue[str | None], text: str | None) -> None:
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(text)
