"""A full disk, a file that cannot be written or is locked: 503 soon and truly, and no restart after."""

from contextlib import ExitStack

import pytest

from durability.outages import (
    MOST_ROUNDS,
    Callers,
    full,
    held_to_permissions,
    no_larger_files,
    read_only_file,
    read_only_folder,
    small_disk,
    turn_taken,
    write_locked,
)
from durability.serving import Site, control

SEED = 50
SOON = 40  # seconds; the promise is 10, the rest is a busy machine's; who waited in line would take 80


def refuses_soon_and_recovers(callers, cause, reason):
    workers = callers.site.server.worker_ids
    with cause:
        refused = callers.send_until_refused()
    callers.send_until_stored()
    for answer in refused:
        assert reason in answer.error, answer
        assert int(answer.retry_after) >= 1
        assert answer.seconds < SOON, answer
    assert not callers.faults()
    assert callers.site.server.worker_ids == workers, "it recovers without a restart"


@pytest.fixture
def callers(tmp_path):
    with Site(tmp_path) as site:
        yield Callers(site, SEED)


def test_control_a_server_that_answers_what_was_not_stored_is_found_out(tmp_path):
    with Site(tmp_path, command=control("answers_what_was_not_stored")) as site:
        callers = Callers(site, SEED)
        callers.send_until_stored()
        with no_larger_files(site):
            for _ in range(MOST_ROUNDS):  # batches may be first, which it leaves alone
                callers.send_until_refused()
                if any("answered 201 and not stored" in fault for fault in callers.faults()):
                    return
    pytest.fail("a server that answers what was not stored was not found out")


def test_a_full_disk(tmp_path):
    with small_disk(tmp_path) as disk, Site(disk or tmp_path) as site:
        callers = Callers(site, SEED)
        callers.send_until_stored()
        if disk:
            refuses_soon_and_recovers(callers, full(disk), "its disk is full")
        else:  # this process may not mount one; files that may not grow are as near as it gets
            refuses_soon_and_recovers(callers, no_larger_files(site), "its disk fails")


def test_files_that_may_not_grow(callers):
    callers.send_until_stored()
    refuses_soon_and_recovers(callers, no_larger_files(callers.site), "its disk fails")


@pytest.mark.parametrize("held", [write_locked, turn_taken])
def test_a_file_that_somebody_else_holds(callers, held):
    refuses_soon_and_recovers(callers, held(callers.site.database), "another process is writing")


@pytest.fixture
def site_bound(tmp_path):
    """A server that permissions bind, though it is root's; it is not started yet."""
    prefix = held_to_permissions()
    if prefix is None:
        pytest.skip("this is root, whom permissions do not bind, and there is no setpriv")
    return Site(tmp_path, prefix=prefix)


def test_a_file_that_was_read_only_at_the_start(site_bound):
    with site_bound as site:
        headers = site.server.registered(username="outage")
    with ExitStack() as cause:
        cause.enter_context(read_only_file(site.database))
        with site_bound as site:
            refuses_soon_and_recovers(Callers(site, SEED, headers), cause, "it cannot be written to")


def test_a_folder_in_which_nothing_can_be_made(site_bound):
    with site_bound as site:
        callers = Callers(site, SEED)
        site.database.with_name("usage.db-lock").unlink()
        refuses_soon_and_recovers(callers, read_only_folder(site.folder), "it cannot be written to")
