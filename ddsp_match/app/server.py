"""The server itself: on this machine's own address only, until it is told to end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from ddsp_match.app.limits import ConcurrencyLimit, HeadTimeout, Limits
from ddsp_match.app.routes import Routes
from ddsp_match.app.security import SameOrigin
from ddsp_match.app.services import Services
from ddsp_match.core.errors import ConfigError

HOST = "127.0.0.1"  # and no other: it serves the person at this machine
PORT, PORTS_TRIED = 8765, 20
KEEP_S = 60.0  # a long sound's best so far takes a while to render, judge and write


class _Server(uvicorn.Server):
    """uvicorn, which ends the open event streams before it waits for them."""

    def __init__(self, config: uvicorn.Config, services: Services) -> None:
        super().__init__(config)
        self.services = services

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.services.events.open()
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.services.events.close()
        await super().shutdown(sockets)

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:
        """Leaves them to `App`, which hears them before it begins and after it ends."""
        return contextlib.nullcontext()


class App:
    """A server and what it holds, from its socket to its end.

    Args:
        outputs: Folder of the runs.
        port: To listen on; 0 for any that is free, None for the usual one or the next that is free.
        limits: Of uploads, waits and the queue.
        fit: Fits a sound, with the arguments of `ddsp_match.fit`, which it is by default.
        warm: Load and compile all that a fit needs before there is one.

    Raises:
        ConfigError: Another program listens on that port.
        OutputError: `outputs` is no folder that can be written to, or another app uses it.
    """

    def __init__(
        self,
        outputs: Path,
        port: int | None = None,
        limits: Limits | None = None,
        *,
        fit: Callable[..., Any] | None = None,
        warm: bool = True,
    ) -> None:
        limits = limits or Limits()
        self.socket = _listening(port)
        self.port = int(self.socket.getsockname()[1])
        self.url = f"http://{HOST}:{self.port}/"
        try:
            self.services = Services(outputs, limits, fit, warm)
        except BaseException:
            self.socket.close()
            raise
        app = SameOrigin(ConcurrencyLimit(Routes(self.services).application()), self.port)
        config = uvicorn.Config(
            app,
            host=HOST,
            port=self.port,
            loop="asyncio",
            http=type("Protocol", (HeadTimeout,), {"head_s": limits.head_s}),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=3,
        )
        self.server = _Server(config, self.services)

    def serve(self, on_start: Callable[[], None] = lambda: None, on_stop: Callable[[], None] = lambda: None) -> bool:
        """Serves until Ctrl-C, SIGTERM or `stop`; a second Ctrl-C ends it at once.

        Args:
            on_start: Called when it can be asked.
            on_stop: Called when Ctrl-C or SIGTERM has told it to end.

        Returns:
            Whether a fit that was running came to its end, its best so far written.

        Raises:
            KeyboardInterrupt: At the second Ctrl-C.
        """
        with self._stopping_on_signals(on_stop):
            wait_s = 0.0
            try:
                self.services.queue.start()
                on_start()
                asyncio.run(self.server.serve(sockets=[self.socket]))
                wait_s = KEEP_S
            finally:
                ended = self.services.close(wait_s)
                self.socket.close()
        return ended

    def stop(self) -> None:
        """Asks it to end, from any thread."""
        self.server.should_exit = True

    @contextlib.contextmanager
    def _stopping_on_signals(self, on_stop: Callable[[], None]) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def stop(number: int, frame: FrameType | None) -> None:
            if self.server.should_exit:
                raise KeyboardInterrupt
            self.stop()
            on_stop()

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _listening(port: int | None) -> socket.socket:
    for tried in range(PORT, PORT + PORTS_TRIED) if port is None else [port]:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, tried))
            listener.listen(100)  # who comes before it serves has to wait a moment, and is not refused
        except OSError as error:
            listener.close()
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
        else:
            return listener
    taken = f"port {port}" if port is not None else f"ports {PORT} to {PORT + PORTS_TRIED - 1}"
    raise ConfigError(
        "a port that another program uses" if port is not None else "no port that is free",
        where=taken,
        needed="one that is free",
        hint="another --port, or --port 0 for any",
    )
