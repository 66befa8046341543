"""Finished pages as values for reports, exports and pictures, and the scans they came from."""
