"""Files that other instruments read: sampler, wavetable, MIDI, tables."""
