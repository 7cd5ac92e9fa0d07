import copy
import dataclasses
import pickle
from datetime import date

import pytest

from vigility import AgeGroup, Filters, Gender, InvalidInput


def test_filters_are_made_from_text_or_from_values():
    from_text = Filters(start="2026-01-01", end="2026-01-31", age_group="<18", gender="Female")
    from_values = Filters(date(2026, 1, 1), date(2026, 1, 31), AgeGroup.UNDER_18, Gender.FEMALE)
    assert from_text == from_values
    assert hash(from_text) == hash(from_values)
    assert from_text.gender is Gender.FEMALE


@pytest.mark.parametrize("value", [None, "", "All"])
def test_none_empty_and_all_mean_no_filter(value):
    assert Filters(value, value, value, value) == Filters()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"gender": "male"}, "gender must be one of Male, Female, Other, not 'male'"),
        ({"age_group": "18_40"}, "age_group must be one of <18, 18-40, >40, not '18_40'"),
        ({"start": "2026-02-30"}, "start must be a day of the calendar as YYYY-MM-DD"),
        ({"end": "soon"}, "end must be a day of the calendar as YYYY-MM-DD"),
        ({"gender": ["Male"]}, "gender must be one of"),
    ],
)
def test_an_error_names_the_field_and_the_allowed_values(arguments, message):
    with pytest.raises(InvalidInput, match=message):
        Filters(**arguments)


def test_filters_cannot_be_changed():
    with pytest.raises(AttributeError):
        Filters().gender = Gender.MALE


def test_a_start_after_the_end_is_allowed():
    assert Filters("2026-02-01", "2026-01-01").start == date(2026, 2, 1)


@pytest.mark.parametrize(
    ("filters", "description"),
    [
        (Filters(), "all users, all days"),
        (Filters(gender="Female"), "Female"),
        (Filters(age_group="<18"), "under 18"),
        (Filters(age_group="18-40", gender="Other"), "Other, aged 18 to 40"),
        (Filters(start="2026-01-01"), "from 1 Jan 2026"),
        (Filters(end="2026-12-31", age_group=">40"), "over 40, until 31 Dec 2026"),
        (Filters("2026-01-01", "2026-01-31"), "1 Jan 2026 to 31 Jan 2026"),
        (Filters("0900-05-02", "0900-05-02"), "on 2 May 900"),
    ],
)
def test_filters_describe_themselves(filters, description):
    assert filters.describe() == description


def test_the_filtered_dimensions_are_attributes_too():
    assert (Filters().age_group, Filters().gender) == (None, None)
    chosen = Filters(age_group="<18", gender="Other")
    assert (chosen.age_group, chosen.gender) == (AgeGroup.UNDER_18, Gender.OTHER)
    assert chosen.values == (("age_group", "<18"), ("gender", "Other"))


def test_filters_can_be_replaced_copied_and_written_back():
    chosen = Filters(start="2026-03-01", age_group="<18", gender="Other")
    later = dataclasses.replace(chosen, start="2026-04-01")
    assert later == Filters(start="2026-04-01", age_group="<18", gender="Other")
    assert dataclasses.replace(chosen, gender="Male").gender is Gender.MALE
    assert copy.copy(chosen) == pickle.loads(pickle.dumps(chosen)) == chosen  # noqa: S301
    assert Filters(values=chosen.values).values == chosen.values
    assert hash(Filters(gender="Other")) == hash(Filters(gender=Gender.OTHER))


def test_the_old_name_of_describe():
    with pytest.warns(DeprecationWarning, match=r"in_words\(\) is deprecated: use Filters\.describe"):
        assert Filters(gender="Male").in_words() == "Male"
