"""A file imports only from rows below its own, or from its own room; the table is that of docs/architecture.md."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "ddsp_match"
ROOMS = sorted(path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists())
ROWS = {
    "dsp": 1,
    "core": 2,
    **dict.fromkeys(("models", "analysis", "synth", "effects", "losses", "datasets"), 3),
    "patch": 4,
    **dict.fromkeys(("edits", "runs"), 5),
    **dict.fromkeys(("fitting", "score", "exports"), 6),
    "report": 7,
    "tasks": 8,
    "config": 9,
    "app": 10,
    "cli": 11,
}
# Each of these packages is reached through one room (or two), so that it can be replaced there.
ONLY_IN = {
    "hydra": {"config"},
    "omegaconf": {"config"},
    "optuna": {"config"},
    "soundfile": {"core", "report"},  # report: encodes its players in memory
    "safetensors": {"patch"},
    "librosa": {"analysis"},
    "matplotlib": {"report"},
    "argparse": {"cli"},
    "tqdm": {"cli"},
    "zimtohrli": {"score"},
    "ray": {"runs"},
    "sqlite3": {"runs"},
    "starlette": {"app"},
    "uvicorn": {"app"},
    "mido": {"exports"},
    "requests": {"datasets"},
    "torchcrepe": set(),
    "torchaudio": set(),
    "auraloss": set(),
}
HEAVY = {"torch", "numpy", "scipy", "hydra", "omegaconf", "librosa", "matplotlib", "soundfile", "soxr", "tqdm"}
# --help loads these, and answers in a twentieth of a second.
LIGHT = ("cli", "config", "core/settings", "core/params.py", "core/errors.py", "exports/kinds.py")


def files(below: str) -> list[Path]:
    path = PACKAGE / below
    return [path] if path.suffix else sorted(path.rglob("*.py"))


def is_typing_guard(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def imported(source: str, package: str, *, at_import_time: bool = False) -> set[str]:
    """Full names of what a file imports: ``ddsp_match.core.audio.Audio``, ``torch``."""
    names: set[str] = set()

    def visit(node: ast.AST) -> None:
        if at_import_time and (isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or is_typing_guard(node)):
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


def imports_of(path: Path, *, at_import_time: bool = False) -> set[str]:
    package = ".".join(["ddsp_match", *path.relative_to(PACKAGE).parent.parts])
    return imported(path.read_text(encoding="utf-8"), package, at_import_time=at_import_time)


def breaches(room: str, names: set[str]) -> list[str]:
    """Return what a file of a room may not import."""
    wrong = []
    for name in sorted(names):
        top, _, rest = name.partition(".")
        other = rest.partition(".")[0]
        if top == "ddsp_match" and other in ROWS and other != room and ROWS[other] >= ROWS[room]:
            wrong.append(f"{name}: row {ROWS[other]} from row {ROWS[room]}")
        elif top in ONLY_IN and room not in ONLY_IN[top]:
            wrong.append(f"{name}: only in {sorted(ONLY_IN[top])}")
    return wrong


def test_every_room_has_a_row_and_files():
    assert set(ROOMS) == set(ROWS)
    assert all(files(room) for room in ROOMS)
    assert {path.name for path in PACKAGE.glob("*.py")} == {"__init__.py", "__main__.py"}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_from_rows_below(room):
    assert {str(path): wrong for path in files(room) if (wrong := breaches(room, imports_of(path)))} == {}


def test_the_help_imports_nothing_heavy():
    light = [path for below in LIGHT for path in files(below)]
    tops = {path: {name.partition(".")[0] for name in imports_of(path, at_import_time=True)} for path in light}
    assert {str(path): heavy for path, names in tops.items() if (heavy := names & HEAVY)} == {}


def test_only_the_command_line_prints():
    def prints(path: Path) -> list[int]:
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        return [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]

    silent = [path for room in ROOMS if room != "cli" for path in files(room)]
    assert {str(path): lines for path in silent if (lines := prints(path))} == {}


def test_a_breach_would_be_seen():
    source = (
        "from __future__ import annotations\n"
        "import torch\n"
        "import soundfile as sf\n"
        "from ddsp_match.losses import spectral\n"
        "from ddsp_match.dsp.noise import filtered_noise\n"
        "from ..synth import harmonic_noise\n"
        "from .crepe import track\n"
        "def late():\n    from ddsp_match import fitting\n"
    )
    names = imported(source, "ddsp_match.analysis")
    assert breaches("analysis", names) == [
        "ddsp_match.fitting: row 6 from row 3",
        "ddsp_match.losses.spectral: row 3 from row 3",
        "ddsp_match.synth.harmonic_noise: row 3 from row 3",
        "soundfile: only in ['core', 'report']",
    ]
    eager = imported(source, "ddsp_match.analysis", at_import_time=True)
    assert "ddsp_match.fitting" not in eager and "torch" in eager
