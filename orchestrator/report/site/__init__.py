"""The archive as files that need no server: volumes, issues and pages with what was found on them."""
