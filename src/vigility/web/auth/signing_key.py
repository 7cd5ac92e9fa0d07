"""The key that tokens are signed with."""

from __future__ import annotations

from vigility.auth.tokens import Tokens
from vigility.bootstrap import signing_secret
from vigility.config import Settings


def token_issuer(settings: Settings) -> Tokens:
    """Issues and verifies tokens with the secret of these settings.

    Raises InvalidInput or StoreUnavailable.
    """
    configured = settings.jwt_secret.get_secret_value() if settings.jwt_secret else None
    return Tokens(signing_secret(settings.database_url, configured))
