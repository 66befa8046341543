"""Makes the demonstration archive: newspaper pages drawn, aged and packed, with the exact boxes beside them."""
