"""Jobs and sweeps of jobs under ``hydra.main``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddsp_match.config.composing import to_settings
from ddsp_match.config.folders import CONFIG_NAME, conf_dir
from ddsp_match.config.names import first_line
from ddsp_match.errors import ConfigError
from ddsp_match.settings import FitSettings, Settings

if TYPE_CHECKING:
    from omegaconf import DictConfig

_RAISE = "HYDRA_FULL_ERROR"


def run_hydra(
    arguments: Sequence[str],
    job: Callable[[Any, Path, list[str]], float | None],
    *,
    program: str,
    kind: type[Settings] = FitSettings,
) -> None:
    """Run a job, or a sweep of jobs, under ``hydra.main``, so that Hydra's own flags keep their meaning.

    Args:
        arguments: Overrides and Hydra's flags (``--multirun``, ``--cfg job``, …), checked beforehand.
        job: Called with the settings, Hydra's output directory and the overrides of that job; what it returns
            goes to the sweeper.
        program: Name of the command, for shell completion.
        kind: The settings that are composed and given to the job.

    Raises:
        ConfigError: What Hydra refuses.
        Exception: The first one that a job raised; later jobs of a sweep are left out.
    """
    import os
    import sys

    import hydra
    from hydra.core.hydra_config import HydraConfig
    from hydra.errors import HydraException

    # Hydra wraps what a job raises: keep it until Hydra is done.
    errors: list[Exception] = []

    @hydra.main(version_base="1.3", config_path=str(conf_dir(kind)), config_name=CONFIG_NAME)
    def main(config: DictConfig) -> float | None:
        runtime = HydraConfig.get()
        if errors:
            return None
        try:
            return job(to_settings(config, kind), Path(runtime.runtime.output_dir), list(runtime.overrides.task))
        except Exception as error:
            errors.append(error)
            return None

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
    if errors:
        raise errors[0]
