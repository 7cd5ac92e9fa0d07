"""What tokens are signed with."""

from __future__ import annotations

from vigility.auth.tokens import Tokens
from vigility.bootstrap import signing_secret
from vigility.config import Settings


def tokens_of(settings: Settings) -> Tokens:
    """Tokens signed by the secret of these settings. Raises InvalidInput or StoreUnavailable."""
    configured = settings.jwt_secret.get_secret_value() if settings.jwt_secret else None
    return Tokens(signing_secret(settings.database_url, configured))
