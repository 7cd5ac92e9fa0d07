import os

import pytest
from hypothesis import settings

from support import postgres

# A failing example prints how to run it again. No deadline: timings belong in benchmarks.
settings.register_profile("default", deadline=None, print_blob=True, max_examples=60)
settings.register_profile("fast", parent=settings.get_profile("default"), max_examples=10)
settings.register_profile("long", parent=settings.get_profile("default"), max_examples=2_000)
settings.load_profile(os.environ.get("VIGILITY_TEST_PROFILE", "default"))  # noqa: TID251


def pytest_addoption(parser):
    parser.addoption(
        "--no-skips",
        action="store_true",
        help="fail tests that skip, unless they need what the repository and its scripts cannot provide",
    )


@pytest.hookimpl(optionalhook=True)  # pytest-xdist is optional
def pytest_xdist_make_scheduler(config, log):
    from support.xdist_scheduler import ModuleScheduling

    return ModuleScheduling(config, log) if config.getoption("dist") == "loadscope" else None


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items):
    for item in items:
        if "browser" in item.fixturenames:
            item.add_marker("browser")


def pytest_sessionfinish():
    postgres.clean_up()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    may_skip = item.get_closest_marker("outside_data") or item.get_closest_marker("outside_access")
    if report.skipped and item.config.getoption("--no-skips") and not may_skip:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} skipped, and --no-skips was given: {reason}"
    return report
