"""The models by the names that `model.name` takes."""

from __future__ import annotations

import torch

from ddsp_match.core.controls import Controls
from ddsp_match.core.errors import ConfigError
from ddsp_match.core.settings import FitSettings
from ddsp_match.models.exact import ExactModel
from ddsp_match.models.model import Model
from ddsp_match.models.notebook import NotebookModel

MODELS: dict[str, type[Model]] = {
    "exact": ExactModel,
    "notebook": NotebookModel,
}


def model_of(settings: FitSettings, start: Controls, nyquist_hz: float, n_partials: torch.Tensor) -> Model:
    """The model that the settings name, from controls; as of `Model.of`."""
    return _kind(settings).of(settings, start, nyquist_hz, n_partials)


def settled(settings: FitSettings) -> FitSettings:
    """The settings with what their model needs, and with a number of steps.

    Raises:
        ConfigError: There is no such model.
    """
    return _kind(settings).required(settings).resolved()


def _kind(settings: FitSettings) -> type[Model]:
    name = settings.model.name
    if name not in MODELS:
        raise ConfigError(repr(name), where="model.name", needed=" | ".join(MODELS))
    return MODELS[name]
