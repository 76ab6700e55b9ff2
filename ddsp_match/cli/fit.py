"""``ddsp-match fit``: one sound, one fit or a sweep of them, under Hydra."""

from __future__ import annotations

import argparse
import logging
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from ddsp_match import config
from ddsp_match.cli.parser import PROGRAM
from ddsp_match.cli.progress import Interrupt, Progress
from ddsp_match.cli.sweep import Sweep
from ddsp_match.cli.words import flag_overrides, one_sound, run_directory, split
from ddsp_match.errors import ConfigError
from ddsp_match.settings import FitSettings

if TYPE_CHECKING:
    from ddsp_match.tasks.fit import FitResult

FLAGS = (
    "--output --force --budget --f0 --midi --f0-csv --quiet --multirun --cfg --info --hydra-help "
    "--shell-completion --package --resolve --config-dir --help"
).split()


def fit(arguments: argparse.Namespace) -> int:
    """Run the verb; returns the exit code."""
    if arguments.shell_completion is not None:
        from ddsp_match.cli.completion import complete

        return complete(arguments.shell_completion)
    sounds, overrides = split(arguments.words, FLAGS)
    overrides, output = _hydra_directory(flag_overrides(arguments, overrides), arguments)
    if arguments.config_dir is not None and not arguments.config_dir.is_dir():
        raise ConfigError("no such folder", where=arguments.config_dir, needed="a folder with config groups")
    asks = _asks(arguments)
    if asks:
        logging.raiseExceptions = (
            False  # Hydra prints by logging; a reader that has gone (| head) is no error
        )
        config.check(overrides, config_dir=arguments.config_dir)
        config.run_hydra([*asks, *_config_dir(arguments), *overrides], _no_job, program=PROGRAM)
        return 0
    sound = one_sound(sounds, "fit")
    if arguments.multirun:
        return _sweep(arguments, sound, overrides, output)
    config.build(overrides, config_dir=arguments.config_dir)
    folder = run_directory(sound.stem, output, force=arguments.force, sound=sound)

    def job(settings: FitSettings, _: Path, __: list[str]) -> float:
        with Interrupt() as interrupt:
            result = fit_once(arguments, sound, settings, folder, interrupt)
        print(_outcome(result, folder))
        return best_loss(result)

    config.run_hydra([*_config_dir(arguments), *overrides], job, program=PROGRAM)
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
            command=shlex.join([PROGRAM, *arguments.argv]),
            on_stage=progress.on_stage,
            on_step=progress.on_step,
            on_pitch=progress.on_pitch,
            stop=interrupt.wanted,
            force=arguments.force,
        )


def best_loss(result: FitResult) -> float:
    """Return the loss of what was written; infinite if not a single step was taken."""
    return min(result.trace.best, default=float("inf"))


def _sweep(arguments: argparse.Namespace, sound: Path, overrides: list[str], output: Path | None) -> int:
    swept = config.check(overrides, config_dir=arguments.config_dir)
    folder = run_directory(f"{sound.stem}-sweep", output, force=arguments.force, sound=sound)
    named = {word.lstrip("+~").partition("=")[0] for word in overrides}
    fixed = sorted(named - set(swept) - {word for word in named if word.startswith("hydra")})
    # The folder of a job is named by what differs between jobs, not by what all of them share.
    name = "override_dirname" if swept else "num"
    hydra_words = [
        f"hydra.sweep.dir={config.quoted(folder)}",
        f"hydra.sweep.subdir=${{hydra.job.{name}}}",
        f"hydra.job.config.override_dirname.exclude_keys=[{','.join(fixed)}]",
    ]
    with Interrupt() as interrupt, Sweep(folder, swept) as sweep:

        def job(settings: FitSettings, out: Path, words: list[str]) -> float:
            if interrupt.wanted():
                return sweep.skip(out)
            label = ", ".join(word for word in words if word.partition("=")[0] in swept)
            with sweep.job(out, words) as row:
                result = fit_once(arguments, sound, settings, out, interrupt, label)
                row.finish(result, best_loss(result))
            return row.loss

        words = ["--multirun", *_config_dir(arguments), *hydra_words, *overrides]
        config.run_hydra(words, job, program=PROGRAM)
    print(sweep.table())
    return 2 if sweep.failed() else 0


def _asks(arguments: argparse.Namespace) -> list[str]:
    """Hydra's flags that print something instead of fitting."""
    words = ["--cfg", arguments.cfg] if arguments.cfg else []
    words += ["--info", arguments.info] if arguments.info else []
    words += ["--hydra-help"] if arguments.hydra_help else []
    words += ["--package", arguments.package] if arguments.package and words else []
    words += ["--resolve"] if arguments.resolve and words else []
    return words


def _config_dir(arguments: argparse.Namespace) -> list[str]:
    return ["--config-dir", str(arguments.config_dir)] if arguments.config_dir is not None else []


def _hydra_directory(overrides: list[str], arguments: argparse.Namespace) -> tuple[list[str], Path | None]:
    """Take ``hydra.run.dir=`` (``hydra.sweep.dir=`` in a sweep) as another way to write ``-o``."""
    prefix = "hydra.sweep.dir=" if arguments.multirun else "hydra.run.dir="
    named = [word.removeprefix(prefix).strip("'\"") for word in overrides if word.startswith(prefix)]
    output = arguments.output
    if named and output is None:
        output = Path(named[-1])
    return [word for word in overrides if not word.startswith(prefix)], output


def _no_job(settings: FitSettings, folder: Path, words: list[str]) -> None:
    """Stand in for the job where Hydra only prints."""


def _outcome(result: FitResult, folder: Path) -> str:
    seconds = sum(result.seconds.values())
    lines = [result.verdict.text(), ""]
    lines += [f"note: {note}" for note in result.notes]
    lines += [f"stopped: {result.stop_reason} (loss {best_loss(result):.4f}, {seconds:.1f} s)"]
    lines += [f"written: {folder}/" + ", ".join(sorted(path.name for path in folder.iterdir()))]
    lines += [f"report:  {folder / 'report.html'}"]
    return "\n".join(lines)
