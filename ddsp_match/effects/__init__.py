"""Differentiable audio processors, their chains, and first guesses of their knobs."""
