"""Events and names as people send them.

Comments say the item of issue 11 and the number of the input among those found in the field.
"""

import asyncio
import csv
import gzip
import unicodedata
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import vigility
from support.reports import daily, totals
from support.web_client import ADA, Client, Clock, Hasher, make_settings
from vigility import EventConflict, Filters, Gender, InvalidInput, NewUser
from vigility.charts import save_charts
from vigility.web.app import create_app

INPUTS = Path(__file__).with_name("inputs")
NOW = Clock().now
EVENT_ID = "123e4567-e89b-42d3-a456-426614174000"


@pytest.fixture
def v():
    with vigility.connect("memory:", clock=Clock(), hasher=Hasher()) as opened:
        yield opened


@pytest.fixture
def client(v):
    client = Client(create_app(v, make_settings(), Clock()))
    yield client
    client.close()


@pytest.fixture
def bearer(client):
    return {"Authorization": f"Bearer {client.register()}"}


def rows(name):
    with (INPUTS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# Item 4, input 05.


def test_track_takes_a_timestamp(client, bearer, v):
    event = {"feature_name": "late", "timestamp": "2026-02-27T09:00:00Z"}
    response = client.post("/track", event, headers=bearer)
    assert (response.status_code, response.json["timestamp"]) == (201, "2026-02-27T09:00:00.000Z")
    assert daily(v.report(feature="late"))[0] == (datetime(2026, 2, 27, tzinfo=UTC).date(), 1)


@pytest.mark.parametrize(
    ("moment", "status"),
    [
        (NOW + timedelta(minutes=5), 201),
        (NOW + timedelta(minutes=5, seconds=1), 400),
        (NOW - timedelta(days=3653), 201),
        (NOW - timedelta(days=3654), 400),
    ],
)
def test_the_window_of_track_is_that_of_batches(client, bearer, moment, status):
    event = {"feature_name": "late", "timestamp": moment.isoformat()}
    batch = client.post("/track/batch", {"events": [event]}, headers=bearer).json
    response = client.post("/track", event, headers=bearer)
    assert response.status_code == status
    assert batch["accepted"] == (status == 201)
    if status == 400:
        assert response.json["error"] == batch["rejected"][0]["error"]


def test_track_refuses_unknown_members_by_name(client, bearer, v):
    event = {"feature_name": "late", "time": "2026-02-27T09:00:00Z"}
    response = client.post("/track", event, headers=bearer)
    assert response.status_code == 400
    assert response.json["error"] == "Unknown member 'time'; allowed: feature_name, timestamp, event_id"
    assert v.report().total == 0


# Item 8, input 11. Item 31 asks for some of the invisible characters too.


def test_one_name_in_two_forms_of_unicode_is_one_bar(v):
    v.users.add_without_password("ada", 36, "Female")
    assert len({row["feature_name"] for row in rows("11-nfc-nfd.csv")}) == 2
    assert v.track_many(rows("11-nfc-nfd.csv")).accepted == 2
    assert totals(v.report()) == {"Café öffnen": 2}
    for form in ("NFC", "NFD"):
        report = v.report(feature=unicodedata.normalize(form, "Café öffnen"))
        assert next(count for _, count in daily(report)) == 2


def test_one_name_in_two_forms_of_unicode_is_one_user(v):
    first, second = rows("11-nfd-user.csv")
    added = v.users.add_without_password(**first)
    with pytest.raises(vigility.UsernameTaken):
        v.users.add_without_password(**second)
    assert added == v.users.get(first["username"]) == v.users.get(second["username"])


def test_a_password_in_two_forms_of_unicode_is_one(v):
    v.register("ada", "mot de passe é", 36, "Female")
    assert v.users.authenticate("ada", unicodedata.normalize("NFD", "mot de passe é")).username == "ada"


@pytest.mark.parametrize(
    "name",
    [
        "\u3164",
        "\u2800",
        "\u00ad",
        "\u200b",
        "\u115f",
        "ad\u200ba",
        "ada\ufeff",
        "\u202eada",
        "\u2066ada",
        "a\u200dda",
        "a\ufe0f",
        "\U000e0041da",
    ],
    ids=ascii,
)
def test_invisible_characters_are_refused(client, bearer, name):
    for path, body in (("/register", ADA | {"username": name}), ("/track", {"feature_name": name})):
        response = client.post(path, body, headers=bearer)
        assert response.status_code == 400
        assert "must not hold invisible characters like U+" in response.json["error"]
        assert response.json["error"].isascii()


# Item 20, input 12.


def test_objects_that_people_have_at_hand_are_taken(v):
    v.register(np.str_("ada"), np.str_("a long password"), np.int64(36), np.str_("Female"))
    event_id = uuid.uuid4()
    moment = pd.Timestamp("2026-02-27T09:00:00+01:00")
    event = v.track(np.str_("ada"), np.str_("zoom"), moment, event_id=event_id)
    assert (event.age, event.at, event.event_id) == (36, moment.to_pydatetime(), str(event_id))
    table = pd.DataFrame({"username": ["ada"] * 3, "feature": "zoom", "at": moment})
    assert v.track_many(table.itertuples(index=False)).accepted == 3
    assert v.track_many(table.to_dict("records")).accepted == 3
    assert v.report(Filters(start=np.str_("2026-02-27"), gender=np.str_("Female"))).total == 7


def test_scalars_of_tables_are_taken_as_numbers_and_days(tmp_path):
    limits = {"oldest_event_days": np.int64(40_000), "max_features": np.int32(2)}
    with vigility.connect(str(tmp_path / "u.db"), clock=lambda: NOW, **limits) as v:
        v.users.add_without_password("ada", np.uint8(36), "Female")
        event = v.track("ada", "zoom", NOW)
        assert v.track_many([("ada", "pan", NOW)], np.int64(1)).accepted == 1
        for day in (np.datetime64(NOW.date()), pd.Timestamp(NOW.date())):
            assert v.report(start=day, end=day).total == 2
            assert v.maintenance.count_events(start=day, end=day) == 2
        assert len(v.report(query=vigility.Query(limit=np.int64(1))).totals) == 1
        assert v.maintenance.delete_events(ids=np.array([event.id])) == 1
        assert v.maintenance.delete_features("pan") == 1
    for nothing in (pd.NaT, np.datetime64("NaT")):
        with pytest.raises(InvalidInput, match="start must be a day of the calendar as YYYY-MM-DD"):
            Filters(start=nothing)


@pytest.mark.parametrize(
    "at",
    [np.datetime64("2026-02-27T09:00"), pd.Timestamp("2026-02-27"), pd.NaT, float("nan"), NOW.date()],
    ids=repr,
)
def test_times_without_a_zone_are_refused_with_one_sentence(v, at):
    v.users.add_without_password("ada", 36, "Female")
    with pytest.raises(InvalidInput, match=r"^timestamp must be an ISO 8601 time with a zone, like .*, not "):
        v.track("ada", "zoom", at)
    outcome = v.track_many([("ada", "zoom", pd.Timestamp(NOW)), ("ada", "zoom", at)])
    assert (outcome.accepted, [entry.index for entry in outcome.rejected]) == (1, [1])


# Item 20, input 15.


def test_a_compressed_body_is_taken(client, bearer, v):
    headers = bearer | {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    response = client.request("POST", "/track", headers, body=gzip.compress(b'{"feature_name":"zoom"}'))
    assert response.status_code == 201
    assert totals(v.report()) == {"zoom": 1}


def test_another_encoding_is_refused_by_name(client, bearer):
    headers = bearer | {"Content-Type": "application/json", "Content-Encoding": "br"}
    response = client.request("POST", "/track", headers, body=b"x")
    assert response.status_code == 415
    assert response.json["error"] == "The body's Content-Encoding is 'br'; allowed: gzip, identity"


def test_a_string_of_send_beacon_is_told_how_to_be_sent(client, bearer):
    headers = bearer | {"Content-Type": "text/plain;charset=UTF-8"}
    response = client.request("POST", "/track", headers, body=b'{"feature_name":"zoom"}')
    assert response.status_code == 415
    assert 'new Blob([json], {type: "application/json"})' in response.json["error"]


@pytest.mark.usefixtures("bearer")
def test_a_space_that_a_keyboard_adds_does_not_keep_anyone_from_signing_in(client):
    response = client.post("/login", {"username": "ada ", "password": ADA["password"]})
    assert (response.status_code, response.json["user"]["username"]) == (200, "ada")


# Item 21.


def test_a_report_takes_its_filters_by_name(v):
    v.users.add_without_password("ada", 36, "Female")
    v.track_many([("ada", "zoom")])
    assert v.report(gender="Female", start="2026-03-01").total == 1
    assert v.report(gender="Male", feature="zoom").total == 0
    with pytest.raises(InvalidInput, match="plan is not a filter; the filters are start, end, age_group, ge"):
        v.report(plan="pro")


def test_events_are_taken_as_tuples_and_dicts(v):
    v.users.add_without_password("ada", 36, "Female")
    outcome = v.track_many(
        [
            ("ada", "zoom"),
            ["ada", "zoom", NOW, EVENT_ID],
            {"username": "ada", "feature": "zoom", "at": NOW},
            {"username": "ada", "feature_name": "zoom", "timestamp": "2026-03-01T11:00:00Z"},
            {"username": "ada", "feature": "zoom", "event_id": EVENT_ID},
            5,
            ("ada",),
            {"username": "ada", "feature": "zoom", "when": NOW},
            {"feature": "zoom"},
        ]
    )
    assert (outcome.accepted, outcome.duplicates) == (4, 1)
    assert [(entry.index, str(entry.error)) for entry in outcome.rejected] == [
        (5, f"{EACH}, not a int"),
        (6, f"{EACH}, not a tuple of 1"),
        (7, "event must have no other keys than " + ALLOWED + ", not 'when'"),
        (8, "username is required"),
    ]


EACH = "event must be a NewEvent, a tuple (username, feature, at, event_id) or a dict with these keys"
ALLOWED = "username, feature, at, event_id, feature_name, timestamp"


@pytest.mark.parametrize("events", ["ada", b"ada", {"username": "ada"}, 5, None], ids=repr)
def test_what_is_not_many_events_is_refused(v, events):
    with pytest.raises(InvalidInput, match=r"^events must be many events, each a NewEvent, .*, not a \w+$"):
        v.track_many(events)


def test_a_table_of_pandas_is_told_how_to_be_given(v):
    with pytest.raises(
        InvalidInput, match=r"events must be many events, not a DataFrame: use to_dict\('records'"
    ):
        v.track_many(pd.DataFrame({"username": ["ada"], "feature": "zoom"}))


def test_charts_are_saved_by_the_ending_of_a_path(v, tmp_path):
    save_charts(v.report(), str(tmp_path / "x.PNG"))
    assert (tmp_path / "x.PNG").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InvalidInput, match=r"path must end in \.png or \.svg, not 'x\.jpg'"):
        save_charts(v.report(), str(tmp_path / "x.jpg"))


def test_a_submitted_event_can_be_awaited(v):
    v.users.add_without_password("ada", 36, "Female")

    async def track():
        first = await v.submit("ada", "zoom", event_id=EVENT_ID)
        results = await asyncio.gather(
            *(v.submit("ada", name, event_id=EVENT_ID) for name in ("zoom", "x")), return_exceptions=True
        )
        return first, *results

    first, again, conflict = asyncio.run(track())
    assert (first.id, again.id, again.repeated) == (1, 1, True)
    assert isinstance(conflict, EventConflict)


# Item 31.


def test_nobody_can_take_the_event_id_that_another_user_will_send(client, bearer, v):
    squatter = {"Authorization": f"Bearer {client.register(username='eve')}"}
    event = {"feature_name": "squatted", "event_id": EVENT_ID}
    assert client.post("/track", event, headers=squatter).status_code == 201
    mine = event | {"feature_name": "zoom"}
    assert [client.post("/track", mine, headers=bearer).status_code for _ in range(2)] == [201, 200]
    assert client.post("/track", event, headers=bearer).status_code == 409
    assert totals(v.report()) == {"squatted": 1, "zoom": 1}


# Item 8: names that were stored before names were composed, or with characters that are refused now.


@pytest.fixture
def older(v):
    """What an older version stored: a name in NFD, one with a soft hyphen, a hash of a password in NFD."""
    names = [unicodedata.normalize("NFD", "José"), "an\u00adna"]
    password_hash = Hasher().hash(unicodedata.normalize("NFD", "mot de passe é"))
    for name in names:
        v.users._users.add(
            NewUser(username=name, age=30, gender=Gender.OTHER, created=NOW, password_hash=password_hash)
        )
    return names


def test_a_user_stored_in_nfd_is_found_by_either_form(v, older):
    # The password as it was typed at first; then the hash is renewed.
    for form, typed in (("NFD", unicodedata.normalize("NFD", "mot de passe é")), ("NFC", "mot de passe é")):
        name = unicodedata.normalize(form, "José")
        assert v.users.get(name).username == older[0]
        assert v.track(name, "zoom").user_id == 1
        assert v.track_many([(name, "zoom")]).accepted == 1
        assert v.users.authenticate(name, typed).id == 1
        with pytest.raises(vigility.UsernameTaken):
            v.register(name, "a long password", 30, "Other")
    assert len(v.users.all()) == 2


def test_a_user_whose_name_would_be_refused_today_can_still_be_tracked_and_sign_in(v, older):
    assert v.track(older[1], "zoom").user_id == 2
    assert v.users.authenticate(older[1], unicodedata.normalize("NFD", "mot de passe é")).id == 2


def test_of_two_users_whose_names_look_alike_each_is_found_by_their_own(v, older):
    composed = unicodedata.normalize("NFC", "José")
    v.users.import_many([NewUser(username="other", age=30, gender=Gender.OTHER, created=NOW)])
    v.users._users.add(NewUser(username=composed, age=40, gender=Gender.MALE, created=NOW))
    assert v.users.get(composed).age == 40
    assert v.users.get(older[0]).age == 30
    assert v.users.authenticate(older[0], unicodedata.normalize("NFD", "mot de passe é")).age == 30
