"""What is heard in a sound: f0, periodicity, loudness, harmonics and noise."""
