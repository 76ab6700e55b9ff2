"""The browser app, on this machine alone."""
