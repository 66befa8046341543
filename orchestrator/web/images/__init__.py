"""Scans as pictures for a browser: a IIIF Image 3 service and thumbnails, over the opener and limits of the workers."""
