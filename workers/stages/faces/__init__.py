"""Stage faces."""
