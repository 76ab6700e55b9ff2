"""Tests of the report, and of what a browser makes of it."""
