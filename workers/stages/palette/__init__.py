"""Stage palette: from whatever a scanner wrote to upright 8-bit grey."""
