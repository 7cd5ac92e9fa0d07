"""PostgreSQL stopped and started, connections cut, under load: refused meanwhile, nothing lost or doubled."""

import itertools
import os
import shutil
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from random import Random

import psycopg
import pytest

import postgres
from cutting_proxy import AFTER, CuttingProxy
from durability.checking import faults_of, faults_of_file
from durability.load import Load
from durability.outages import Callers, full, small_disk
from durability.serving import Site, control
from web_server import PATIENCE

SEED = 60
numbers = itertools.count()
RECOVERY_SECONDS = 20  # the promise is 5, the rest is a busy machine's
CUT = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'vigility'
"""


@pytest.fixture
def database():
    """A durable server of this test alone."""
    if postgres.programs() is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    server = postgres.Postgres(postgres.short_folder()).start()
    yield server
    server.stop(signal.SIGQUIT)
    shutil.rmtree(server.folder)


@pytest.fixture
def site(tmp_path, database):
    with Site(tmp_path, DATABASE_URL=database.url(), JWT_SECRET="s" * 64) as site:
        yield site


def judged(site, load):
    with load.paused():
        return faults_of(site.database, load.ledger)


def refused(site, headers):
    """The answer to an event while PostgreSQL is away."""
    with site.server.connect() as connection:
        status, answer = connection.send("POST", "/track", {"feature_name": "away"}, headers)
        return status, answer["error"], connection.answer.headers["Retry-After"]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["fast", "immediate"])
def test_a_server_that_is_stopped_and_started(site, database, how):
    workers = site.server.worker_ids
    headers = site.server.registered(username="watching")
    with Load(site, SEED) as load:
        for _ in range(3):
            load.wait_for_answers(100)
            database.stop(how)
            for _ in range(3):
                status, error, retry_after = refused(site, headers)
                assert (status, retry_after) == (503, "1"), error
                assert "The store is unavailable: it " in error
            with site.server.connect() as connection:
                assert connection.send("GET", "/health")[0] == 503
            database.start()
            began = time.monotonic()
            while refuses_registration(site):
                assert time.monotonic() - began < RECOVERY_SECONDS, "it does not recover"
            assert judged(site, load) == []
    assert site.server.worker_ids == workers
    assert load.ledger.unanswered == 0  # though a commit that was cut off may have been answered 504


def test_a_server_that_is_back_before_vigility_stops_asking_leaves_nothing_unknown(tmp_path, database):
    given = {"DATABASE_URL": database.url(), "JWT_SECRET": "s" * 64}
    with Site(tmp_path, command=control("asks_for_longer"), **given) as site, Load(site, SEED) as load:
        for rounds in itertools.count(1):
            load.wait_for_answers(100)
            database.stop(signal.SIGQUIT)
            database.start()
            load.wait_for_answers(20)
            assert judged(site, load) == []
            if rounds >= 5 and "the answer to a commit was lost" in site.server.output:
                break
            assert rounds < 50, "no commit was under way when the server was stopped"
    assert load.ledger.unknown == 0


def refuses_registration(site):
    body = {"username": f"new {next(numbers)}", "password": "a long password", "age": 1, "gender": "Other"}
    with site.server.connect() as connection:
        status, answer = connection.send("POST", "/register", body)
    assert status in {201, 503}, answer
    return status == 503


def test_connections_that_are_cut_under_load(site):
    workers = site.server.worker_ids
    random = Random(SEED)
    cut = 0
    with Load(site, SEED) as load, psycopg.connect(site.database, autocommit=True) as administrator:
        deadline = time.monotonic() + PATIENCE
        for rounds in itertools.count(1):
            for _ in range(5):
                load.wait_for_answers(random.randint(1, 30))
                cut += administrator.execute(CUT).fetchone()[0]
            assert judged(site, load) == []
            if rounds >= 10 and cut >= 50:
                break
            assert time.monotonic() < deadline, f"{cut} connections were cut in {rounds} rounds"
    assert site.server.worker_ids == workers
    assert load.ledger.unknown == 0


def test_a_new_address_behind_the_same_name(tmp_path, database):
    """Failover: the first of two hosts is gone, the second takes over."""
    first = postgres.free_port()
    both = f"postgresql://vigility@127.0.0.1:{first},127.0.0.1:{database.port}/postgres?target_session_attrs=read-write"
    with Site(tmp_path, DATABASE_URL=both, JWT_SECRET="s" * 64) as site:
        headers = site.server.registered(username="watching")
        with site.server.connect() as connection:
            assert connection.send("POST", "/track", {"feature_name": "x"}, headers)[0] == 201


def test_a_statement_that_hangs_does_not_hang_the_others(site):
    """Somebody holds the summaries: writes are refused after the time a lock is waited for, reports go on."""
    headers = site.server.registered(username="watching")
    with psycopg.connect(site.database) as somebody:
        somebody.execute("LOCK TABLE vigility_day_summaries IN SHARE MODE")
        answers = []
        tracking = threading.Thread(target=lambda: answers.append(refused(site, headers)))
        tracking.start()
        with site.server.connect() as connection:
            assert connection.send("GET", "/analytics", None, headers)[0] == 200
        tracking.join(PATIENCE)
        assert answers[0][:2] == (503, answers[0][1])
        assert "another process is writing and does not end" in answers[0][1]
    with site.server.connect() as connection:
        assert connection.send("POST", "/track", {"feature_name": "x"}, headers)[0] == 201


@pytest.fixture
def tablespace(database):
    """A small disk of its own for a database's tables; the write-ahead log is elsewhere."""
    folder = postgres.short_folder()
    with small_disk(folder, 24) as disk:
        if disk is None:
            pytest.skip("this process may not mount a small disk")
        tables = folder / "tables"
        tables.mkdir()
        if os.geteuid() == 0:
            folder.chmod(0o755)
            shutil.chown(tables, "nobody", "nogroup")
        postgres.sql(database.url(), f"CREATE TABLESPACE small LOCATION '{tables}'")
        postgres.sql(database.url(), "CREATE DATABASE small TEMPLATE template0 TABLESPACE small")
        yield folder
        database.stop(signal.SIGQUIT)  # before the disk is taken away
        database.start()
    folder.rmdir()


