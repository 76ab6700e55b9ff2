"""The folder of a run over many sounds, and its one index."""
