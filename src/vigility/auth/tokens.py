"""Tokens: JWT (RFC 7519) signed by HMAC-SHA256, and nothing else."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt

from vigility.core.errors import InvalidInput
from vigility.core.users.model import User

ALGORITHM: Final = "HS256"
LIFETIME: Final = timedelta(hours=24)
MIN_SECRET_BYTES: Final = 32
"""RFC 7518, 3.2: a key as long as the hash's output, or longer."""

HOW_TO_MAKE_ONE: Final = "make one with: python -c 'import secrets; print(secrets.token_urlsafe(48))'"

_REQUIRED: Final = ["exp", "iat", "userId", "username"]
# The times are checked below, by the clock that everything else goes by.
_OPTIONS: Final[Any] = {"require": _REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False}
_LONGEST_ID: Final = 64
# Some 10 MB of tokens; past that all are read once more, which costs a second of a core.
_MOST_REMEMBERED: Final = 20_000


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says: whose it is, since and until when, and the id under which it can be ended."""

    token_id: str
    user_id: int
    username: str
    issued: datetime
    expires: datetime


class Tokens:
    """Issues tokens and reads them. Raises InvalidInput for a secret that is too short."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < MIN_SECRET_BYTES:
            raise InvalidInput(
                "JWT_SECRET",
                f"must have {MIN_SECRET_BYTES} bytes or more, not {len(secret)}; {HOW_TO_MAKE_ONE}",
            )
        self._secret = secret

    def issue(self, user: User, now: datetime) -> str:
        """A token of this user, good for 24 hours."""
        issued = int(now.timestamp())
        claims = {
            "userId": user.id,
            "username": user.username,
            "iat": issued,
            "exp": issued + int(LIFETIME.total_seconds()),
            "jti": uuid.uuid4().hex,
        }
        return jwt.encode(claims, self._secret, ALGORITHM)

    def read(self, token: str, now: datetime) -> Claims | None:
        """What the token says; None where it is not one of ours or has expired."""
        try:
            claims = jwt.decode(token, self._secret, algorithms=[ALGORITHM], options=_OPTIONS)
            return _checked(claims, token, now.timestamp())
        # PyJWT lets some through for tokens made to break it: RecursionError, UnicodeError, …
        except Exception:  # noqa: BLE001
            return None


class VerifiedTokens:
    """Reads tokens, and remembers those that were right until they expire: a signature costs 50 µs each time.

    What ends a token early, a log-out or a user who is gone, is not its affair and is asked each time.
    """

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._known: dict[str, Claims] = {}

    def read(self, token: str, now: datetime) -> Claims | None:
        """What the token says; None where it is not one of ours or has expired."""
        claims = self._known.get(token)
        if claims is None:
            claims = self._tokens.read(token, now)
            if claims is not None:
                self._remember(token, claims)
        elif claims.expires <= now:
            del self._known[token]
            return None
        return claims

    def known(self, token: str, now: datetime) -> Claims | None:
        """As `read`, but None where the token was not read before."""
        claims = self._known.get(token)
        return claims if claims is not None and now < claims.expires else None

    def forget(self, token_id: str) -> None:
        """Leave out a token that was ended."""
        self._known = {text: claims for text, claims in self._known.items() if claims.token_id != token_id}

    def _remember(self, token: str, claims: Claims) -> None:
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[token] = claims


def _checked(claims: dict[str, Any], token: str, now: float) -> Claims | None:
    user_id, username, issued, expires = (claims[name] for name in ("userId", "username", "iat", "exp"))
    right_types = type(user_id) is int and isinstance(username, str)
    if not right_types or not _is_number(issued) or not _is_number(expires):
        return None
    if expires <= now or claims.get("nbf", 0) > now:
        return None
    since, until = (datetime.fromtimestamp(moment, UTC) for moment in (issued, expires))
    return Claims(_token_id(claims, token), user_id, username, since, until)


def _token_id(claims: dict[str, Any], token: str) -> str:
    """Its `jti`; for a token without, the digest of what was signed (its text could be written otherwise)."""
    token_id = claims.get("jti")
    if isinstance(token_id, str) and 0 < len(token_id) <= _LONGEST_ID:
        return token_id
    return hashlib.sha256(token.rpartition(".")[0].encode()).hexdigest()


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
