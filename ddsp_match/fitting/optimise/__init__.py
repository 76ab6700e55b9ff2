"""The optimisers: gradient descent for many numbers, least squares for few, and what they tell of their course."""

from ddsp_match.fitting.optimise.adam import Adam
from ddsp_match.fitting.optimise.loop import optimise
from ddsp_match.fitting.optimise.trace import StopReason, Trace

__all__ = ["Adam", "StopReason", "Trace", "optimise"]
