"""Stage binarization: an upright page of ink and paper at the size its text needs."""
