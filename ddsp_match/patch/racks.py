"""Effects in a patch: a chain as plain data, and every knob as a float64 tensor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ddsp_match.core.errors import ConfigError, PatchError
from ddsp_match.effects.build import build
from ddsp_match.effects.rack import Rack
from ddsp_match.patch import container

PREFIX = "effects/"  # of the tensors: effects/clip.high


@dataclass(frozen=True)
class EffectsPatch:
    """Effects with the settings that were found for them, without a synthesizer.

    Attributes:
        rack: The chain, its knobs, polarity and latency.
        provenance: Where it came from: sounds, command, version.
    """

    rack: Rack
    provenance: dict[str, Any] = field(default_factory=dict)

    def save(self, path: str | Path) -> int:
        """Writes the patch whole or not at all.

        Returns:
            The size of the file in bytes.

        Raises:
            OutputError: The place cannot be written to.
        """
        header, tensors = encoded(self.rack)
        return container.write(path, container.EFFECTS, {"effects": header, "provenance": self.provenance}, tensors)


def load_rack(path: str | Path) -> Rack:
    """Reads the effects of a patch: of one that holds nothing else, or of a fit with effects.

    Raises:
        PatchError: The file is missing, is no patch, is damaged, has a newer format version, or has no effects.
    """
    path = Path(path)
    _, header, tensors = container.read(path)
    try:
        rack = decoded(header, tensors)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise container.damaged(path, error) from error
    except ConfigError as error:
        raise unplayable(path, error) from error
    if rack is None:
        raise PatchError(
            "a patch without effects",
            where=path,
            needed="one of ddsp-match effect, or of a fit with effects=[...]",
            hint="ddsp-match effect dry.wav wet.wav effects=[iir,clip]",
        )
    return rack


def encoded(rack: Rack) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Return what the file holds of effects: header and tensors."""
    header = {
        "chain": _plain(rack.spec),
        "sample_rate": int(rack.sample_rate),
        "polarity": float(rack.polarity),
        "latency": float(rack.latency),
    }
    tensors = {
        f"{PREFIX}{name}": torch.from_numpy(np.array(value, dtype=np.float64)) for name, value in rack.knobs.items()
    }
    return header, tensors


def decoded(header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> Rack | None:
    """The effects of a file that was read, or None where it has none.

    Raises:
        ConfigError: The chain names a processor or an option that does not exist here, or a knob is out of range.
        ValueError: Knobs are missing, surplus, misshapen or not finite.
        KeyError: A header key is missing.
    """
    if header.get("effects") is None:
        return None
    said = header["effects"]
    values = {
        name.removeprefix(PREFIX): tensor.double().numpy() for name, tensor in tensors.items() if name[:8] == PREFIX
    }
    sample_rate, polarity, latency = int(said["sample_rate"]), float(said["polarity"]), float(said["latency"])
    if sample_rate <= 0 or abs(polarity) != 1 or not np.isfinite(latency):
        raise ValueError(f"effects at {sample_rate} Hz with polarity {polarity}, latency {latency}")
    chain, _ = build(said["chain"])
    shapes = {knob.name: knob.shape for knob in chain.knobs}
    recent = {knob.name for knob in chain.knobs if knob.recent}
    if set(values) - set(shapes) or set(shapes) - set(values) - recent:
        raise ValueError(f"knobs {sorted(set(values) ^ set(shapes))} do not belong or are missing")
    for name, value in values.items():
        if value.shape != shapes[name]:
            raise ValueError(f"{name} has the shape {value.shape}, not {shapes[name]}")
        if not np.isfinite(value).all():
            raise ValueError(f"{name} is not finite")
    return Rack.of(chain, sample_rate, values, polarity=polarity, latency=latency)


def unplayable(path: Path, error: ConfigError) -> PatchError:
    """The refusal of effects that this version does not have."""
    return PatchError(
        f"effects that cannot be played here ({error})",
        where=path,
        needed="processors and knobs as ddsp-match effects lists them",
        hint="the version of ddsp-match that wrote the patch",
    )


def _plain(spec: list[Any]) -> list[Any]:
    """The chain as JSON has it: tuples become lists."""
    return json.loads(json.dumps(spec))
