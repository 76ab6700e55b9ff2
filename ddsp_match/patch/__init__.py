"""The patch: what is needed to play a sound, or a chain of effects, again. The only room that opens a patch file.

The format is described in ``docs/patch-format.md``; a change here raises `FORMAT_VERSION` and is listed
there.
"""

from __future__ import annotations

from ddsp_match.dsp.noise_codes import decode_noise, encode_noise
from ddsp_match.patch.container import FORMAT, FORMAT_VERSION, SUFFIX
from ddsp_match.patch.racks import EffectsPatch, load_rack
from ddsp_match.patch.several import load_patches, save_patches
from ddsp_match.patch.synth import Patch, load_patch

__all__ = [
    "FORMAT",
    "FORMAT_VERSION",
    "SUFFIX",
    "EffectsPatch",
    "Patch",
    "decode_noise",
    "encode_noise",
    "load_patch",
    "load_patches",
    "load_rack",
    "save_patches",
]
