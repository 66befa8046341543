"""The report: figures out of the database, told as one HTML file or as text."""
