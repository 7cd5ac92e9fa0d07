"""Warnings for public names that still work but have a new name."""

from __future__ import annotations

import warnings


def warn_deprecated(old: str, new: str, stacklevel: int = 3) -> None:
    """Warn that the caller's caller uses an old name. Python shows the warning once per place in the code."""
    warnings.warn(f"{old} is deprecated: use {new}", DeprecationWarning, stacklevel=stacklevel)
