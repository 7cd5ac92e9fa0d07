import csv
import io
import json
import xml.etree.ElementTree as ET

import pytest

from vigility import Filters
from vigility.web.api.report_json import to_dict

START, END = "2026-01-01", "2026-01-03"


@pytest.fixture
def used(with_users):
    """ada (36, Female) used four features, bob (16, Male) one of them, on three days of 2026."""
    with with_users.open() as opened:
        for user, feature, day, times in [
            ("ada", "date_filter", "2026-01-01", 3),
            ("ada", "date_filter", "2026-01-03", 1),
            ("bob", "date_filter", "2026-01-03", 2),
            ("ada", "export_data", "2026-01-02", 2),
            ("ada", "=1+1", "2026-01-02", 1),
            ("ada", "zoom", "2026-01-02", 1),
        ]:
            for _ in range(times):
                opened.track(user, feature, f"{day}T12:00:00Z")
    return with_users


def lines(text):
    return [line.rstrip() for line in text.splitlines()]


def test_features_are_shown_with_counts_shares_and_bars(used):
    shown = lines(used.done("report"))
    assert shown[0] == "Events per feature: all users, all days"
    rows = [line.split(maxsplit=4) for line in shown[4:8]]
    assert [row[:4] for row in rows] == [
        ["date_filter", "6", "60.0", "%"],
        ["export_data", "2", "20.0", "%"],
        ["=1+1", "1", "10.0", "%"],
        ["zoom", "1", "10.0", "%"],
    ]
    bars = [len(row[4]) for row in rows]
    assert bars[0] > bars[1] > bars[2] == bars[3] > 0
    assert shown[-1] == "10 events of 4 features"


def test_a_feature_is_shown_by_day(used):
    shown = lines(used.done("report", "--feature", "date_filter", "--start", START, "--end", END))
    assert "date_filter per day, 2026-01-01 to 2026-01-03" in shown
    days = [line.split()[:2] for line in shown if line.startswith("2026-")]
    assert days == [["2026-01-01", "3"], ["2026-01-02", "0"], ["2026-01-03", "3"]]
    assert shown[-1] == "6 events in 3 days, most on 2026-01-01: 3"


def test_filters_are_described_and_applied(used):
    shown = used.done("report", "--gender", "Male", "--age-group", "<18", "--start", START)
    assert shown.startswith("Events per feature: Male, under 18, from 1 Jan 2026\n")
    assert "2 events of 1 feature" in shown


def test_all_and_empty_values_filter_nothing(used):
    everything = used.done("report")
    assert (
        used.done("report", "--gender", "All", "--age-group", "", "--start", "", "--feature", "")
        == everything
    )


def test_json_is_the_response_of_the_api_and_nothing_else(used):
    arguments = ["--start", START, "--end", END, "--gender", "Female", "--age-group", "18-40"]
    text = used.done("report", "--json", "--feature", "date_filter", *arguments)
    with used.open() as opened:
        expected = to_dict(opened.report(Filters(START, END, "18-40", "Female"), "date_filter"))
    assert json.loads(text) == expected
    assert text.count("\n") == 1


def test_csv_has_the_features_or_the_days_and_no_formulas(used):
    rows = list(csv.reader(io.StringIO(used.done("report", "--csv"))))
    assert rows == [
        ["feature", "count"],
        ["date_filter", "6"],
        ["export_data", "2"],
        ["'=1+1", "1"],
        ["zoom", "1"],
    ]
    text = used.done("report", "--csv", "--feature", "date_filter", "--start", START, "--end", END)
    assert text == '"date","count"\n"2026-01-01",3\n"2026-01-02",0\n"2026-01-03",3\n'


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "＝", "＋", "－", "＠"])  # noqa: RUF001
def test_formulas_are_escaped(with_users, event, start):
    with_users.done("track", "--file", "-", stdin=event(feature=f'{start}cmd|"x";y'))
    rows = list(csv.reader(io.StringIO(with_users.done("report", "--csv"))))
    assert rows[1] == [f'\'{start}cmd|"x";y', "1"]


