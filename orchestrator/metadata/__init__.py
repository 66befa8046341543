"""Whose pages they are: from paths, and from tables beside the scans."""
