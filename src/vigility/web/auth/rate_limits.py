"""Limits failed sign-ins and registrations, across all workers.

Only failures count: an attempt is counted before its password is hashed, so that attempts in parallel cannot
exceed a limit, and taken back if it succeeds. Failures are limited for an account from one network, for a
network, and, more slowly, for an account from all networks together. Those from which the account has signed
in before are exempt from the last one, or strangers could lock its owner out.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

import falcon

from vigility.config import Settings
from vigility.core.errors import InvalidCredentials, StoreError, UsernameTaken
from vigility.core.service import Vigility
from vigility.core.sessions.ports import RateLimit
from vigility.core.times import MICROS_PER_SECOND
from vigility.core.users.model import User
from vigility.core.validators import sign_in_name
from vigility.web.auth.recent_failures import RecentFailures
from vigility.web.http.client_address import ClientNetworks, networks_of
from vigility.web.http.fair_queue import Turn

logger: Final = logging.getLogger("vigility.web")

LOGIN: Final = "login"
REGISTER: Final = "register"

# One /48 can hold all subscribers of a small provider.
_SITE_FACTOR: Final = 4
# New accounts from one network, successful ones included: a whole school may register in one lesson.
_REGISTRATIONS_FACTOR: Final = 10
# With the defaults, networks from which an account never signed in have 90 guesses at it, and 10 more an
# hour: OWASP's ASVS 4.0 (2.2.1) allows 100 in any hour.
_ANYWHERE_FACTOR: Final = 3
_ANYWHERE_WINDOWS: Final = 18


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to sign in or to register, which may wait for its turn to be hashed.

    Attributes:
        turn: how it waits for its password to be hashed (`recent_failures.py`).
        failures: the limits against which it counts if it fails.
        always: the limits against which it counts in any case.
        account, network: by which a success is remembered.
    """

    turn: Turn
    failures: tuple[RateLimit, ...] = ()
    always: tuple[RateLimit, ...] = ()
    account: str = ""
    network: str = ""


class RateLimiter(Protocol):
    """Counts attempts, and refuses those over the limit. Uses the database: call it in a thread."""

    def check(self, action: str, username: object, address: str) -> Attempt:
        """An attempt that no limit refuses at this moment. Counts nothing.

        Raises HTTPTooManyRequests or StoreError.
        """
        ...

    def run(self, attempt: Attempt, call: Callable[[], User]) -> User:
        """The result of the call, which is counted if it fails.

        Raises HTTPTooManyRequests, StoreError, or what the call raises.
        """
        ...


class SharedRateLimiter:
    """Keeps its counts in the database, so that all workers share them."""

    def __init__(self, vigility: Vigility, settings: Settings) -> None:
        self._rate_limits = vigility.users.rate_limits
        self._known_networks = vigility.users.known_networks
        self._per_account = settings.attempts_per_account
        self._per_address = settings.attempts_per_address
        self._window = settings.attempts_window_minutes * 60 * MICROS_PER_SECOND
        self._recent_failures = RecentFailures()

    def check(self, action: str, username: object, address: str) -> Attempt:
        """See `RateLimiter.check`."""
        networks, name = networks_of(address), sign_in_name(username)
        account, network = _key(f"account {name}"), _key(f"network {networks.subscriber}")
        is_known = action == LOGIN and self._known_networks.contains(account, network)
        failures = self._failures(action, name, networks, is_known=is_known)
        always = self._always(action, networks)
        _refuse(self._rate_limits.check([*failures, *always]))
        turn = self._recent_failures.turn_of(networks, is_known=is_known)
        return Attempt(turn, failures, always, account, network)

    def run(self, attempt: Attempt, call: Callable[[], User]) -> User:
        """See `RateLimiter.run`."""
        _refuse(self._rate_limits.acquire([*attempt.failures, *attempt.always]))
        try:
            user = call()
        except (InvalidCredentials, UsernameTaken):
            self._recent_failures.add(attempt.turn)
            raise
        except BaseException:  # nothing was learnt from it
            self._take_back(attempt)
            raise
        self._take_back(attempt)
        with suppress(StoreError):
            self._known_networks.remember(attempt.account, attempt.network)
        return user

    def _failures(
        self, action: str, name: str, networks: ClientNetworks, *, is_known: bool
    ) -> tuple[RateLimit, ...]:
        """The limits of failures. A known network has only its own, which nobody else can use up."""
        own = (
            self._limit(f"{action} account {name} from {networks.subscriber}", self._per_account),
            self._limit(f"{action} network {networks.subscriber}", self._per_address),
        )
        shared = []
        if networks.site:
            shared.append(self._limit(f"{action} network {networks.site}", self._per_address * _SITE_FACTOR))
        if action == LOGIN:
            anywhere = self._per_account * _ANYWHERE_FACTOR
            shared.append(self._limit(f"{action} account {name}", anywhere, windows=_ANYWHERE_WINDOWS))
        return own if is_known else (*own, *shared)

    def _always(self, action: str, networks: ClientNetworks) -> tuple[RateLimit, ...]:
        if action != REGISTER:
            return ()
        most = self._per_address * _REGISTRATIONS_FACTOR
        return (self._limit(f"registrations from {networks.widest}", most),)

    def _take_back(self, attempt: Attempt) -> None:
        with suppress(StoreError):  # it counts then, which must not fail what succeeded
            self._rate_limits.release(attempt.failures)

    def _limit(self, name: str, burst: int, windows: int = 1) -> RateLimit:
        return RateLimit(_key(name), burst, max(1, windows * self._window // burst))


class Unlimited:
    """Limits nothing."""

    def check(self, action: str, username: object, address: str) -> Attempt:  # noqa: ARG002
        """Allow every attempt. Networks still take turns."""
        networks = networks_of(address)
        return Attempt(Turn(networks.provider, networks.widest))

    def run(self, attempt: Attempt, call: Callable[[], User]) -> User:  # noqa: ARG002
        """The result of the call."""
        return call()


def unlimited() -> RateLimiter:
    """A limiter that allows everything. Logs a prominent warning."""
    logger.warning("VIGILITY_RATE_LIMIT=off: SIGN-IN AND REGISTRATION ARE NOT LIMITED; for load tests only")
    return Unlimited()


def _refuse(wait: int) -> None:
    if wait:
        raise falcon.HTTPTooManyRequests(
            description=f"Too many attempts; try again in {wait} s", retry_after=wait
        )


def _key(name: str) -> str:
    """A hash of the name: its length is fixed whatever was typed, and the table does not list names."""
    return hashlib.blake2b(name.encode(errors="surrogatepass"), digest_size=32).hexdigest()
