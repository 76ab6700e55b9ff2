"""The seam of the models: stored numbers in, dense controls out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int

from ddsp_match.core.controls import Controls
from ddsp_match.core.settings import FitSettings
from ddsp_match.core.timebase import Timebase


class Model(torch.nn.Module):
    """Numbers that are fitted, and become `Controls` differentiably when called.

    A batch holds independent sounds: the first axis of every parameter is the rows of the controls, so that each sound
    has its own steps and ends.
    """

    # Whether every step hears other noise, so that no number learns the one draw it was fitted with.
    fresh_noise: ClassVar[bool] = False

    @staticmethod
    def required(settings: FitSettings) -> FitSettings:
        """The settings with those of the first guess as this model needs them."""
        return settings

    @classmethod
    def compacted(
        cls, settings: FitSettings, controls: Controls, timebase: Timebase
    ) -> Any | None:
        """What the model stores of a whole sound, as the first guess has it; None where that is the controls.

        It has `controls()`, and `within` and `updated` to be fitted part by part.

        Args:
            settings: Of the fit.
            controls: The first guess.
            timebase: Frame grid.
        """
        return None

    @classmethod
    @abstractmethod
    def of(
        cls,
        settings: FitSettings,
        start: Controls,
        nyquist_hz: float,
        n_partials: Int[torch.Tensor, " batch"],
        stored: Sequence[Any],
    ) -> Model:
        """The model nearest to controls.

        Args:
            settings: Of the fit.
            start: Controls to start from, rows padded behind to one shape; every partial is a harmonic of their f0.
            nyquist_hz: Half the sample rate.
            n_partials: Partials that each row has; those behind are padding and stay silent.
            stored: What `compacted` gave of each sound; empty where it gave None.
        """

    def penalty(self) -> Float[torch.Tensor, " rows"] | None:
        """What is added to the loss of each row for numbers that the sound alone would not keep where they belong."""
        return None

    def stored(self) -> Sequence[Any]:
        """What is stored of each sound, with the present numbers; empty where that is the controls."""
        return ()

    @abstractmethod
    def forward(self) -> Controls:
        """The controls that the numbers stand for, in the shapes of those to start from."""

    @abstractmethod
    def groups(self, lr: float, lr_phase: float, *, harmonics: bool = True) -> list[dict]:
        """Parameter groups for an optimiser.

        Args:
            lr: Learning rate.
            lr_phase: Learning rate of what is a phase, in radians.
            harmonics: Whether the harmonics are free at all, or only the noise.
        """
