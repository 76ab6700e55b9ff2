"""The part of the verbs that Hydra does: printing settings, naming the run directory, sweeping."""

from __future__ import annotations

import argparse
import contextlib
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from ddsp_match import config
from ddsp_match.cli.progress import STOPPING
from ddsp_match.cli.sweep import Sweep
from ddsp_match.cli.sweep_job import SweepJob, Work
from ddsp_match.cli.sweep_watch import SweepInterrupt, Watch
from ddsp_match.cli.values import PROGRAM
from ddsp_match.core.errors import MatchError
from ddsp_match.core.settings import FitSettings, Settings
from ddsp_match.runs.sweep_rows import LOSS, Row

_LONGEST_NAME = 120  # bytes of a job's folder name; file systems take 255, and a patch's path comes after it


def printed(arguments: argparse.Namespace, overrides: list[str], kind: type[Settings] = FitSettings) -> bool:
    """Let Hydra print settings where a flag asks for that, and say whether it did."""
    asks = _asks(arguments)
    if asks:
        # Hydra prints by logging; a reader that has gone (| head) is no error.
        logging.raiseExceptions = False
        config.check(overrides, config_dir=arguments.config_dir, kind=kind)
        config.print_settings([*asks, *folder_words(arguments), *overrides], program=PROGRAM, kind=kind)
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
    claim: AbstractContextManager[Path],
    work: Work,
    *,
    title: str,
    kind: type[Settings] = FitSettings,
    figure: str = LOSS,
    form: str = ".4f",
    defaults: Sequence[str] = (),
    stopping: str = STOPPING,
    score: Callable[[Sequence[Row]], str] | None = None,
) -> Sweep:
    """Run every combination of the swept settings, or those that a sweeper chooses, by Hydra's launchers.

    Args:
        arguments: Of the command line.
        overrides: Settings, some of them swept.
        claim: Gives the sweep's folder, and keeps it from other commands while it is entered.
        work: Does one combination and fills in its row, perhaps in another process.
        title: Name of the sound, or of the many.
        kind: The settings.
        figure: What ranks the rows.
        form: How it is written.
        defaults: Settings to be put before the overrides.
        stopping: What the user is told at the first Ctrl-C.
        score: See `Sweep`.

    Raises:
        ConfigError: A setting that does not exist, or not one combination that can be run.
        MatchError: What would meet every job, and what a launcher ended with before a single one was done.
    """
    plan = config.plan(overrides, config_dir=arguments.config_dir, kind=kind)
    with claim as folder:
        named = {word.lstrip("+~").partition("=")[0] for word in [*defaults, *overrides]}
        fixed = sorted(named - set(plan.swept) - {word for word in named if word.startswith("hydra")})
        # The folder of a job is named by what differs between jobs, not by what all of them share.
        named_by = ["override_dirname"] if plan.swept and plan.name_length <= _LONGEST_NAME else ["num"]
        if plan.drawn and "num" not in named_by:  # a sweeper may draw the same values twice
            named_by = ["num", *named_by]
        hydra_words = [
            f"hydra.sweep.dir={config.quoted(folder)}",
            f"hydra.sweep.subdir='{','.join(f'${{hydra.job.{name}}}' for name in named_by)}'",
            f"hydra.job.config.override_dirname.exclude_keys=[{','.join(fixed)}]",
        ]
        elsewhere = config.launcher_of(overrides) != config.BASIC
        watched = elsewhere and not arguments.quiet
        if elsewhere:  # bars of several processes would run through each other
            arguments = argparse.Namespace(**{**vars(arguments), "quiet": True})
        rows = Sweep(folder, plan.swept, figure, form, title=title, command=arguments.command, score=score)
        interrupt = SweepInterrupt(rows.files, stopping)
        with interrupt, rows, Watch(rows.files, form) if watched else contextlib.nullcontext():
            rows.refuse(plan.refused)
            job = SweepJob(work, arguments, rows.files, frozenset(fixed))
            words = [*folder_words(arguments), *hydra_words, *defaults]
            try:
                config.run_sweep(plan.overrides, job, program=PROGRAM, words=words, kind=kind)
            except config.LaunchError as error:
                rows.files.stop_mark.touch()
                rows.trouble = str(error)
            rows.stopped = interrupt.wanted() and not rows.trouble
        rows.raise_fatal()
        if rows.trouble and not rows.done():
            raise MatchError(rows.trouble)
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
