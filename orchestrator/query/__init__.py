"""SQL over the results: read-only, streamed, in the format one asks for."""
