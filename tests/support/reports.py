"""What a report says, as plain values to compare."""


def totals(report):
    """The count of each feature."""
    return {total.label: total.value for total in report.totals}


def daily(report):
    """(day, count) of the feature that the report is about; empty where it was never tracked."""
    (series,) = report.series
    return [(point.start, point.value) for point in series.points]
