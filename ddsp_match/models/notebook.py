"""The notebook's model, as DDSP (Engel et al. 2020) has it: harmonics of f0 alone, every phase zero, and noise."""

from __future__ import annotations

from dataclasses import replace

from ddsp_match.core.settings import FitSettings
from ddsp_match.models.exact import ExactModel


class NotebookModel(ExactModel):
    """The exact model without phases and without partials between the harmonics: the fewest numbers a frame."""

    @staticmethod
    def required(settings: FitSettings) -> FitSettings:
        """As of `Model`."""
        return replace(settings, synth=replace(settings.synth, phase="zero", divisions=1, grid="f0"))
