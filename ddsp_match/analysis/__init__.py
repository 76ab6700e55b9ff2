"""Analysis of sounds: f0, periodicity, loudness, harmonics, noise, alignment, reverberation."""
