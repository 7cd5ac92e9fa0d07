"""The description of the API: `/openapi.json` and `/docs`. Read `operations.py` first."""
