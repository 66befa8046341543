"""What people say of results: verdicts on pages, corrections of boxes."""
