"""The disk: names it can hold, places claimed before work begins, files and folders written whole or not at all."""

from __future__ import annotations

from ddsp_match.core.files.claims import check_files, check_folder, claimed, is_free, run_adrift
from ddsp_match.core.files.lock import Lock
from ddsp_match.core.files.names import beside, decoded, encoded, fitted, name_of, printable
from ddsp_match.core.files.refusal import check_room, explained, refusal
from ddsp_match.core.files.whole import new_file, new_folder, sync_folder, sync_tree, write_text

__all__ = [
    "Lock",
    "beside",
    "check_files",
    "check_folder",
    "check_room",
    "claimed",
    "decoded",
    "encoded",
    "explained",
    "fitted",
    "is_free",
    "name_of",
    "new_file",
    "new_folder",
    "printable",
    "refusal",
    "run_adrift",
    "sync_folder",
    "sync_tree",
    "write_text",
]
