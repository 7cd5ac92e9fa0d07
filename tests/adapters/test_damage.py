"""Damaged SQLite files: each use works or says that the file is damaged, and `problems` finds what it can."""

import logging
import sqlite3
from contextlib import closing
from datetime import timedelta
from random import Random

import pytest

import vigility
from support.web_client import ADA, Client, Clock, Hasher, make_settings
from vigility import NewEvent, StoreUnavailable, VigilityError
from vigility.bootstrap import problems
from vigility.core.errors import StoreDamaged
from vigility.web.app import create_app

SEED = 32
FLIPS = 24
PAGE = 4_096
EVENT_IDS = [f"123e4567-e89b-42d3-a456-{number:012}" for number in range(60)]
CLOCK = Clock()


def opened(path):
    return vigility.connect(str(path), clock=CLOCK, hasher=Hasher())


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """The bytes of a database in which every table has rows, and the headers of a user who is signed in."""
    path = tmp_path_factory.mktemp("sound") / "usage.db"
    v = opened(path)
    client = Client(create_app(v, make_settings(), CLOCK))
    headers = {"Authorization": f"Bearer {client.register()}"}
    others = [client.register(username=f"user {number}") for number in range(3)]
    client.post("/logout", headers={"Authorization": f"Bearer {others[0]}"})
    client.post("/login", {"username": "ada", "password": "a wrong password"})
    v.track_many(
        NewEvent(f"user {n % 3}", f"feature {n % 5}", CLOCK.now - timedelta(hours=n), event_id)
        for n, event_id in enumerate(EVENT_IDS)
    )
    client.close()
    return path.read_bytes(), headers


@pytest.fixture
def path(tmp_path, sound):
    path = tmp_path / "usage.db"
    path.write_bytes(sound[0])
    return path


