"""Files for other programs: sampled instruments, wavetables, MIDI, tables, pages."""
