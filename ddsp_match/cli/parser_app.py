"""The part of the command line, and of its help, that is about the app. Imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path

from ddsp_match.cli.values import seconds

_EXAMPLES = """\
examples:
  ddsp-match app                           opens the app in the browser; Ctrl-C ends it
  ddsp-match app --port 9000 --no-open     at http://127.0.0.1:9000/, without a browser
  ddsp-match app --outputs ~/matches       keeps the runs elsewhere than in outputs/

Drop or record a sound, fit it, hear it against the original, edit it, play it, download it. The app answers this
machine alone, and fetches nothing from elsewhere. Ctrl-C keeps the best so far of a fit that is running.
"""


def add_app(parser: argparse.ArgumentParser) -> None:
    """Describe ``app``."""
    parser.description = "Fit, edit and play sounds in the browser. The server answers this machine alone."
    parser.epilog = _EXAMPLES
    parser.add_argument(
        "--port", type=_port, metavar="N", help="port to listen on; 0: any free one (default: 8765 or the next free)"
    )
    parser.add_argument(
        "--outputs", type=Path, default=Path("outputs"), metavar="DIR", help="folder of the runs (default: outputs)"
    )
    parser.add_argument("--no-open", action="store_true", help="do not open a browser")
    parser.add_argument(
        "--max-mb", type=_megabytes, default=256.0, metavar="N", help="largest file to take, in MB (default: 256)"
    )
    parser.add_argument(
        "--max-seconds",
        type=seconds,
        metavar="TIME",
        help="longest sound to take (default: 10 min, the longest that can be fitted)",
    )


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= 65_535):
        raise argparse.ArgumentTypeError(f"found {text!r}; needed: a port, 0 to 65535")
    return int(text)


def _megabytes(text: str) -> float:
    try:
        value = float(text.lower().removesuffix("mb"))
    except ValueError:
        value = 0.0
    if not 0 < value <= 4096:
        raise argparse.ArgumentTypeError(f"found {text!r}; needed: megabytes, above 0, at most 4096")
    return value
