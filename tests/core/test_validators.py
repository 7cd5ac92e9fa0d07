import sys
import unicodedata
import uuid
from datetime import UTC, date, datetime, timedelta, timezone
from functools import partial
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigility import AgeGroup, Gender, InvalidInput
from vigility.core import validators
from vigility.core.dimensions import AGE_GROUP
from vigility.core.invisible_characters import first_invisible
from vigility.core.times import from_micros, to_micros


@pytest.mark.parametrize("name", ["a", "ada", "x" * 64, "Ada Lovelace", "用户", "o'hara", "<b>", "👩‍💻"])
def test_valid_usernames(name):
    assert validators.valid_username(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "👨🏽\u200d🚀",
        "❤\ufe0f\u200d🔥",
        "🏳\ufe0f\u200d⚧\ufe0f",
        "🙂\u200d↔\ufe0f",
        "1\ufe0f\u20e3 first",
        "🏴" + "".join(chr(0xE0000 + ord(letter)) for letter in "gbwls") + "\U000e007f",
        "©\ufe0f",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian: the non-joiner is spelling
        "\u06f2\u06f0\u200c\u0633\u0627\u0644\u0647",
        "क\u094d\u200dष",  # Devanagari
        "അവന\u0d4d\u200d",  # Malayalam: the joiner ends the word
        "র\u200d\u09cd\u09af",  # Bengali: a joiner before the virama
        "ශ\u0dca\u200dරී",  # Sinhala
        "葛\U000e0100城",  # a variant of an ideograph in Japanese names
        "ᠠ\u180b",  # Mongolian
        "é" * 64,
        "\u1f82",  # four characters when it is decomposed
    ],
    ids=ascii,
)
def test_invisible_characters_are_valid_where_a_script_or_an_emoji_needs_them(name):
    assert validators.valid_username(name) == name


@pytest.mark.parametrize(
    ("name", "hidden"),
    [
        ("\u3164", "3164"),
        ("\u2800", "2800"),
        ("\u00ad", "00AD"),
        ("\u200b", "200B"),
        ("\u115f\u1160", "115F"),
        ("\uffa0", "FFA0"),
        ("\u17b4", "17B4"),
        ("a\u034fb", "034F"),
        ("a\u2060b", "2060"),
        ("\ufeffada", "FEFF"),
        ("ada\u200e", "200E"),
        ("\u202eada", "202E"),
        ("\u2067ada\u2069", "2067"),
        ("\u0430\u0434\u200d\u0430", "200D"),
        ("ada\u200c", "200C"),
        ("\u0645\u06cc\u200c", "200C"),
        ("\u200c\u0645\u06cc", "200C"),
        ("\u0645\u06cc\u200c\u200c\u062e\u0648\u0627\u0647\u0645", "200C"),
        ("👩\u200d", "200D"),
        ("👩\u200da", "200D"),
        ("a\ufe0f\u200d👩", "FE0F"),
        ("a\ufe0f", "FE0F"),
        ("1\ufe0f", "FE0F"),
        ("a\U000e0100", "E0100"),
        ("葛\U000e0100\U000e0101", "E0101"),
        ("\U000e0061da", "E0061"),
        ("🏴\U000e0075\U000e0073\U000e007f", "E0075"),
        ("\ufdd0", "FDD0"),
        ("a\U0001ffff", "1FFFF"),
        ("\U0001d159", "1D159"),
        ("\U00013441", "13441"),
        ("é\u200b", "200B"),
    ],
    ids=ascii,
)
def test_invisible_characters_are_refused_and_named(name, hidden):
    for rule in (validators.valid_username, validators.valid_feature):
        with pytest.raises(
            InvalidInput, match=f"must not hold invisible characters like U.{hidden}, not "
        ) as no:
            rule(name)
        assert first_invisible(str(no.value)) is None


def test_the_table_of_invisible_characters_holds_all_that_have_no_glyph():
    shown = {
        *range(0x600, 0x606),
        0x6DD,
        0x70F,
        0x890,
        0x891,
        0x8E2,
        0x110BD,
        0x110CD,
    }  # signs around numbers
    without = [
        number
        for number in range(sys.maxunicode + 1)
        if unicodedata.category(chr(number)) == "Cf" and first_invisible(chr(number)) is None
    ]
    assert set(without) == shown


@pytest.mark.parametrize("rule", [validators.valid_username, validators.valid_feature])
def test_names_are_composed(rule):
    assert rule("Cafe\u0301") == "Café"
    assert rule("\u1112\u1161\u11ab") == "한"
    assert rule("Å") == "Å"


