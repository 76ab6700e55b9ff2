"""The part of the command line, and of its help, that is about data sets. Imports nothing heavy."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from ddsp_match.cli.values import add_writing, seconds

_EXAMPLES = """\
examples:
  ddsp-match data                                      the sets: size, licence, what is here already
  ddsp-match data nsynth-test                          download, check and unpack to data/nsynth-test/
  ddsp-match data nsynth-valid -o /srv/sets            ... to /srv/sets/nsynth-valid/
  ddsp-match data nsynth-test --archive nsynth-test.jsonwav.tar.gz
                                                       check and unpack a file that you have already
  ddsp-match fit data/nsynth-test/audio dataset=nsynth limit=20
                                                       then fit the first twenty sounds of it

Interrupted, by Ctrl-C, a broken connection or anything else: the same command goes on where it stopped.
Proxies are taken from the environment (http_proxy, https_proxy, no_proxy).
"""


def add_data(parser: argparse.ArgumentParser) -> None:
    """Describe ``data``."""
    parser.description = "Download a data set, check it and unpack it; without NAME, list the sets."
    parser.epilog = _EXAMPLES
    parser.add_argument("name", nargs="?", metavar="NAME", help="nsynth-test, nsynth-valid or nsynth-train")
    add_writing(
        parser, "DIR", "put it below this folder (data)", force="replace a set that is there", default=Path("data")
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--url", metavar="URL", help="another address of its archive")
    source.add_argument("--archive", type=Path, metavar="FILE", help="no download: the archive is here")
    parser.add_argument(
        "--sha256", type=_sha256, metavar="HEX", help="what the archive has to be, in place of our sums"
    )
    parser.add_argument("--keep-archive", action="store_true", help="leave the archive beside the unpacked set")
    parser.add_argument(
        "--timeout", type=seconds, default=30.0, metavar="TIME", help="wait that long for an answer (30s)"
    )


def _sha256(text: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text.strip()):
        raise argparse.ArgumentTypeError(f"found {text!r}; needed: a SHA-256, 64 digits 0 to 9 and a to f")
    return text.strip().lower()
