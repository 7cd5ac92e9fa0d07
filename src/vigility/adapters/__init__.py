"""The storage backends. Each implements ports of the core; only `vigility.bootstrap` imports them."""
