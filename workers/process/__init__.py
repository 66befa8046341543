"""The life of worker processes: requests, isolation, heartbeats, and reaping what died."""