def test_the_length_of_a_name_is_that_of_its_composed_form():
    assert validators.valid_username("e\u0301" * 64) == "é" * 64
    with pytest.raises(InvalidInput, match="at most 64 characters, not 65"):
        validators.valid_username("e\u0301" * 65)
    with pytest.raises(InvalidInput, match="at most 64 characters, not 128"):
        validators.valid_username("\u0958" * 64)  # each becomes two


def test_very_long_text_is_refused_without_composing_it(monkeypatch):
    never = SimpleNamespace(category=unicodedata.category, normalize=lambda *_: pytest.fail("composed"))
    monkeypatch.setattr(validators, "unicodedata", never)
    marks = "\u0301\u0323" * 50_000  # sorting these takes the square of their number
    for rule in (validators.valid_username, validators.valid_feature, validators.valid_password):
        assert "must have" in error_of(rule, marks)
    assert validators.username_forms(marks) == validators.password_forms(marks) == ()
    assert validators.sign_in_name(marks) == marks


def test_the_forms_in_which_a_name_may_be_stored():
    assert validators.username_forms("ada") == ("ada",)
    assert validators.username_forms("José") == ("José", "Jose\u0301")
    assert validators.username_forms("Jose\u0301") == ("Jose\u0301", "José")
    assert validators.username_forms("an\u00adna") == ("an\u00adna",)
    for impossible in ("", " ada", "a\nb", "x" * 65, 5, None, "\ud800"):
        assert validators.username_forms(impossible) == ()
    assert validators.feature_forms("e\u0301")[0] == "e\u0301"
    with pytest.raises(InvalidInput, match="feature_name must be text"):
        validators.feature_forms(5)


def test_the_forms_of_a_password_that_is_typed():
    assert validators.password_forms("a long password") == ("a long password",)
    assert validators.password_forms("passe\u0301 compose\u0301") == (
        "passé composé",
        "passe\u0301 compose\u0301",
    )
    assert validators.password_forms("e\u0301" * 4) == ("e\u0301" * 4,)  # composed, it is too short
    for impossible in ("short", None, 5, "\ud800" * 8, "x" * 129):
        assert validators.password_forms(impossible) == ()


@pytest.mark.parametrize("typed", ["José", " Jose\u0301", "José ", "José\n"], ids=ascii)
def test_attempts_to_sign_in_are_counted_by_one_form_of_the_name(typed):
    assert validators.sign_in_name(typed) == "José"
    assert validators.sign_in_name(["José"]) == ""


def test_subclasses_of_text_become_plain_text():
    class Text(str):
        __slots__ = ()

        def __str__(self):
            return "another"

    for rule in (validators.valid_username, validators.valid_feature, validators.valid_password):
        assert type(rule(Text("a long name"))) is str
        assert rule(Text("a long name")) == "a long name"
    assert validators.valid_gender(Text("Male")) is Gender.MALE


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


def test_passwords_are_composed():
    assert validators.valid_password("passe\u0301 compose\u0301") == "passé composé"
    assert validators.valid_password("e\u0301" * 128) == "é" * 128
    with pytest.raises(InvalidInput, match="8 to 128"):
        validators.valid_password("e\u0301" * 7)


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
        datetime(2026, 1, 5, 0, 1),  # noqa: DTZ001
    ],
    ids=repr,
)
def test_invalid_days(value):
    with pytest.raises(InvalidInput, match="start must be a day of the calendar as YYYY-MM-DD"):
        validators.valid_day("start", value)


class Scalar:
    """A scalar of numpy, as far as it is asked."""

    def __init__(self, value):
        self.item = lambda: value


@pytest.mark.parametrize(
    "value",
    [date(2026, 1, 5), datetime(2026, 1, 5), Scalar(date(2026, 1, 5)), Scalar(datetime(2026, 1, 5))],  # noqa: DTZ001
    ids=["date", "midnight", "day of numpy", "midnight of numpy"],
)
def test_a_date_and_a_midnight_without_a_zone_are_valid_days(value):
    day = validators.valid_day("end", value)
    assert (type(day), day) == (date, date(2026, 1, 5))


@pytest.mark.parametrize("value", ["1", 0.5, None, True, 0, -1, 11], ids=repr)
def test_a_count_is_a_whole_number_in_its_range(value):
    assert [validators.valid_count("limit", edge, 10) for edge in (1, 10)] == [1, 10]
    with pytest.raises(InvalidInput, match="limit must be a whole number from 1 to 10, not"):
        validators.valid_count("limit", value, 10)


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
    assert validators.valid_event_id(uuid.UUID(canonical)) == canonical
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
