"""Pictures and pages: what a run looks like to its user. Nothing here draws on the screen or the network."""
