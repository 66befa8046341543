"""The subcommands of `broadsheet`, one module each. Heavy imports happen inside the functions."""
