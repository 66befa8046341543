"""What runs on a whole archive: finding pages, storing them, feeding the workers, reading results."""
