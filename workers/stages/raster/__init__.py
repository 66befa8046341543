"""Tools over masks, boxes and pixels that every stage uses; they know nothing of pages."""