def test_charts_are_written_and_reported_on_stderr(used, tmp_path):
    outcome = used("report", "--json", "--feature", "date_filter", "--png", "a.png", "--svg", "b.svg")
    assert outcome.code == 0
    assert json.loads(outcome.out)["barChartData"]
    assert outcome.err == "Charts written to a.png\nCharts written to b.svg\n"
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert ET.parse(tmp_path / "b.svg").getroot().tag.endswith("svg")  # noqa: S314 - our own


def test_with_a_chart_the_report_is_shown_too(used):
    outcome = used("report", "--png", "a.png")
    assert outcome.out == used.done("report")


def test_a_chart_that_cannot_be_written_is_one_line(used):
    outcome = used("report", "--json", "--png", "missing/a.png")
    assert (outcome.code, outcome.err) == (1, "vigility: missing/a.png: No such file or directory\n")


@pytest.mark.parametrize(
    ("arguments", "tracked"),
    [
        ([], {}),
        (["--start", START], {"date_filter": 1}),
        (["--start", START, "--end", END], {"date_filter": 1}),
        (["--age-group", "18-40", "--gender", "Female"], {"age_filter": 1, "gender_filter": 1}),
        (["--gender", "All"], {}),
        (["--json"], {"export_data": 1}),
        (["--csv", "--svg", "a.svg"], {"export_data": 1}),
        (["--png", "a.png", "--end", "2026-01-01"], {"date_filter": 1, "export_data": 1}),
    ],
)
def test_its_own_use_is_tracked(with_users, arguments, tracked):
    assert with_users("report", *arguments, "--as", "ada").code == 0
    assert with_users.counts() == tracked


def test_its_own_use_is_in_the_report(with_users):
    printed = json.loads(with_users.done("report", "--json", "--gender", "Female", "--as", "ada"))
    assert [bar["feature"] for bar in printed["barChartData"]] == ["export_data", "gender_filter"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--as", "eve", "--json", "--gender", "Male"], 1, "no user is named 'eve'"),
        (["--as", "", "--json"], 2, "--as is required"),
        (["--as", "ada", "--json", "--gender", "x"], 2, "--gender must be one of"),
        (["--as", "ada", "--json", "--feature", " "], 2, "--feature must not be blank"),
    ],
)
def test_a_failed_report_tracks_nothing(with_users, arguments, code, message):
    outcome = with_users("report", *arguments)
    assert outcome.code == code
    assert message in outcome.err
    assert with_users.counts() == {}


def test_an_empty_database_explains_what_to_do(program):
    shown = program.done("report")
    assert f"{program.database} has no events yet.\n" in shown
    assert f"To try a demo: vigility --database {program.database} seed\n" in shown
    assert program.done("report", "--csv") == '"feature","count"\n'
    assert program.done("report", "--json") == '{"barChartData": [], "lineChartData": []}\n'


def test_filters_without_events_are_explained(used):
    shown = used.done("report", "--gender", "Other", "--start", "2026-02-01")
    assert shown.startswith("No events under these filters: Other, from 1 Feb 2026.\nTo see all: vigility ")


def test_a_feature_without_days_is_explained(used):
    assert "nope has no days to show" in used.done("report", "--feature", "nope")
    assert "zoom has no events under these filters." in used.done(
        "report", "--feature", "zoom", "--gender", "Male"
    )


def test_an_end_before_the_start_is_an_empty_report(used):
    shown = used.done("report", "--start", "2026-01-03", "--end", "2026-01-01")
    assert shown.startswith("No events under these filters: 3 Jan 2026 to 1 Jan 2026.")


@pytest.mark.parametrize("option", ["--png", "--svg"])
@pytest.mark.parametrize("end", ["", "-wal", "-lock"])
def test_charts_never_overwrite_the_database(with_users, option, end, monkeypatch):
    monkeypatch.chdir(with_users.database.parent)
    with with_users.open() as opened:
        opened.track("ada", "x")
        outcome = with_users("report", option, f"./usage.db{end}")
    assert outcome.code == 2
    assert outcome.err == f"vigility: usage.db{end} belongs to the database: write to another file\n"
    assert with_users.counts() == {"x": 1}


def test_two_charts_need_two_files(with_users):
    outcome = with_users("report", "--png", "chart", "--svg", "./chart")
    assert (outcome.code, outcome.err) == (2, "vigility: --png and --svg must be different files\n")
