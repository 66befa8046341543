"""The archive in a browser: pages over the promised views, served while workers write."""
