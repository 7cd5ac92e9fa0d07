"""What runs before and after every request, one module per concern. `app.py` sets the order."""
