"""The dictionary: what every view, table and column means, from the definitions themselves."""
