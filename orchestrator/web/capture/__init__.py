"""Capture: a camera's picture becomes a page of a volume on disk, and is read at once."""
