"""Hydra's launchers and sweepers: which there are, and the options and programs that each needs on this machine."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import shutil
import warnings
from collections.abc import Iterator, Sequence

from ddsp_match.core.errors import ConfigError

BASIC = "basic"  # Hydra's own launcher (one job after the other, in this process) and sweeper (every combination)
_LAUNCHER, _SWEEPER = "hydra/launcher", "hydra/sweeper"
# Option of a group of Hydra's -> the package below hydra_plugins that brings it.
_PACKAGES = {
    (_LAUNCHER, "joblib"): "hydra_joblib_launcher",
    (_LAUNCHER, "submitit_local"): "hydra_submitit_launcher",
    (_LAUNCHER, "submitit_slurm"): "hydra_submitit_launcher",
    (_LAUNCHER, "ray"): "hydra_ray_launcher",
    (_LAUNCHER, "ray_aws"): "hydra_ray_launcher",
    (_SWEEPER, "optuna"): "hydra_optuna_sweeper",
}


def launcher_of(overrides: Sequence[str]) -> str:
    """Return which launcher the overrides name."""
    return _last(overrides, _LAUNCHER)


def sweeper_of(overrides: Sequence[str]) -> str:
    """Return which sweeper the overrides name."""
    return _last(overrides, _SWEEPER)


def check_plugins(overrides: Sequence[str]) -> None:
    """Refuse a launcher or sweeper that this machine cannot run, before Hydra looks for it.

    Raises:
        ConfigError: It is not installed, there is no Slurm, or Optuna is told to maximise.
    """
    for group in (_LAUNCHER, _SWEEPER):
        name = _last(overrides, group)
        package = _PACKAGES.get((group, name))
        if package is not None and not installed(package):
            raise ConfigError(
                f"{name}, which is not installed",
                where=group,
                needed=f"the package {package.replace('_', '-')}",
                hint="pip install 'ddsp-match[sweeps]'",
            )
    if launcher_of(overrides) == "submitit_slurm" and shutil.which("sbatch") is None:
        raise ConfigError(
            "no sbatch on this machine",
            where=f"{_LAUNCHER}=submitit_slurm",
            needed="a machine of a Slurm cluster that jobs are sent off from, its login node",
            hint=f"{_LAUNCHER}=joblib, which uses the cores of this machine",
        )
    direction = _last(overrides, "hydra.sweeper.direction", "minimize")
    if direction != "minimize":
        raise ConfigError(
            direction,
            where="hydra.sweeper.direction",
            needed="minimize; a run gives one figure, its error",
        )


def installed(package: str) -> bool:
    """Say whether a plugin of Hydra's is there, by the name of its package below ``hydra_plugins``."""
    try:
        return importlib.util.find_spec(f"hydra_plugins.{package}") is not None
    except ModuleNotFoundError:
        return False


def default_words(overrides: Sequence[str], seed: str = "0") -> list[str]:
    """Return the default options of a launcher and a sweeper, to be put before the user's overrides.

    Args:
        overrides: As they were typed.
        seed: From which the sweeper's chance follows, so that the same command tries the same values.
    """
    from ddsp_match.runs.engines.machine import cores

    launcher, sweeper = launcher_of(overrides), sweeper_of(overrides)
    words: list[str] = []
    if launcher == "submitit_local":  # which would start all jobs at once, each with a thread a core
        words += ["++hydra.job.env_set.OMP_NUM_THREADS=1"]
        words += [f"hydra.sweeper.max_batch_size={cores()}"] if sweeper == BASIC else []
    if launcher == "ray":  # its workers' lines would hide ours, and its dashboard is not used
        words += [f"++hydra.launcher.ray.init.{key}=false" for key in ("log_to_driver", "include_dashboard")]
        words += ["++hydra.launcher.ray.init.logging_level=error"]
        if _last(overrides, "hydra.launcher.ray.init.address", ""):  # a cluster has its store already, and Ray insists
            words += ["++hydra.launcher.ray.init.object_store_memory=null"]
    if sweeper == "optuna":
        words += [f"hydra.sweeper.n_jobs={1 if launcher == BASIC else cores()}"]
        if _last(overrides, "hydra/sweeper/sampler", "tpe") != "grid":
            words += [f"hydra.sweeper.sampler.seed={seed}"]
    return words


@contextlib.contextmanager
def quietened(sweeper: str) -> Iterator[None]:
    """Keep a sweeper from reporting its course, and what its libraries think of each other, on stderr."""
    if sweeper != "optuna":
        yield
        return
    with warnings.catch_warnings():
        for module in ("optuna", "sqlalchemy", "alembic", "hydra_plugins"):
            warnings.filterwarnings("ignore", module=module)
        import optuna

        optuna.logging.set_verbosity(logging.ERROR)
        yield


def _last(overrides: Sequence[str], key: str, otherwise: str = BASIC) -> str:
    """Return the value in the last override of a key."""
    words = [word.lstrip("+").partition("=") for word in overrides]
    values = [value.strip("'\"") for name, equals, value in words if equals and name == key]
    return values[-1] if values else otherwise
