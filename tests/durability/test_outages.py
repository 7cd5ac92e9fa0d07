"""A full disk, a read-only file, a locked file: a prompt and correct 503, and recovery without a restart."""

from contextlib import ExitStack

import pytest

from support.durability.outages import (
    MAX_ROUNDS,
    Senders,
    full,
    lock_file_held,
    no_larger_files,
    prefix_that_obeys_permissions,
    read_only_file,
    read_only_folder,
    small_disk,
    write_locked,
)
from support.durability.serving import Site, control

pytestmark = [pytest.mark.server, pytest.mark.slow]  # loads a server for seconds

SEED = 50
MAX_SECONDS = 40  # the promise is 10, the rest is for a busy machine; requests that queue would take 80


def check_refusal_and_recovery(senders, cause, reason):
    workers = senders.site.server.worker_ids
    with cause:
        refused = senders.send_until_refused()
    senders.send_until_stored()
    for response in refused:
        assert reason in response.error, response
        assert int(response.retry_after) >= 1
        assert response.seconds < MAX_SECONDS, response
    assert not senders.faults()
    assert senders.site.server.worker_ids == workers, "it must recover without a restart"


@pytest.fixture
def senders(tmp_path):
    with Site(tmp_path) as site:
        yield Senders(site, SEED)


def test_control_a_server_that_acknowledges_unstored_events_is_detected(tmp_path):
    with Site(tmp_path, command=control("acknowledges_what_was_not_stored")) as site:
        senders = Senders(site, SEED)
        senders.send_until_stored()
        with no_larger_files(site):
            for _ in range(MAX_ROUNDS):  # batches may be refused first, and it does not change those
                senders.send_until_refused()
                if any("answered 201 but not stored" in fault for fault in senders.faults()):
                    return
    pytest.fail("a server that acknowledges unstored events was not detected")


def test_a_full_disk(tmp_path):
    with small_disk(tmp_path) as disk, Site(disk or tmp_path) as site:
        senders = Senders(site, SEED)
        senders.send_until_stored()
        if disk:
            check_refusal_and_recovery(senders, full(disk), "its disk is full")
        else:  # without the right to mount a small disk, files that may not grow are closest
            check_refusal_and_recovery(senders, no_larger_files(site), "its disk fails")


def test_files_that_may_not_grow(senders):
    senders.send_until_stored()
    check_refusal_and_recovery(senders, no_larger_files(senders.site), "its disk fails")


@pytest.mark.parametrize("hold", [write_locked, lock_file_held])
def test_a_file_that_another_process_locks(senders, hold):
    check_refusal_and_recovery(senders, hold(senders.site.database), "another process is writing")


@pytest.fixture
def unprivileged_site(tmp_path):
    """A server, not started yet, that obeys file permissions even if root runs the tests."""
    prefix = prefix_that_obeys_permissions()
    if prefix is None:
        pytest.skip("root ignores file permissions, and setpriv is not installed")
    return Site(tmp_path, prefix=prefix)


def test_a_file_that_was_read_only_at_the_start(unprivileged_site):
    with unprivileged_site as site:
        headers = site.server.register(username="outage")
    with ExitStack() as cause:
        cause.enter_context(read_only_file(site.database))
        with unprivileged_site as site:
            check_refusal_and_recovery(Senders(site, SEED, headers), cause, "it cannot be written to")


def test_a_read_only_folder(unprivileged_site):
    with unprivileged_site as site:
        senders = Senders(site, SEED)
        site.database.with_name("usage.db-lock").unlink()
        check_refusal_and_recovery(senders, read_only_folder(site.folder), "it cannot be written to")
