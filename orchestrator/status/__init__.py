"""How far a run is: figures, text, and the watched display."""
