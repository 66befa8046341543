"""The stages of one page, each a pure function over arrays: no file, no database, no queue."""
