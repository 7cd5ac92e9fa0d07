"""Parse files of events and users: bytes (`source`), then numbered records (`records`), then values."""
