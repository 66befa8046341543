"""Paths in, ordered pages out: what an archive holds."""
