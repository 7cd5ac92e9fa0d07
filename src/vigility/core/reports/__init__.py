"""Reports: the query, the port that answers it, and the report. Read `reporting.py` first."""
