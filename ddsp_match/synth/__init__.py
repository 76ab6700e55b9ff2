"""Controls to audio."""
