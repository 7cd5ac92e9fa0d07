"""The panel "Feature Usage"."""

from dataclasses import replace

import pytest

from vigility.charts import theme
from vigility.core.reports.ports import Rest

SEVEN = {"date_filter": 1289, "gender_filter": 998, "age_filter": 870, "bar_chart_zoom": 655}
MANY = {f"feature_{i:03}": 9000 - i for i in range(128)}


def widths(picture):
    return {name: round(bar.get_width()) for name, bar in picture.bars.items()}


def colors(picture):
    from matplotlib.colors import to_hex

    return {name: to_hex(bar.get_facecolor()).upper() for name, bar in picture.bars.items()}


def weights(picture):
    return {label.get_text(): label.get_fontweight() for label in picture.usage.get_yticklabels()}


def test_each_feature_has_a_bar_with_its_count_and_the_most_used_is_on_top(drawn, report_of):
    picture = drawn(report_of(SEVEN))
    assert list(widths(picture).items()) == list(SEVEN.items())
    bottom, top = picture.usage.get_ylim()
    assert top < bottom  # the first bar, at 0, is the uppermost
    assert {"1,289", "998", "870", "655"} <= set(picture.texts)


def test_without_a_chosen_feature_all_bars_look_alike(drawn, report_of):
    picture = drawn(report_of(SEVEN))
    assert set(colors(picture).values()) == {theme.ACCENT}
    assert set(weights(picture).values()) == {"normal"}


def test_the_chosen_feature_stands_out_by_colour_and_by_weight(drawn, report_of):
    picture = drawn(report_of(SEVEN, "age_filter", [1, 2]))
    assert [name for name, color in colors(picture).items() if color == theme.ACCENT] == ["age_filter"]
    assert [name for name, weight in weights(picture).items() if weight == "bold"] == ["age_filter"]


def test_sixteen_features_all_have_a_bar(drawn, report_of):
    picture = drawn(report_of(dict(list(MANY.items())[:16])))
    assert len(picture.bars) == 16
    assert not [text for text in picture.texts if "other" in text]


@pytest.mark.parametrize("features", [17, 128])
def test_with_more_features_the_rest_is_summed_and_the_subtitle_explains_it(drawn, report_of, features):
    counts = dict(list(MANY.items())[:features])
    picture = drawn(report_of(counts))
    shown = widths(picture)
    assert list(shown)[:15] == list(counts)[:15]
    assert list(shown)[15:] == [f"other ({features - 15} features)"]
    assert sum(shown.values()) == sum(counts.values())
    assert f"The top 15 of {features} features; the rest is summed as “other”" in picture.texts


def test_a_chosen_feature_of_the_rest_has_its_own_bar(drawn, report_of):
    picture = drawn(report_of(MANY, "feature_100", [1]))
    shown = widths(picture)
    assert list(shown)[14:] == ["feature_100", "other (113 features)"]
    assert shown["feature_100"] == MANY["feature_100"]
    assert sum(shown.values()) == sum(MANY.values())
    assert colors(picture)["feature_100"] == theme.ACCENT
    assert "The top 14, and the chosen one, of 128 features; the rest is summed as “other”" in picture.texts


def test_the_first_of_the_rest_has_its_own_bar_when_chosen(drawn, report_of):
    shown = list(widths(drawn(report_of(MANY, "feature_015", [1]))))
    assert shown[13:] == ["feature_013", "feature_015", "other (113 features)"]


def test_a_feature_named_other_is_a_normal_feature(drawn, report_of):
    shown = drawn(report_of({"other (113 features)": 3, "a": 2}))
    assert set(colors(shown).values()) == {theme.ACCENT}


def test_long_names_are_shortened_in_the_middle_and_stay_distinct(drawn, report_of):
    long = "a_long_name_of_a_family_of_features_" * 2
    names = list(drawn(report_of({long + "first": 3, long + "last": 2, "short": 1})).bars)
    assert names[0].startswith("a_long_name")
    assert "…" in names[0]
    assert names[0].endswith("first")
    assert names[1].endswith("last")
    assert names[2] == "short"


@pytest.mark.parametrize(
    ("filters", "headline", "advice"),
    [
        ({}, "No events yet", "vigility track FEATURE --user NAME"),
        ({"gender": "Other"}, "No events under these filters", "leave out the gender"),
        ({"age_group": "<18"}, "No events under these filters", "leave out the age group"),
        (
            {"gender": "Other", "start": "2026-01-01"},
            "No events under these filters",
            "choose more days or leave out the gender",
        ),
        (
            {"start": "2026-02-01", "end": "2026-01-01"},
            "No events under these filters",
            "The first day is after the last day",
        ),
    ],
)
def test_an_empty_report_explains_itself_and_what_to_do(drawn, report_of, filters, headline, advice):
    picture = drawn(report_of(**filters))
    assert headline in picture.texts
    assert [text for text in picture.texts if advice in text]
    assert picture.figure.axes == []


@pytest.mark.parametrize("shown", [1, 3, 15, 16, 40])
def test_what_the_limit_of_a_report_leaves_out_is_summed_too(drawn, report_of, shown):
    counts = dict(list(MANY.items())[:shown])
    picture = drawn(replace(report_of(counts), rest=Rest(groups=500, value=77)))
    own = min(shown, 15)
    bars = widths(picture)
    assert list(bars) == [*list(counts)[:own], f"other ({500 + shown - own} features)"]
    assert sum(bars.values()) == sum(counts.values()) + 77
    assert f"The top {own} of {500 + shown} features; the rest is summed as “other”" in picture.texts
    assert picture.overlapping() == picture.outside() == []
