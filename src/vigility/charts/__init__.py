"""Charts: renders a report as a PNG or SVG picture.

Read `save.py` first, then `picture.py`, which lays out the two panels (`usage.py`, `trend.py`).
Matplotlib is imported inside functions only: it takes longer to import than most commands run.
"""

from vigility.charts.save import save_charts

__all__ = ["save_charts"]
