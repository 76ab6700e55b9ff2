"""Which sounds there are in a folder, NSynth, or a table."""

from __future__ import annotations

from ddsp_match.datasets.item import Item, Listing
from ddsp_match.datasets.listing import listing

__all__ = ["Item", "Listing", "listing"]
