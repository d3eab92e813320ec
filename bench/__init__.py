"""Measurements beside the bare work they need: `make bench`."""
