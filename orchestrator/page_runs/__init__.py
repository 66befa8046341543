"""What people decide about page runs: retry, cancel, and what lies in quarantine."""
