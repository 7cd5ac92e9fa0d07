from datetime import UTC, datetime

import vigility
from vigility.web.api.report_json import to_dict

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def test_a_report_has_the_two_lists_of_the_contract():
    with vigility.connect("memory:", clock=lambda: NOW) as v:
        v.users.add_without_password("ada", 36, "Female")
        v.track("ada", "a")
        assert to_dict(v.report(feature="a")) == {
            "barChartData": [{"feature": "a", "count": 1}],
            "lineChartData": [{"date": "2026-03-10", "count": 1}],
        }
        assert to_dict(v.report())["lineChartData"] == []
