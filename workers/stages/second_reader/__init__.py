"""A neural reader of text lines that is asked where the page engine doubts what it found."""
