from datetime import UTC, date, datetime, timedelta, timezone
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigility import AgeGroup, Gender, InvalidInput
from vigility.core import validators
from vigility.core.dimensions import AGE_GROUP
from vigility.core.times import from_micros, to_micros


@pytest.mark.parametrize("name", ["a", "ada", "x" * 64, "Ada Lovelace", "用户", "o'hara", "<b>", "👩‍💻"])
def test_valid_usernames(name):
    assert validators.valid_username(name) == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (None, "is required"),
        ("", "is required"),
        ("   ", "must not be blank"),
        (" ada", "begin or end with a space"),
        ("ada\u00a0", "begin or end with a space"),
        ("x" * 65, "at most 64 characters, not 65"),
        ("a\nb", "control characters"),
        ("a\0b", "control characters"),
        ("a\u2028b", "control characters"),
        ("a\ud800b", "control characters"),
        (5, "must be text, not 5"),
        (["ada"], "must be text"),
        ({"$ne": ""}, "must be text"),
    ],
)
def test_invalid_usernames(name, message):
    with pytest.raises(InvalidInput, match=message) as refused:
        validators.valid_username(name)
    assert refused.value.field == "username"
    assert str(refused.value).isprintable()


def test_a_feature_may_have_100_characters():
    assert validators.valid_feature("x" * 100)
    with pytest.raises(InvalidInput, match="at most 100"):
        validators.valid_feature("x" * 101)


@pytest.mark.parametrize("value", [None, ""])
def test_the_error_for_a_missing_feature_is_that_of_the_contract(value):
    with pytest.raises(InvalidInput, match=r"^feature_name is required$"):
        validators.valid_feature(value)


@pytest.mark.parametrize(("value", "age"), [(25, 25), ("25", 25), (1, 1), ("120", 120)], ids=repr)
def test_valid_ages(value, age):
    assert validators.valid_age(value) == age


@pytest.mark.parametrize(
    "value",
    [
        "25abc",
        "",
        " 25",
        "+25",
        "-5",
        "٢٥",
        "1e1",
        25.9,
        25.0,
        0,
        -5,
        121,
        1000,
        3_000_000_000,
        True,
        None,
        [25],
    ],
    ids=repr,
)
def test_invalid_ages(value):
    with pytest.raises(InvalidInput, match="age must be a whole number from 1 to 120"):
        validators.valid_age(value)


@pytest.mark.parametrize("value", ["male", "MALE", "", "x", None, 1, ["Male"]], ids=repr)
def test_the_error_for_a_gender_names_the_allowed_ones(value):
    with pytest.raises(InvalidInput, match="gender must be one of Male, Female, Other"):
        validators.valid_gender(value)


def test_valid_genders_and_age_groups():
    assert validators.valid_gender("Other") is Gender.OTHER
    assert validators.valid_value(AGE_GROUP, "18-40") == AgeGroup.FROM_18_TO_40


@pytest.mark.parametrize(
    ("age", "group"), [(1, "<18"), (17, "<18"), (18, "18-40"), (40, "18-40"), (41, ">40"), (120, ">40")]
)
def test_the_bounds_of_age_groups(age, group):
    assert AgeGroup.of(age) == group


@pytest.mark.parametrize("password", ["12345678", "x" * 128, "ж" * 128, "👩‍💻" * 30, "with\0nul byte"])
def test_valid_passwords(password):
    assert validators.valid_password(password) == password


@pytest.mark.parametrize(
    "password", ["1234567", "x" * 129, "", None, 12345678, ["12345678"], "\ud800" * 8], ids=ascii
)
def test_the_error_for_a_password_does_not_show_it(password):
    with pytest.raises(InvalidInput, match="password must have 8 to 128 characters") as refused:
        validators.valid_password(password)
    assert not password or repr(password) not in str(refused.value)


@pytest.mark.parametrize("text", ["2026-02-28", "0002-09-23", "0020-09-23", "9999-12-31", "2024-02-29"])
def test_valid_days(text):
    assert validators.valid_day("start", text).isoformat() == text


@pytest.mark.parametrize(
    "value",
    [
        "2026-02-30",
        "2026-1-5",
        "20260105",
        "2026-W05-6",
        "0000-01-01",
        "2026-01-05T00:00",
        "٢٠٢٦-01-01",
        "x",
        5,
        datetime(2026, 1, 5, tzinfo=UTC),
    ],
    ids=repr,
)
def test_invalid_days(value):
    with pytest.raises(InvalidInput, match="start must be a day of the calendar as YYYY-MM-DD"):
        validators.valid_day("start", value)


def test_a_date_is_a_valid_day():
    assert validators.valid_day("end", date(2026, 1, 5)) == date(2026, 1, 5)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-22T07:06:16.879Z", datetime(2026, 11, 22, 7, 6, 16, 879_000, UTC)),
        (
            "2026-11-22T00:00:00+03:30",
            datetime(2026, 11, 21, 20, 30, tzinfo=UTC),
        ),  # Tehran's day is not UTC's
        ("2026-03-08T02:30:00-05:00", datetime(2026, 3, 8, 7, 30, tzinfo=UTC)),  # an hour New York skipped
        ("1969-12-31T23:59:59.999999Z", datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_valid_moments_become_utc(text, utc):
    assert from_micros(validators.valid_moment(text)) == utc
    assert from_micros(validators.valid_moment(datetime.fromisoformat(text))) == utc


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-22T07:06:16",
        "2026-11-22",
        "2026-02-30T00:00:00Z",
        "yesterday",
        "",
        1_700_000_000,
        datetime(2026, 11, 22),  # noqa: DTZ001
        date(2026, 11, 22),
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:00:00-12:00",
        None,
    ],
)
def test_invalid_moments(value):
    with pytest.raises(InvalidInput, match="timestamp must be an ISO 8601 time with a zone"):
        validators.valid_moment(value)


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))])))
def test_microseconds_represent_a_moment_exactly(moment):
    assert from_micros(to_micros(moment)) == moment


def test_valid_event_ids_become_canonical():
    canonical = "123e4567-e89b-42d3-a456-426614174000"
    for text in (canonical, canonical.upper(), canonical.replace("-", ""), f"{{{canonical}}}"):
        assert validators.valid_event_id(text) == canonical


@pytest.mark.parametrize(
    "value", ["", "x", "123e4567", 5, None, b"123e4567-e89b-42d3-a456-426614174000"], ids=repr
)
def test_invalid_event_ids(value):
    with pytest.raises(InvalidInput, match="event_id must be a UUID"):
        validators.valid_event_id(value)


@given(st.text() | st.integers() | st.binary() | st.none() | st.lists(st.text()))
def test_any_value_is_valid_or_refused_in_one_printable_line(value):
    for rule in (
        validators.valid_username,
        validators.valid_feature,
        validators.valid_password,
        validators.valid_age,
        validators.valid_gender,
        partial(validators.valid_value, AGE_GROUP),
        validators.valid_moment,
        validators.valid_event_id,
    ):
        message = error_of(rule, value)
        assert "\n" not in message
        assert message.encode() is not None
        assert len(message) < 200


def error_of(rule, value):
    try:
        rule(value)
    except InvalidInput as refused:
        return str(refused)
    return ""
