"""The app's own folder among the outputs: what has to be there again after the app has been killed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ddsp_match.core.errors import OutputError
from ddsp_match.core.files import Lock, refusal, write_text

FOLDER = ".ddsp-match-app"  # hidden: no run, and no sound of the user's


def locked(outputs: Path) -> tuple[Path, Lock]:
    """The app's folder below the outputs, and its lock: two apps would do one queue twice.

    Raises:
        OutputError: Another app holds it, or nothing can be written there.
    """
    folder = outputs / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        refused = refusal(outputs, error)
        raise OutputError(refused.found, where=outputs, needed=refused.needed, hint="another --outputs") from error
    try:
        return folder, Lock(folder / "run.lock", folder)
    except OutputError as error:
        raise OutputError(
            error.found.replace("another run is writing there", "another app uses that folder"),
            where=outputs,
            needed="a folder of its own for each app",
            hint="the address that the other one has printed, or another --outputs",
        ) from error


def read_json(path: Path) -> Any:
    """The content of a JSON file; None where there is none that can be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def write_json(path: Path, value: Any) -> None:
    """Writes a JSON file, whole or not at all."""
    write_text(path, json.dumps(value))
