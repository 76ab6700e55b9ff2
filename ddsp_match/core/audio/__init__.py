"""Sound files in and out: the only room that opens one.

`read` takes whatever libsndfile reads and returns what can be matched, with notes on what a user should know
about it; what cannot be matched is refused with a `SoundError`. `write` puts a whole file in place, or none.
"""

from __future__ import annotations

from ddsp_match.core.audio.reading import from_array, read, sound_of
from ddsp_match.core.audio.sound import MAX_FIT_RATE, Audio, at_fit_rate, resample
from ddsp_match.core.audio.writing import write

__all__ = ["MAX_FIT_RATE", "Audio", "at_fit_rate", "from_array", "read", "resample", "sound_of", "write"]
