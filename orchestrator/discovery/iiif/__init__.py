"""IIIF in: manifests and collections as volumes of pages."""
