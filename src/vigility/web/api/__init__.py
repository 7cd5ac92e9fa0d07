"""The resources, one module per endpoint or group of endpoints. `routes.py` lists them all."""
