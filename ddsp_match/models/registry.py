"""The models by the names that `model.name` takes."""

from __future__ import annotations

from ddsp_match.core.errors import ConfigError
from ddsp_match.core.settings import FitSettings
from ddsp_match.models.exact import ExactModel
from ddsp_match.models.frames_model import FramesModel
from ddsp_match.models.model import Model
from ddsp_match.models.notebook import NotebookModel

MODELS: dict[str, type[Model]] = {
    "frames": FramesModel,
    "exact": ExactModel,
    "notebook": NotebookModel,
}


def model_kind(settings: FitSettings) -> type[Model]:
    """The model that the settings name.

    Raises:
        ConfigError: There is no such model.
    """
    name = settings.model.name
    if name not in MODELS:
        raise ConfigError(repr(name), where="model.name", needed=" | ".join(MODELS))
    return MODELS[name]


def settled(settings: FitSettings) -> FitSettings:
    """The settings with what their model needs, and with a number of steps.

    Raises:
        ConfigError: There is no such model.
    """
    return model_kind(settings).required(settings).resolved()