def spoil(path, *statements):
    """Change the file behind vigility's back."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize("number", range(FLIPS))
def test_a_flipped_bit_is_never_an_unexpected_error(tmp_path, sound, number):
    content, headers = sound
    chosen = Random(f"{SEED} {number}")  # noqa: S311 - to repeat a failure
    damaged = bytearray(content)
    used = [n for n, byte in enumerate(content) if byte]  # most of the pages is empty
    damaged[chosen.choice(used)] ^= 1 << chosen.randrange(8)
    path = tmp_path / "usage.db"
    path.write_bytes(damaged)
    try:
        problems(str(path))
        use_by_http(path, headers)
        path.write_bytes(damaged)
        use_library(path)
    except StoreDamaged:
        pass  # nothing can be opened


def use_by_http(path, headers):
    """The client fails for every 5xx but 503."""
    v = opened(path)
    client = Client(create_app(v, make_settings(), CLOCK))
    event = {"feature_name": "feature 3", "event_id": EVENT_IDS[3]}
    batch = [event | {"timestamp": CLOCK.now.isoformat(), "event_id": name} for name in EVENT_IDS]
    try:
        responses = [
            client.get("/health"),
            client.post("/login", ADA | {"username": "user 1"}),
            client.post("/register", ADA | {"username": "new"}),
            client.post("/track", event, headers=headers),
            client.post("/track/batch", {"events": batch}, headers=headers),
            client.get("/analytics?feature=feature%203", headers=headers),
            client.post("/logout", headers=headers),
        ]
    finally:
        client.close()
    refused = [response.text for response in responses if response.status_code == 503]
    assert all("damaged" in text or "the log says why" in text for text in refused)


def use_library(path):
    v = opened(path)
    repeated = [NewEvent("user 1", "feature 1", CLOCK.now, event_id) for event_id in EVENT_IDS]
    uses = (
        v.users.all,
        lambda: v.report(feature="feature 1"),
        lambda: v.track_many(repeated),
        v.maintenance.features,
        v.maintenance.verify_rollups,
        v.maintenance.rebuild_rollups,
    )
    with v:
        for use in uses:
            try:
                use()
            except VigilityError as error:
                logging.getLogger("test").info("refused: %s", error)


def find_events(v):
    return v.maintenance.find_events(limit=100, feature="feature 1")


def send_again(v):
    return v.track_many([NewEvent("user 1", "feature 1", CLOCK.now, event_id) for event_id in EVENT_IDS])


def users(v):
    return v.users.all()


def report(v):
    return v.report(feature="feature 1")


def rollups(v):
    return v.maintenance.verify_rollups()


# What no version of vigility wrote, who meets it, and what the check says.
IMPOSSIBLE = [
    ("vigility_users SET age = 'old'", users, "vigility_users: age of another type (rows: 4)"),
    (
        "vigility_users SET gender = 'Femalf'",
        users,
        "a gender other than Male, Female, Other (rows: 4)",
    ),
    ("vigility_users SET age = 121", None, "vigility_users: an age that is not from 1 to 120 (rows: 4)"),
    (
        "vigility_users SET username = CAST(username AS BLOB)",
        users,
        "username of another type (rows: 4)",
    ),
    ("vigility_users SET gender = CAST(x'ff' AS TEXT)", users, "a gender other than"),
    ("vigility_users SET created = 9000000000000000000", users, None),
    (
        "vigility_users SET password_hash = x'00'",
        users,
        "password_hash of another type (rows: 4)",
    ),
    (
        "vigility_features SET name = CAST(name AS BLOB)",
        report,
        "name of another type (rows: 5)",
    ),
    ("vigility_day_summaries SET count = 'x'", report, "count of another type"),
    ("vigility_day_summaries SET count = 9223372036854775807", report, "other counts than the events"),
    ("vigility_day_summaries SET count = 0", None, "a count below 1"),
    ("vigility_day_summaries SET day = 90000000 + day", report, "a value that is not possible"),
    (
        "vigility_day_summaries SET feature_id = feature_id + 1000",
        rollups,
        "feature_id that is not in",
    ),
    ("vigility_events SET age = 'x'", find_events, "vigility_events: age of another type (rows: 60)"),
    ("vigility_events SET at = x'01'", send_again, "vigility_events: at of another type (rows: 60)"),
    ("vigility_events SET user_id = 1000", None, "user_id that is not in vigility_users (rows: 60)"),
    ("vigility_events SET at = at + 86400000000", None, "other counts than the events have"),
    ("vigility_attempts SET empty_at = 'x'", None, "empty_at of another type"),
]


@pytest.mark.parametrize(("change", "use", "found"), IMPOSSIBLE, ids=[change for change, *_ in IMPOSSIBLE])
def test_a_row_that_nobody_wrote_is_damage(path, change, use, found):
    spoil(path, f"UPDATE {change}")
    with opened(path) as v:
        if use is not None:
            with pytest.raises(StoreUnavailable, match="its file is damaged") as refused:
                use(v)
            assert refused.value.reason == "its file is damaged"
    if found is not None:
        assert any(found in problem for problem in problems(str(path))), problems(str(path))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("ALTER TABLE vigility_events RENAME COLUMN age TO agf", "no such column: "),
        ("ALTER TABLE vigility_events RENAME TO vigility_eventr", "no such table: vigility_events"),
    ],
)
def test_a_table_that_is_not_as_it_was_made_is_damage(path, change, found):
    spoil(path, change)
    with opened(path) as v, pytest.raises(StoreUnavailable, match=found) as refused:
        find_events(v)
    assert refused.value.reason == "its file is damaged"
    assert any(found in problem for problem in problems(str(path))), problems(str(path))


def test_a_sound_database_has_no_problems(path):
    assert problems(str(path)) == []


def root_page(path, table):
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT rootpage FROM sqlite_schema WHERE name = ?"
        return connection.execute(query, [table]).fetchone()[0]


def test_a_damaged_page_is_named(path):
    page = root_page(path, "vigility_events")
    content = bytearray(path.read_bytes())
    content[(page - 1) * PAGE + 7] ^= 0b11  # how many bytes lie unused between the cells
    path.write_bytes(content)
    found = problems(str(path))
    assert len(found) == 1
    assert f"page {page}" in found[0]


def test_a_page_that_cannot_be_read_stops_neither_the_checks_nor_the_use_of_other_tables(path):
    content = bytearray(path.read_bytes())
    content[(root_page(path, "vigility_events") - 1) * PAGE + 3] ^= 0xFF  # how many cells it has
    path.write_bytes(content)
    spoil(path, "UPDATE vigility_features SET name = CAST(name AS BLOB) WHERE id = 1")
    found = problems(str(path))
    assert any("database disk image is malformed" in problem for problem in found), found
    assert "vigility_features: name of another type (rows: 1)" in found
    with opened(path) as v:
        assert len(v.users.all()) == 4
        with pytest.raises(StoreDamaged, match="its file is damaged: database disk image is malformed"):
            send_again(v)


@pytest.mark.parametrize("length", [100, 4_096, 20_000])
def test_a_file_that_was_cut_off_is_damaged(path, length):
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(StoreDamaged):
        use_everything(path)


def use_everything(path):
    with opened(path) as v:
        v.report()
        send_again(v)


def test_the_web_says_that_the_file_is_damaged(path, sound):
    spoil(path, "UPDATE vigility_day_summaries SET count = 'x'")
    v = opened(path)
    client = Client(create_app(v, make_settings(), CLOCK))
    response = client.get("/analytics", headers=sound[1])
    client.close()
    assert response.status_code == 503
    assert response.json == {"error": "The database is damaged: vigility db check --integrity tells more"}
    assert "Retry-After" not in response.headers, "nothing will be better then"
