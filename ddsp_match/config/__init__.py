"""The settings in ``conf/`` and on the command line, composed and checked: the only room that knows Hydra.

Importing this room is free; Hydra and OmegaConf are imported when something is composed, so that
``ddsp-match --help`` can list the groups without them.
"""

from __future__ import annotations

from ddsp_match.config.composing import build, build_effect, to_settings
from ddsp_match.config.folders import CONFIG_NAME, conf_dir, groups, setting_keys
from ddsp_match.config.names import is_override, quoted
from ddsp_match.config.planning import Plan, check, plan
from ddsp_match.config.plugins import BASIC, launcher_of
from ddsp_match.config.running import LaunchError, print_settings, run_sweep

__all__ = [
    "BASIC",
    "CONFIG_NAME",
    "LaunchError",
    "Plan",
    "build",
    "build_effect",
    "check",
    "conf_dir",
    "groups",
    "is_override",
    "launcher_of",
    "plan",
    "print_settings",
    "quoted",
    "run_sweep",
    "setting_keys",
    "to_settings",
]
