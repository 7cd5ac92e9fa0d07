"""Events: from what a sender says (`validation.py`) to what is stored (`tracking.py`, `group_commit.py`)."""
