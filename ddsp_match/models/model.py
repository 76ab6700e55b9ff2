"""The seam of the models: stored numbers in, dense controls out."""

from __future__ import annotations

from abc import abstractmethod

import torch
from jaxtyping import Int

from ddsp_match.core.controls import Controls
from ddsp_match.core.settings import FitSettings


class Model(torch.nn.Module):
    """Numbers that are fitted, and become `Controls` differentiably when called.

    A batch holds independent sounds: the first axis of every parameter is the rows of the controls, so that each sound
    has its own steps and ends.
    """

    @staticmethod
    def required(settings: FitSettings) -> FitSettings:
        """The settings with those of the first guess as this model needs them."""
        return settings

    @classmethod
    @abstractmethod
    def of(
        cls, settings: FitSettings, start: Controls, nyquist_hz: float, n_partials: Int[torch.Tensor, " batch"]
    ) -> Model:
        """The model nearest to controls.

        Args:
            settings: Of the fit.
            start: Controls to start from, rows padded behind to one shape; every partial is a harmonic of their f0.
            nyquist_hz: Half the sample rate.
            n_partials: Partials that each row has; those behind are padding and stay silent.
        """

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
