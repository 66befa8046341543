"""Who may come in, what each may do, and that what is written was meant by who is there."""
