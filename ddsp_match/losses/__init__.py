"""Distances between a rendering and its target."""
