"""The promises about PostgreSQL: concurrent writers, consistent reads, clear errors."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from random import Random

import psycopg
import pytest

import vigility
from support import postgres
from support.installations import database_of
from support.reports import daily, totals
from vigility import InvalidInput, NewEvent, PoolSettings, StoreError, StoreUnavailable, UserGone
from vigility.core.sessions.ports import RateLimit

pytestmark = pytest.mark.postgres

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FEATURES = ("a", "b", "c")
WRITERS = 6


@pytest.fixture
def url():
    with postgres.temporary_database() as url:
        yield url


@pytest.fixture
def v(url):
    with vigility.connect(url, clock=lambda: NOW) as opened:
        opened.users.add_without_password("ada", 36, "Female")
        opened.users.add_without_password("bob", 17, "Male")
        yield opened


@pytest.fixture
def writers(url, v):
    """WRITERS instances, each with its own connections."""
    with ExitStack() as stack:
        others = [vigility.connect(url, clock=lambda: NOW) for _ in range(WRITERS - 1)]
        yield [v, *map(stack.enter_context, others)]


def at_once(writers, call):
    """Call with each writer, all starting at the same moment. Returns the results."""
    ready = threading.Barrier(len(writers))

    def begin(numbered):
        ready.wait()
        return call(*numbered)

    with ThreadPoolExecutor(len(writers)) as pool:
        return list(pool.map(begin, enumerate(writers)))


def deadlocks(url):
    return postgres.sql(url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")[0][
        0
    ]


def events_of(url):
    return postgres.sql(url, "SELECT event_id FROM vigility_events ORDER BY id")


def test_event_ids_that_all_writers_send_are_stored_once(writers, url):
    event_ids = [f"00000000-0000-4000-8000-{n:012}" for n in range(300)]

    def send(number, v):
        shuffled = Random(number).sample(event_ids, len(event_ids))  # noqa: S311
        sent = [NewEvent("ada", "a", NOW, event_id) for event_id in shuffled]
        return [v.track_many(sent[begin : begin + 60]) for begin in range(0, len(sent), 60)]

    outcomes = [outcome for each in at_once(writers, send) for outcome in each]
    assert sum(outcome.accepted for outcome in outcomes) == len(event_ids)
    assert sum(outcome.duplicates for outcome in outcomes) == len(event_ids) * (WRITERS - 1)
    assert sorted(row[0] for row in events_of(url)) == event_ids
    assert writers[0].maintenance.verify_rollups() == []
    assert deadlocks(url) == 0


def test_event_ids_that_two_users_send_at_once_are_stored_for_each(writers, url):
    event_ids = [f"00000000-0000-4000-8000-{n:012}" for n in range(60)]

    def send(number, v):
        sent = [NewEvent(name, "a", NOW, event_id) for name in ("ada", "bob") for event_id in event_ids]
        return v.track_many(Random(number).sample(sent, len(sent)))  # noqa: S311

    outcomes = at_once(writers, send)
    assert sum(outcome.accepted for outcome in outcomes) == 2 * len(event_ids)
    assert not any(outcome.rejected for outcome in outcomes)
    assert len(events_of(url)) == 2 * len(event_ids)
    assert deadlocks(url) == 0


def test_of_two_features_with_one_event_id_one_is_stored_and_one_conflicts(writers, url):
    for n in range(20):
        event_id = f"00000000-0000-4000-8000-{n:012}"

        def send(number, v, event_id=event_id):
            return v.track_many([NewEvent("ada", FEATURES[number % 2], NOW, event_id)])

        outcomes = at_once(writers, send)
        assert sum(outcome.accepted for outcome in outcomes) == 1
        assert sum(len(outcome.rejected) for outcome in outcomes) == WRITERS // 2
    assert len(events_of(url)) == 20


def test_writers_of_the_same_rows_lose_no_count_and_do_not_deadlock(writers, url):
    def send(number, v):
        random = Random(number)  # noqa: S311 - can be repeated
        for _ in range(20):
            names = random.choices(("ada", "bob"), k=40)
            v.track_many(NewEvent(name, random.choice(FEATURES), NOW) for name in names)
            v.track(names[0], f"new by {number}")

    at_once(writers, send)
    assert writers[0].report().total == WRITERS * 20 * 41
    assert writers[0].maintenance.verify_rollups() == []
    assert deadlocks(url) == 0


def test_verifying_and_rebuilding_among_writers_see_one_moment(writers):
    def work(number, v):
        if number == 0:
            return [v.maintenance.verify_rollups() for _ in range(20)]
        if number == 1:
            return [v.maintenance.rebuild_rollups() for _ in range(5)]
        return [v.track_many([NewEvent("ada", "a", NOW)] * 30) for _ in range(20)]

    assert at_once(writers, work)[0] == [[]] * 20
    assert writers[0].maintenance.verify_rollups() == []
    assert writers[0].report().total == (WRITERS - 2) * 20 * 30


def test_a_wipe_among_writers_leaves_all_or_none_of_each_batch(writers, url):
    def work(number, v):
        for _ in range(10):
            if number == 0:
                v.maintenance.wipe()
                v.users.add_without_password("ada", 36, "Female")
                continue
            with suppress(UserGone, vigility.UnknownUser):
                v.track_many([NewEvent("ada", "a", NOW)] * 30)

    at_once(writers, work)
    assert len(events_of(url)) == writers[0].report().total
    assert len(events_of(url)) % 30 == 0
    assert writers[0].maintenance.verify_rollups() == []
    assert deadlocks(url) == 0


STORING_NEW_FEATURES = """
import sys, vigility
from contextlib import suppress
from random import Random
from vigility import NewEvent
url, number = sys.argv[1], int(sys.argv[2])
random = Random(number)
with vigility.connect(url) as v:
    print("ready", flush=True)
    sys.stdin.readline()
    for n in range(60):
        if number == 0 and n % 20 == 19:
            v.maintenance.wipe()
            v.users.add_without_password("ada", 36, "Female")
        names = [f"{n} {i}" for i in range(200)]
        random.shuffle(names)
        with suppress(vigility.UserGone):
            v.track_many([NewEvent("ada", name) for name in names])
