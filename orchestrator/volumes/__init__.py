"""Volumes by name: listed, renamed, moved, forgotten; and what nothing current needs."""
