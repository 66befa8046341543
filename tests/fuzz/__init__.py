"""Broken and hostile inputs at random, against discovery and the worker's opener: `make fuzz`."""