"""


def test_processes_that_store_the_same_new_features_do_not_deadlock(v, url):
    """And a process that has cached a feature notices that a wipe deleted it."""
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", STORING_NEW_FEATURES, url, str(number)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for number in range(4)
        ]
        for process in processes:
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            process.stdin.write("\n")
            process.stdin.flush()
        assert [process.wait(120) for process in processes] == [0] * 4
    assert v.maintenance.verify_rollups() == []
    assert len(events_of(url)) == v.report().total
    assert deadlocks(url) == 0


def test_attempts_are_counted_across_instances(writers):
    limit = [RateLimit("account", burst=20, interval=10**12)]
    waits = at_once(writers, lambda _, v: [v.users.rate_limits.acquire(limit) for _ in range(10)])
    assert sum(wait == 0 for each in waits for wait in each) == 20


def test_tokens_are_revoked_on_all_instances(writers):
    at_once(
        writers,
        lambda number, v: v.users.sessions.revoke(f"token {number}", datetime(2027, 1, 1, tzinfo=UTC)),
    )
    assert all(len(v.users.sessions.revoked()) == WRITERS for v in writers)


def test_a_process_opens_at_most_the_configured_connections(url):
    with vigility.connect(url, pool=PoolSettings(connections=2)) as v, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: v.report(), range(100)))
        ours = "datname = current_database() AND application_name = 'vigility'"
        assert postgres.sql(url, f"SELECT count(*) FROM pg_stat_activity WHERE {ours}") == [(2,)]


SHOWN = ("synchronous_commit", "application_name", "statement_timeout", "lock_timeout")


def shown(v):
    with database_of(v).reading() as connection:
        return [connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in SHOWN]


def test_sessions_are_durable_and_have_timeouts_whatever_the_defaults_of_the_server(url, v):
    assert postgres.EXTERNAL_URL or postgres.sql(url, "SHOW synchronous_commit") == [("off",)]
    assert shown(v) == ["on", "vigility", "30s", "5s"]
    with vigility.connect(f"{url}?application_name=shop", pool=PoolSettings(statement_seconds=7)) as other:
        assert shown(other)[1:3] == ["shop", "7s"]


def test_a_stronger_durability_of_the_server_is_kept(url):
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    postgres.sql(url, f"ALTER DATABASE {name} SET synchronous_commit = remote_apply")
    with vigility.connect(url) as v:
        assert shown(v)[0] == "remote_apply"


def test_both_spellings_of_the_scheme_work(url):
    with vigility.connect(url.replace("postgresql://", "postgres://")) as v:
        assert v.maintenance.is_empty()


def test_reports_do_not_read_events(v, url):
    v.track("ada", "a")
    postgres.sql(url, "ALTER TABLE vigility_events RENAME TO elsewhere")
    assert daily(v.report(feature="a"))[-1][1] == 1


FORKING = """
import os, sys, vigility
with vigility.connect(sys.argv[1]) as v:
    v.track("ada", "x")
    child = os.fork()
    for _ in range(50):
        v.track("ada", "child" if child == 0 else "parent")
    if child == 0:
        v.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    v.track("ada", "x")
