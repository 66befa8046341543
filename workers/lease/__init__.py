"""The lease protocol in SQL: claim a page run, process it, record its results."""
