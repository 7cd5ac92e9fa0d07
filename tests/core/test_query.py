import pytest

import vigility
from vigility import Filters, InvalidInput, Query


@pytest.fixture
def v():
    with vigility.connect("memory:") as v:
        v.users.add_without_password("ada", 36, "Female")
        v.track("ada", "a")
        v.track("ada", "b")
        yield v


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"metrics": ("users",)}, "metrics must be 'events' and nothing else, not ('users',)"),
        ({"metrics": ()}, "metrics must be 'events' and nothing else, not ()"),
        (
            {"metrics": ("events", "users")},
            "metrics must be 'events' and nothing else, not ('events', 'users')",
        ),
        ({"group_by": ("gender",)}, "group_by must be 'feature' and nothing else, not ('gender',)"),
        ({"interval": "week"}, "interval must be 'day' and nothing else, not 'week'"),
        ({"time_zone": "Europe/Berlin"}, "time_zone must be 'UTC' and nothing else, not 'Europe/Berlin'"),
    ],
)
def test_what_nothing_can_answer_yet_is_refused(v, asked, message):
    with pytest.raises(InvalidInput) as refused:
        v.report(query=Query(**asked))
    assert str(refused.value) == message


def test_a_query_says_what_filters_and_feature_say(v):
    filters = Filters(gender="Female")
    as_query = v.report(query=Query(filters=filters, series_of=("a",)))
    assert as_query.query == v.report(filters, "a").query
    assert as_query.totals == v.report(filters, "a").totals


def test_several_series_come_in_the_order_that_was_asked_for(v):
    report = v.report(query=Query(series_of=["b", "nothing", "a", "b"]))
    assert [(series.label, sum(point.value for point in series.points)) for series in report.series] == [
        ("b", 1),
        ("nothing", 0),
        ("a", 1),
    ]
    assert report.series[1].points == ()


def test_one_text_is_one_name():
    assert Query(series_of="date_filter").series_of == ("date_filter",)
    assert Query(metrics="events", group_by="feature") == Query()


def test_a_query_and_filters_exclude_each_other(v):
    for more in ({"filters": Filters()}, {"feature": "a"}):
        with pytest.raises(InvalidInput, match="query must not be combined with filters or feature"):
            v.report(query=Query(), **more)


def test_a_series_needs_the_name_of_a_feature():
    with pytest.raises(InvalidInput, match="feature_name must not be blank"):
        Query(series_of=(" ",))


def test_a_filter_by_no_dimension_names_those_there_are():
    with pytest.raises(InvalidInput, match="plan is not a filter; the filters are start, end, age_group, ge"):
        Filters(plan="pro")


@pytest.mark.parametrize("limit", [0, -1, True, 1.5, "5"])
def test_a_limit_is_a_whole_number_from_1(limit):
    with pytest.raises(InvalidInput, match="limit must be a whole number from 1"):
        Query(limit=limit)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"filters": None}, "filters"),
        ({"filters": "Female"}, "filters"),
        ({"interval": None}, "interval"),
        ({"time_zone": 5}, "time_zone"),
        ({"metrics": None}, "metrics"),
        ({"group_by": 5}, "group_by"),
        ({"series_of": b"a"}, "series_of"),
        ({"series_of": {"a": 1}}, "series_of"),
        ({"series_of": [5]}, "feature_name"),
    ],
)
def test_a_value_of_the_wrong_type_is_named(asked, field):
    with pytest.raises(InvalidInput, match=f"^{field} must be") as refused:
        Query(**asked)
    assert refused.value.field == field


def test_what_is_no_query_or_filter_is_named(v):
    with pytest.raises(InvalidInput, match=r"query must be Query\(…\), not Filters"):
        v.report(query=Filters())
    with pytest.raises(InvalidInput, match=r"filters must be Filters\(…\), not Query\(.*: pass it as query="):
        v.report(Query())


def test_two_reports_of_the_same_are_equal(v):
    assert v.report() == v.report()
    assert len({v.report(), v.report()}) == 1
