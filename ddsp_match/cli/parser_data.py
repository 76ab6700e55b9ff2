"""The part of the command line, and of its help, that is about data sets. Imports nothing heavy."""

from __future__ import annotations

import argparse


def add_data(parser: argparse.ArgumentParser) -> None:
    """Describe ``data``."""
