"""Tokens: JWT (RFC 7519) signed by HMAC-SHA256. No other algorithm is accepted."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt

from vigility.core.errors import InvalidInput
from vigility.core.times import from_micros, to_micros
from vigility.core.users.model import User

ALGORITHM: Final = "HS256"
LIFETIME: Final = timedelta(hours=24)
MIN_SECRET_BYTES: Final = 32
"""RFC 7518, 3.2: the key must be at least as long as the hash's output."""

HOW_TO_MAKE_ONE: Final = "make one with: python -c 'import secrets; print(secrets.token_urlsafe(48))'"

_REQUIRED: Final = ["exp", "iat", "userId", "username"]
# The times are validated below, by the same clock as everything else.
_OPTIONS: Final[Any] = {"require": _REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False}
_MAX_ID_LENGTH: Final = 64
# About 10 MB of tokens. A full cache is emptied: to verify all of them again takes a second of one core.
_MAX_CACHED: Final = 20_000


@dataclass(frozen=True, slots=True)
class Claims:
    """The content of a token: its user, when it was issued, when it expires, and the id to revoke it by.

    `registered` is when its user registered, which tells this user from a later one of the same name and id.
    Tokens of older versions of vigility lack it.
    """

    token_id: str
    user_id: int
    username: str
    issued: datetime
    expires: datetime
    registered: datetime | None = None


class Tokens:
    """Issues and verifies tokens. Raises InvalidInput if the secret is too short."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < MIN_SECRET_BYTES:
            raise InvalidInput(
                "JWT_SECRET",
                f"must have {MIN_SECRET_BYTES} bytes or more, not {len(secret)}; {HOW_TO_MAKE_ONE}",
            )
        self._secret = secret

    def issue(self, user: User, now: datetime) -> str:
        """A token for this user, valid for 24 hours."""
        issued = int(now.timestamp())
        claims = {
            "userId": user.id,
            "username": user.username,
            "iat": issued,
            "exp": issued + int(LIFETIME.total_seconds()),
            "jti": uuid.uuid4().hex,
            "registered": to_micros(user.created),
        }
        return jwt.encode(claims, self._secret, ALGORITHM)

    def verify(self, token: str, now: datetime) -> Claims | None:
        """The claims of a token, or None if it is not ours or has expired."""
        claims = self.identify(token, now)
        return claims if claims is not None and now < claims.expires else None

    def identify(self, token: str, now: datetime) -> Claims | None:
        """The claims of a token, expired or not, or None if it is not ours."""
        try:
            claims = jwt.decode(token, self._secret, algorithms=[ALGORITHM], options=_OPTIONS)
            return _validated(claims, token, now.timestamp())
        # For malicious tokens PyJWT lets other errors through: RecursionError, UnicodeError, …
        except Exception:  # noqa: BLE001
            return None


class TokenCache:
    """Remembers valid tokens until they expire, because verifying a signature takes 50 µs.

    It knows nothing of what ends a token early, such as a log-out or a deleted user. The caller checks that
    each time.
    """

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._claims: dict[str, Claims] = {}

    def verify(self, token: str, now: datetime) -> Claims | None:
        """The claims of a token, or None if it is not ours or has expired."""
        claims = self._claims.get(token)
        if claims is None:
            claims = self._tokens.verify(token, now)
            if claims is not None:
                self._remember(token, claims)
        elif claims.expires <= now:
            del self._claims[token]
            return None
        return claims

    def identify(self, token: str, now: datetime) -> Claims | None:
        """See `Tokens.identify`."""
        return self._tokens.identify(token, now)

    def cached(self, token: str, now: datetime) -> Claims | None:
        """Like `verify`, but None for a token that is not in the cache."""
        claims = self._claims.get(token)
        return claims if claims is not None and now < claims.expires else None

    def forget(self, token_id: str) -> None:
        """Drop a token that was revoked."""
        self._claims = {text: claims for text, claims in self._claims.items() if claims.token_id != token_id}

    def _remember(self, token: str, claims: Claims) -> None:
        if len(self._claims) >= _MAX_CACHED:
            self._claims.clear()
        self._claims[token] = claims


def _validated(claims: dict[str, Any], token: str, now: float) -> Claims | None:
    user_id, username, issued, expires = (claims[name] for name in ("userId", "username", "iat", "exp"))
    right_types = type(user_id) is int and isinstance(username, str)
    if not right_types or not _is_number(issued) or not _is_number(expires):
        return None
    if claims.get("nbf", 0) > now:
        return None
    issued_at, expires_at = (datetime.fromtimestamp(moment, UTC) for moment in (issued, expires))
    registered = claims.get("registered")
    registered_at = None if registered is None else from_micros(registered)
    return Claims(_token_id(claims, token), user_id, username, issued_at, expires_at, registered_at)


def _token_id(claims: dict[str, Any], token: str) -> str:
    """The token's `jti`, or else a digest of what was signed.

    Not of the token's text: the same signature can be written in several ways.
    """
    token_id = claims.get("jti")
    if isinstance(token_id, str) and 0 < len(token_id) <= _MAX_ID_LENGTH:
        return token_id
    return hashlib.sha256(token.rpartition(".")[0].encode()).hexdigest()


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
