import os

import pytest
from hypothesis import settings

import postgres

# A failing example prints how to run it again. No deadline: timings belong in benchmarks.
settings.register_profile("quick", deadline=None, print_blob=True, max_examples=60)
settings.register_profile("long", parent=settings.get_profile("quick"), max_examples=2_000)
settings.load_profile(os.environ.get("VIGILITY_TEST_PROFILE", "quick"))  # noqa: TID251


def pytest_addoption(parser):
    parser.addoption(
        "--no-skips",
        action="store_true",
        help="fail where a test skips: every part must be there, but for data that is not the project's",
    )


def pytest_configure(config):
    config.addinivalue_line("markers", "outside_data: needs data that a clone of the project does not hold")


@pytest.hookimpl(optionalhook=True)  # pytest-xdist may be left out
def pytest_xdist_make_scheduler(config, log):
    from distribution import Distribution

    return Distribution(config, log) if config.getoption("dist") == "loadscope" else None


def pytest_sessionfinish():
    postgres.clean_up()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    excused = item.get_closest_marker("outside_data")
    if report.skipped and item.config.getoption("--no-skips") and not excused:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} skipped, and --no-skips was given: {reason}"
    return report
