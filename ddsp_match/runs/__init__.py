"""Sounds × settings as jobs: workers that take them, and the store that keeps what they finish."""
