"""Stage segmentation: text lines and their reading order."""