"""


def test_a_forked_child_opens_its_own_connections(v, url):
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORKING, url], check=True, timeout=60)
    assert totals(v.report()) == {"x": 2, "child": 50, "parent": 50}


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("postgresql://u:hunter2@127.0.0.1:1/x", "Connection refused"),
        ("postgresql://u:hunter2@127.0.0.1:1/x?sslmode=require&connect_timeout=2", "Connection refused"),
        ("postgresql://127.0.0.1:1/x?user=u&password=hunter2", "Connection refused"),
        ("postgresql:///x?host=/nowhere&password=hunter2", "No such file"),
    ],
)
def test_the_error_for_an_unreachable_server_does_not_show_the_password(address, message):
    with pytest.raises(StoreUnavailable, match=message) as refused:
        vigility.connect(address)
    assert "hunter2" not in str(refused.value)
    assert refused.value.reason == "it cannot be reached"


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://u:hunter2@host/x?no_such_option=1",
        "postgresql://u:hunter2@host:port@x/y",
        "postgresql://u:hunter2@h:h:h:h/x?%zz",
        "postgres://u:hun@ter2@host/x",
    ],
)
def test_the_error_for_an_invalid_url_does_not_show_the_password(address):
    with pytest.raises(InvalidInput) as refused:
        vigility.connect(address).report()
    assert "ter2" not in str(refused.value)


def test_the_error_for_a_missing_driver_says_how_to_install_it(tmp_path):
    (tmp_path / "psycopg.py").write_text("raise ImportError('no psycopg here')")
    script = "import vigility; vigility.connect('postgresql://h/x')"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},  # noqa: TID251
        capture_output=True,
        text=True,
        check=False,
    )
    assert "pip install 'vigility[postgres]'" in done.stderr


def test_a_database_of_another_encoding_is_refused():
    url = postgres.create_database("template0 ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc")
    with pytest.raises(StoreError, match="its encoding must be UTF8"):
        vigility.connect(url)
    postgres.drop(url)


def reason_of(v):
    with pytest.raises(StoreUnavailable) as refused:
        v.track_many([NewEvent("ada", "a", NOW)])
    return refused.value.reason


def test_the_error_for_a_locked_table_says_so(v, url):
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE vigility_day_summaries")
        assert reason_of(v) == "another process is writing and does not end"
        other.rollback()
        assert v.track_many([NewEvent("ada", "a", NOW)]).accepted == 1


@pytest.mark.usefixtures("v")
def test_the_error_for_a_read_only_database_says_so(url):
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    postgres.sql(url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with vigility.connect(url) as standby:
        assert standby.users.get("ada")
        assert reason_of(standby) == "it cannot be written to"


@pytest.mark.usefixtures("v")
def test_the_error_for_a_slow_statement_says_so(url):
    with (
        vigility.connect(url, pool=PoolSettings(statement_seconds=3)) as impatient,
        psycopg.connect(url) as other,
    ):
        other.execute("LOCK TABLE vigility_day_summaries")
        assert reason_of(impatient) == "it takes too long to respond"


def test_the_error_for_too_many_connections_says_so(url):
    postgres.sql(url, "DROP ROLE IF EXISTS alone")
    postgres.sql(
        url, "CREATE ROLE alone LOGIN CONNECTION LIMIT 1 IN ROLE pg_read_all_data, pg_write_all_data"
    )
    alone = url.replace("vigility@", "alone@")
    with psycopg.connect(alone), pytest.raises(StoreUnavailable) as refused:
        vigility.connect(alone)
    assert refused.value.reason == "it has no connection free"


def test_cut_connections_are_replaced_without_errors(v, url):
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    cut = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"
    for _ in range(5):
        v.track("ada", "a")
        postgres.sql(url, cut)
        assert v.report().total
        postgres.sql(url, cut)
        v.track_many([NewEvent("ada", "a", NOW)])
    assert v.report().total == 10
