"""Differentiable audio processors, their chains, and the settings that were found for them."""
