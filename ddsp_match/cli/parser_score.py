"""The part of the command line, and of its help, that is about scores. Imports nothing heavy."""

from __future__ import annotations

import argparse


def add_score(parser: argparse.ArgumentParser) -> None:
    """Describe ``score``."""


def add_compare(parser: argparse.ArgumentParser) -> None:
    """Describe ``compare``."""
