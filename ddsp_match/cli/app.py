"""``ddsp-match app``: all of it in the browser."""

from __future__ import annotations

import argparse
import sys
import threading

STOPPING = "stopping; a fit that is running is kept as far as it is (Ctrl-C again quits without)"


def app(arguments: argparse.Namespace) -> int:
    """Run the verb; returns the exit code."""
    from ddsp_match.app.limits import Limits
    from ddsp_match.app.server import PORT, App

    limits = Limits(round(arguments.max_mb * 2**20), arguments.max_seconds or Limits.seconds)
    served = App(arguments.outputs, arguments.port, limits)

    def started() -> None:
        if arguments.port is None and served.port != PORT:
            print(f"port {PORT} is taken", file=sys.stderr)
        print(f"ddsp-match is at {served.url} (Ctrl-C ends it)", flush=True)
        if not arguments.no_open:
            threading.Thread(target=_open, args=(served.url,), daemon=True).start()

    ended = served.serve(started, lambda: print(f"\n{STOPPING}", file=sys.stderr, flush=True))
    if not ended:
        print("the fit did not end in time and was not written", file=sys.stderr)
    return 0


def _open(url: str) -> None:
    import webbrowser

    webbrowser.open(url)  # the socket listens by now
