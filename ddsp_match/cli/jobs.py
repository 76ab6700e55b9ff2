"""What verbs with settings share under Hydra: printing settings, naming the run directory, sweeping."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ddsp_match import config
from ddsp_match.cli.progress import Interrupt
from ddsp_match.cli.sweep import Row, Sweep
from ddsp_match.cli.values import PROGRAM
from ddsp_match.cli.words import run_directory
from ddsp_match.settings import FitSettings, Settings

# One job of a sweep: settings, folder, how it is called, the wish to stop, and the row to fill in.
Job = Callable[[Any, Path, str, Interrupt, Row], None]


def printed(arguments: argparse.Namespace, overrides: list[str], kind: type[Settings] = FitSettings) -> bool:
    """Let Hydra print settings where a flag asks for that, and say whether it did."""
    asks = _asks(arguments)
    if asks:
        # Hydra prints by logging; a reader that has gone (| head) is no error.
        logging.raiseExceptions = False
        config.check(overrides, config_dir=arguments.config_dir, kind=kind)
        config.run_hydra([*asks, *folder_words(arguments), *overrides], _no_job, program=PROGRAM, kind=kind)
    return bool(asks)


def folder_words(arguments: argparse.Namespace) -> list[str]:
    """Return the folder of further options in Hydra's words."""
    return ["--config-dir", str(arguments.config_dir)] if arguments.config_dir is not None else []


def hydra_directory(overrides: list[str], arguments: argparse.Namespace) -> tuple[list[str], Path | None]:
    """Take ``hydra.run.dir=`` (``hydra.sweep.dir=`` in a sweep) as another way to write ``-o``."""
    prefix = "hydra.sweep.dir=" if arguments.multirun else "hydra.run.dir="
    named = [word.removeprefix(prefix).strip("'\"") for word in overrides if word.startswith(prefix)]
    output = arguments.output
    if named and output is None:
        output = Path(named[-1])
    return [word for word in overrides if not word.startswith(prefix)], output


def sweep(
    arguments: argparse.Namespace,
    overrides: list[str],
    output: Path | None,
    sounds: tuple[Path, ...],
    job: Job,
    *,
    kind: type[Settings] = FitSettings,
    figure: str = "best loss",
    form: str = ".4f",
) -> Sweep:
    """Run every combination of the swept settings.

    Args:
        arguments: Of the command line.
        overrides: Settings, some of them swept.
        output: The folder that the user named, if any.
        sounds: What is worked on; the last one names the folder.
        job: Does one combination and fills in its row.
        kind: The settings.
        figure: What ranks the rows.
        form: How it is written.
    """
    swept = config.check(overrides, config_dir=arguments.config_dir, kind=kind)
    folder = run_directory(
        f"{sounds[-1].stem}-sweep", output, force=arguments.force, sound=sounds[-1], other=sounds[0]
    )
    named = {word.lstrip("+~").partition("=")[0] for word in overrides}
    fixed = sorted(named - set(swept) - {word for word in named if word.startswith("hydra")})
    # The folder of a job is named by what differs between jobs, not by what all of them share.
    name = "override_dirname" if swept else "num"
    hydra_words = [
        f"hydra.sweep.dir={config.quoted(folder)}",
        f"hydra.sweep.subdir=${{hydra.job.{name}}}",
        f"hydra.job.config.override_dirname.exclude_keys=[{','.join(fixed)}]",
    ]
    with Interrupt() as interrupt, Sweep(folder, swept, figure, form) as rows:

        def run(settings: Any, out: Path, words: list[str]) -> float:
            if interrupt.wanted():
                return rows.skip(out)
            label = ", ".join(word for word in words if word.partition("=")[0] in swept)
            with rows.job(out, words) as row:
                job(settings, out, label, interrupt, row)
            return row.loss

        words = ["--multirun", *folder_words(arguments), *hydra_words, *overrides]
        config.run_hydra(words, run, program=PROGRAM, kind=kind)
    return rows


def _asks(arguments: argparse.Namespace) -> list[str]:
    """Hydra's flags that print something instead of working."""
    flags = {name: getattr(arguments, name, None) for name in ("cfg", "info", "hydra_help", "package", "resolve")}
    words = ["--cfg", flags["cfg"]] if flags["cfg"] else []
    words += ["--info", flags["info"]] if flags["info"] else []
    words += ["--hydra-help"] if flags["hydra_help"] else []
    words += ["--package", flags["package"]] if flags["package"] and words else []
    words += ["--resolve"] if flags["resolve"] and words else []
    return words


def _no_job(settings: Settings, folder: Path, words: list[str]) -> None:
    """Stand in for the job where Hydra only prints."""
