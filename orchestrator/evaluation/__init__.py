"""Compares what was found on pages with ground truth. Reads files only in `truth`; everything else is pure."""
