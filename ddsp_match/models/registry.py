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
        ConfigError: There is no such model, or it takes no budget.
    """
    kind, model = model_kind(settings), settings.model
    if kind is not FramesModel and (model.numbers is not None or model.rate_kbps is not None):
        where = "model.rate_kbps" if model.numbers is None else "model.numbers"
        raise ConfigError(f"a budget for {model.name}", where=where, needed="model=frames, which alone has a choice")
    return kind.required(settings).resolved()
