"""Jobs and sweeps of jobs under ``hydra.main``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddsp_match.config.composing import register_defaults, to_settings
from ddsp_match.config.folders import CONFIG_NAME, conf_dir
from ddsp_match.config.names import first_line
from ddsp_match.config.plugins import BASIC, default_words, launcher_of, quietened, sweeper_of
from ddsp_match.core.errors import ConfigError, MatchError
from ddsp_match.core.settings import FitSettings, Settings

if TYPE_CHECKING:
    from omegaconf import DictConfig

_RAISE = "HYDRA_FULL_ERROR"
# One job of a sweep: builds its settings (which raises ConfigError), output directory, overrides, number.
Job = Callable[[Callable[[], Any], Path, list[str], int], float]


class LaunchError(MatchError):
    """An error of a launcher or a sweeper, outside of any job."""


def print_settings(arguments: Sequence[str], *, program: str, kind: type[Settings] = FitSettings) -> None:
    """Have ``hydra.main`` print what one of its own flags asks for.

    Args:
        arguments: The flag (``--cfg job``, …) and overrides, checked beforehand.
        program: Name of the command, for shell completion.
        kind: The settings that are composed.

    Raises:
        ConfigError: What Hydra refuses.
    """

    def no_job(*_: object) -> float:
        return 0.0

    _main(arguments, _Task(no_job, kind), program)


def run_sweep(
    overrides: Sequence[str],
    job: Job,
    *,
    program: str,
    words: Sequence[str] = (),
    kind: type[Settings] = FitSettings,
) -> None:
    """Run a sweep under ``hydra.main``, by the launcher and the sweeper that the overrides name.

    Args:
        overrides: As the user typed them, checked beforehand.
        job: Called for each job, maybe in another process or on another machine, to which it is pickled. What it
            returns the sweeper makes small.
        program: Name of the command.
        words: Flags and overrides of ours, before the user's.
        kind: The settings that are composed.

    Raises:
        ConfigError: What Hydra refuses.
        LaunchError: What a launcher or a sweeper other than Hydra's own one ended with.
        Exception: The first one that a job in this process raised; later jobs are left out.
    """
    launcher, sweeper = launcher_of(overrides), sweeper_of(overrides)
    seeds = [word.partition("=")[2] for word in overrides if word.startswith("seed=") and word[5:].isdigit()]
    defaults = default_words(overrides, *seeds[-1:])
    task = _Task(job, kind)
    try:
        with quietened(sweeper):
            _main(["--multirun", *words, *defaults, *overrides], task, program)
    except (ConfigError, *task.raised):
        raise
    except Exception as error:
        if (launcher, sweeper) == (BASIC, BASIC):
            raise
        named = (("launcher", launcher), ("sweeper", sweeper))
        raise LaunchError(
            f"{type(error).__name__}: {first_line(error)}",
            where=" ".join(f"hydra/{group}={name}" for group, name in named if name != BASIC),
        ) from error


@dataclass
class _Task:
    """The function that Hydra calls for each job; a launcher pickles it, so that it has to be a class of a module."""

    job: Job
    kind: type[Settings]
    # Hydra wraps what a job raises: it is kept until Hydra is done.
    errors: list[Exception] = field(default_factory=list)

    def __call__(self, config: DictConfig) -> float:
        from hydra.core.hydra_config import HydraConfig
        from omegaconf import OmegaConf

        hydra = HydraConfig.get()
        if self.errors:
            return float("inf")
        number = 0 if OmegaConf.is_missing(hydra.job, "num") else int(hydra.job.num)
        folder = Path(hydra.runtime.output_dir)
        try:
            return self.job(lambda: to_settings(config, self.kind), folder, list(hydra.overrides.task), number)
        except Exception as error:
            self.errors.append(error)
            return float("inf")

    @property
    def raised(self) -> tuple[type[Exception], ...]:
        return tuple(type(error) for error in self.errors)


def _main(arguments: Sequence[str], task: _Task, program: str) -> None:
    import os
    import sys

    import hydra
    from hydra.errors import HydraException

    register_defaults()
    main = hydra.main(version_base="1.3", config_path=str(conf_dir(task.kind)), config_name=CONFIG_NAME)(task)
    before = sys.argv, os.environ.get(_RAISE)
    # Hydra reads argv itself, and without this variable prints its errors and ends the process.
    sys.argv, os.environ[_RAISE] = [program, *arguments], "1"
    try:
        main()
    except HydraException as error:
        raise ConfigError(first_line(error), where="settings") from None
    finally:
        sys.argv = before[0]
        os.environ.pop(_RAISE) if before[1] is None else os.environ.update({_RAISE: before[1]})
    if task.errors:
        raise task.errors[0]
