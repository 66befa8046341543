"""Questions in SQL: what people may ask through a browser, and within which bounds."""
