"""Edits of what was found: functions from `Controls` to `Controls`, in physical units."""
