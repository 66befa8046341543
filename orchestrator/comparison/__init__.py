"""Two pipelines on the same pages: what changed."""
