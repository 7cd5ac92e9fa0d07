"""Files of events and users: from bytes (`source`) to numbered records (`records`) to rows and events."""
