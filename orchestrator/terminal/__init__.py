"""What every command shares when it speaks to a person: files it writes, wording, progress bars."""
