"""The revoked tokens that a worker knows: read once, then only what is new."""

from __future__ import annotations

from typing import Final

from vigility.core.service import Vigility

# Below this many it is not worth looking for some that can be forgotten.
_MIN_PRUNED: Final = 1_000


class RevokedTokens:
    """The ids of the revoked tokens. One thread at a time may call `update` or `add`; any may look."""

    def __init__(self, vigility: Vigility) -> None:
        self._sessions = vigility.users.sessions
        self._kept_until: dict[str, int] = {}
        self._position = 0
        self._prune_at = _MIN_PRUNED

    def __contains__(self, token_id: str) -> bool:
        return token_id in self._kept_until

    def __len__(self) -> int:
        return len(self._kept_until)

    def update(self) -> None:
        """Read what was revoked since the last time, and forget what no longer matters. Raises StoreError."""
        is_last = False
        while not is_last:
            page = self._sessions.revoked_after(self._position)
            self._kept_until.update(page.kept_until)
            self._position, is_last = page.position, page.is_last
            if len(self._kept_until) >= self._prune_at:
                self._prune(page.passed)

    def add(self, token_id: str) -> None:
        """Know of a token that was just revoked. The next update reads how long that matters."""
        self._kept_until[token_id] = self._kept_until.get(token_id, 0)

    def _prune(self, passed: int) -> None:
        """Forget what the database has deleted or soon will. By its clock: see core/sessions/retention.py."""
        kept = {token_id: until for token_id, until in self._kept_until.items() if until > passed}
        self._kept_until = kept
        self._prune_at = max(_MIN_PRUNED, 2 * len(kept))
