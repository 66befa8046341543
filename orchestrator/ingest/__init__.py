"""One ingest from beginning to end: its run, the rows it stores, its progress and its summary."""
