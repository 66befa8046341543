"""Pages of a IIIF service: what is asked for, and in which size."""
