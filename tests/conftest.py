import os

from hypothesis import Verbosity, settings

# `print_blob` says how to run a failing example again. The deadline is off: timings belong in benchmarks.
settings.register_profile("quick", deadline=None, print_blob=True, derandomize=False, max_examples=60)
settings.register_profile("long", parent=settings.get_profile("quick"), max_examples=2_000)
settings.register_profile("shown", parent=settings.get_profile("quick"), verbosity=Verbosity.verbose)
settings.load_profile(os.environ.get("VIGILITY_TEST_PROFILE", "quick"))  # noqa: TID251
