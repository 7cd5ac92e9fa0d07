"""What a server shares about sign-ins: revoked tokens and rate limits."""
