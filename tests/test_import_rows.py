"""A file imports only from rows below its own; neighbours never import each other."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "ddsp_match"

# Room -> row. A room is a file or a folder directly below ddsp_match/.
ROWS = {
    "errors": 0,
    **dict.fromkeys(("dsp", "files", "free_memory"), 1),
    **dict.fromkeys(("timebase", "audio", "features", "controls", "ranges", "settings", "device"), 2),
    **dict.fromkeys(("analysis", "synth", "effects", "sources", "losses", "metrics", "datasets", "edits"), 3),
    **dict.fromkeys(("optimise", "patch", "report", "store", "engines", "score", "formats", "web"), 4),
    "tasks": 5,
    "config": 6,
    "app": 7,
    "cli": 8,
}
# Whoever needs one of these goes through the room that holds it.
ONLY_IN = {
    "hydra": {"config"},
    "omegaconf": {"config"},
    "soundfile": {"audio", "report"},  # report: encodes its players in memory
    "safetensors": {"patch"},
    "librosa": {"analysis"},
    "matplotlib": {"report"},
    "argparse": {"cli"},
    "tqdm": {"cli"},
    "torchcrepe": set(),
    "torchaudio": set(),
    "auraloss": set(),
    "zimtohrli": {"score"},
    "ray": {"engines"},
    "optuna": {"config"},
    "sqlite3": {"store"},
    "starlette": {"app"},
    "uvicorn": {"app"},
    "mido": {"formats"},
    "requests": {"datasets"},
}
HEAVY = {
    "torch",
    "numpy",
    "scipy",
    "hydra",
    "omegaconf",
    "librosa",
    "matplotlib",
    "soundfile",
    "soxr",
    "tqdm",
}
FACADE = {"__init__", "__main__"}


def files() -> list[Path]:
    found = sorted(path for path in PACKAGE.rglob("*.py"))
    return found


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def is_typing_guard(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def imported(source: str, package: str, *, at_import_time: bool = False) -> set[str]:
    """Full names of what a file imports: ``ddsp_match.audio.Audio``, ``torch``."""
    names: set[str] = set()

    def visit(node: ast.AST) -> None:
        if at_import_time and (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or is_typing_guard(node)
        ):
            return
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                base = ".".join([*parents[: len(parents) - node.level + 1], *([base] if base else [])])
            names.update(f"{base}.{alias.name}" for alias in node.names)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(source))
    return names


def package_of(path: Path) -> str:
    return ".".join(["ddsp_match", *path.relative_to(PACKAGE).parent.parts])


def breaches(room: str, names: set[str]) -> list[str]:
    """What a file of a room may not import."""
    found = []
    for name in sorted(names):
        top, _, rest = name.partition(".")
        if top == "ddsp_match":
            other = rest.partition(".")[0]
            if other == room or not rest or other == "__version__":
                continue
            if other not in ROWS:
                found.append(f"{name}: no such room")
            elif ROWS[other] >= ROWS[room]:
                found.append(f"{name}: row {ROWS[other]} from row {ROWS[room]}")
        elif top in ONLY_IN and room not in ONLY_IN[top]:
            found.append(f"{name}: only in {sorted(ONLY_IN[top])}")
    return found


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_imports_only_from_rows_below(path):
    room = room_of(path)
    if room in FACADE:
        return
    assert room in ROWS, f"{path.name} is in no room: give it a row"
    assert breaches(room, imported(path.read_text(encoding="utf-8"), package_of(path))) == []


def test_there_are_files_to_check():
    assert {"config", "cli", "settings", "errors"} <= {room_of(path) for path in files()}


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_what_the_help_needs_imports_nothing_heavy(path):
    if room_of(path) not in {"cli", "config", "settings", "errors", *FACADE}:
        return
    names = imported(path.read_text(encoding="utf-8"), package_of(path), at_import_time=True)
    assert {name.partition(".")[0] for name in names} & HEAVY == set()


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_command_line_prints(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    prints = [call.lineno for call in calls if call.func.id == "print"]
    assert room_of(path) == "cli" or prints == []


def test_a_breach_would_be_seen():
    source = (
        "from __future__ import annotations\n"
        "import torch\n"
        "import soundfile as sf\n"
        "from ddsp_match.losses import mrstft\n"
        "from ddsp_match.dsp.noise import filtered\n"
        "from ..synth import harmonic\n"
        "from .crepe import track\n"
        "def late():\n    from ddsp_match import optimise\n"
    )
    names = imported(source, "ddsp_match.analysis")
    assert breaches("analysis", names) == [
        "ddsp_match.losses.mrstft: row 3 from row 3",
        "ddsp_match.optimise: row 4 from row 3",
        "ddsp_match.synth.harmonic: row 3 from row 3",
        "soundfile: only in ['audio', 'report']",
    ]
    eager = imported(source, "ddsp_match.analysis", at_import_time=True)
    assert "ddsp_match.optimise" not in eager and "torch" in eager
