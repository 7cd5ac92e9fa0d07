"""Users: their model, the port of what stores them, and registering, signing in and importing them."""