def test_a_full_disk(tmp_path, database, tablespace):
    with Site(tmp_path, DATABASE_URL=database.url("small"), JWT_SECRET="s" * 64) as site:
        workers = site.server.worker_ids
        callers = Callers(site, SEED)
        callers.send_until_stored()
        with full(tablespace):
            refused = callers.send_until_refused()
        callers.send_until_stored()
        for answer in refused:
            assert (answer.retry_after, "its disk is full" in answer.error) == ("1", True), answer
        assert callers.faults() == []
        assert site.server.worker_ids == workers


UNKNOWN = "The store was lost while it stored this, which may be stored or not"
EVENT = {"feature_name": "x", "event_id": "123e4567-e89b-42d3-a456-426614174000"}


def test_what_nobody_can_tell_is_answered_504_and_may_be_sent_again(tmp_path, database):
    """Each way at once, over a database of its own: vigility asks for as long as 15 s."""
    ways = ["short", "general", "batch"]
    with ThreadPoolExecutor(len(ways)) as pool:
        for way in [pool.submit(loses_an_answer, way, tmp_path, database) for way in ways]:
            way.result()


def loses_an_answer(way, folder, database):
    """The answer to COMMIT is lost, and nobody is there to ask for as long as vigility asks."""
    (folder / way).mkdir()
    postgres.sql(database.url(), f"CREATE DATABASE {way}")
    with (
        CuttingProxy(database.port) as proxy,
        Site(folder / way, DATABASE_URL=proxy.url(database.url(way)), JWT_SECRET="s" * 64) as site,
    ):
        headers = site.server.registered(username="watching")
        path, body = ("/track/batch", {"events": [EVENT]}) if way == "batch" else ("/track", EVENT)
        more = {"Origin": f"http://127.0.0.1:{site.port}"} if way == "general" else {}
        with site.server.connect() as connection:
            assert connection.send("POST", "/track", {"feature_name": "warm"}, headers)[0] == 201
            proxy.next_cuts, proxy.refuse_after_cut = [AFTER], True
            status, answer = connection.send("POST", path, body, headers | more)
            assert (status, answer) == (504, {"error": UNKNOWN}), way
            assert connection.answer.headers["Retry-After"] is None
            proxy.refusing = False
            assert connection.send("POST", "/track", EVENT, headers)[0] == 200
    assert faults_of_file(database.url(way)) == []
