"""``ddsp-match fit``: one sound, one fit or a sweep of them, under Hydra; or many sounds."""

from __future__ import annotations

import argparse
import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ddsp_match import config
from ddsp_match.cli import fit_many, jobs
from ddsp_match.cli.knobs import settings_lines
from ddsp_match.cli.many_progress import duration
from ddsp_match.cli.progress import Interrupt, Progress
from ddsp_match.cli.words import claimed_run, flag_overrides, one_sound, split, tail
from ddsp_match.core.errors import ConfigError
from ddsp_match.core.settings import FitSettings
from ddsp_match.report.next_steps import next_steps, steps_text
from ddsp_match.runs.sweep_rows import Row

LONG_S = 30.0  # a fit of so long is announced

if TYPE_CHECKING:
    from ddsp_match.tasks.fit import FitResult

def fit(arguments: argparse.Namespace) -> int:
    """Run the verb; returns the exit code."""
    if arguments.shell_completion is not None:
        from ddsp_match.cli.completion import complete

        return complete(arguments.shell_completion)
    sounds, overrides = split(arguments.words)
    overrides, output = jobs.hydra_directory(flag_overrides(arguments, overrides), arguments)
    if arguments.config_dir is not None and not arguments.config_dir.is_dir():
        raise ConfigError("no such folder", where=arguments.config_dir, needed="a folder with config groups")
    if jobs.printed(arguments, overrides):
        return 0
    if fit_many.is_many(sounds):
        return fit_many.fit_many(arguments, sounds, overrides, output)
    sound = one_sound(sounds, "fit")
    if arguments.multirun:
        return _sweep(arguments, sound, overrides, output)
    settings = config.build(overrides, config_dir=arguments.config_dir)
    with claimed_run("", output, force=arguments.force, sound=sound) as folder:
        if not arguments.quiet:
            _say_cost(sound, settings)
        with Interrupt() as interrupt:
            result = fit_once(arguments, sound, settings, folder, interrupt)
        print(_outcome(result, folder))
    return 0


def fit_once(
    arguments: argparse.Namespace,
    sound: Path,
    settings: FitSettings,
    folder: Path,
    interrupt: Interrupt,
    label: str = "",
) -> FitResult:
    """Fit with progress on stderr; the task writes the run directory."""
    progress = Progress(quiet=arguments.quiet, label=label)
    progress.on_stage("start")  # importing torch takes a second; say something before
    with progress:
        from ddsp_match.tasks.fit import fit as task

        return task(
            sound,
            settings=settings,
            out=folder,
            command=arguments.command,
            on_stage=progress.on_stage,
            on_step=progress.on_step,
            on_pitch=progress.on_pitch,
            stop=interrupt.wanted,
            force=arguments.force,
        )


def _say_cost(sound: Path, settings: FitSettings) -> None:
    """Say what a long fit takes, before it begins."""
    from ddsp_match.core.audio.headers import header
    from ddsp_match.tasks.estimate import fit_cost

    form = header(sound)
    if form is None:
        return
    steps, budget_s = settings.resolved().optimizer.n_steps, settings.optimizer.budget_s
    seconds, memory_gb = fit_cost(form, steps)
    if seconds < LONG_S:
        return
    limit = "" if budget_s is None else f", or less within the budget of {duration(budget_s)} for the optimisation"
    print(
        f"{form.n_samples / form.sample_rate:.0f} s of sound: about {duration(seconds)} and {memory_gb:.1f} GB of "
        f"memory{limit}; quality=draft, --budget 30s or a shorter piece takes less",
        file=sys.stderr,
    )


def best_loss(result: FitResult) -> float:
    """Return the loss of what was written; infinite if not a single step was taken."""
    return min(result.trace.best, default=float("inf"))


def _sweep(arguments: argparse.Namespace, sound: Path, overrides: list[str], output: Path | None) -> int:
    claim = claimed_run("-sweep", output, force=arguments.force, sound=sound)
    rows = jobs.sweep(arguments, overrides, claim, functools.partial(_job, sound), title=sound.stem)
    print(rows.table())
    return 2 if rows.failed() else 0


def _job(
    sound: Path,
    arguments: argparse.Namespace,
    settings: FitSettings,
    out: Path,
    label: str,
    interrupt: Interrupt,
    row: Row,
) -> None:
    """One job of a sweep; a function of the module, because launchers pickle it."""
    result = fit_once(arguments, sound, settings, out, interrupt, label)
    row.finish(best_loss(result), result.metrics, str(result.stop_reason), result.seconds)


def _outcome(result: FitResult, folder: Path) -> str:
    seconds = sum(result.seconds.values())
    lines = [result.verdict.text(), f"  {result.size_words}", ""]
    rack = result.patch.effects
    if rack is not None:
        lines += ["effects:", *settings_lines(rack.chain.knobs, rack.knobs)]
    lines += tail(result.notes, f"{result.stop_reason} (loss {best_loss(result):.4f}, {seconds:.1f} s)", folder)
    from ddsp_match.patch import SUFFIX

    for patch in folder.glob(f"*{SUFFIX}"):
        lines.append(steps_text(next_steps(patch, result.patch.follows_pitch)))
    return "\n".join(lines)
