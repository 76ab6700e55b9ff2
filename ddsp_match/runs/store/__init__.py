"""The folder of a run over many sounds, and its one index."""

from __future__ import annotations

from ddsp_match.runs.store.entry import Entry
from ddsp_match.runs.store.index import INDEX_NAME
from ddsp_match.runs.store.sound_folder import SOUNDS, read_entry, source_facts, unchanged, write_sound
from ddsp_match.runs.store.store import Store, is_run

__all__ = ["INDEX_NAME", "SOUNDS", "Entry", "Store", "is_run", "read_entry", "source_facts", "unchanged", "write_sound"]
