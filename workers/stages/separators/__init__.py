"""Stage separators: rules, gutters, folds and pictures; what parts the page."""
