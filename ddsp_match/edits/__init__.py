"""Edits of a fitted patch: functions from `Controls` to `Controls`, in physical units."""
