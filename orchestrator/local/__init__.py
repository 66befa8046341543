"""What a machine without services gets for the time of one command: a broker and workers, both supervised."""
