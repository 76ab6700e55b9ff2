"""Pure functions on tensors."""

from ddsp_match.dsp.compiled_cache import settle_cache

settle_cache()
