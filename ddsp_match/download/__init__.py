"""Data sets from the network: what there is, one file over HTTP, its checks, its safe unpacking."""
