"""Review: suspects worst first, a key for each verdict, corrections of boxes."""
