"""A patch in the browser: the synthesizer as an AudioWorklet, and the page that plays it."""
