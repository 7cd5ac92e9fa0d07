"""How soon the chart page can be used at 1,000,000 events: from the navigation to charts that are drawn.

    python benchmarks/page_ready.py [FILE.json]

In headless Chromium on the same machine, signed in, with nothing kept from an earlier load; beside a page
of the same server that asks for nothing (`/docs`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable

from playwright.sync_api import Browser, sync_playwright

from http_load import CORES, serving
from measuring import compared, in_turn, json_file_argument, show
from vigility.core.demo import PASSWORD

EVENTS = 1_000_000
ROUNDS = 9
CHARTS_DRAWN = "#bars .bar"
TEXT_SHOWN = "h1"


def main() -> None:
    """Seed, serve, and open the page again and again."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        url = f"sqlite:///{folder}/page.db"
        program = [sys.executable, "-m", "vigility", "--database", url]
        subprocess.run([*program, "seed", "--random-seed", "1", "--events", str(EVENTS)], check=True)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), chromium_sandbox=os.geteuid() != 0
        )
        serve = [*program, "serve", "--port", "{port}", "--workers", str(CORES)]
        with serving(serve, {"VIGILITY_RATE_LIMIT": "off"}, "/health") as running:
            actions = {
                "/docs, shown": opening(browser, f"{running.base}/docs", TEXT_SHOWN),
                "/dashboard, charts drawn": opening(browser, f"{running.base}/dashboard", CHARTS_DRAWN),
            }
            measured = in_turn(actions, ROUNDS)
        browser.close()
    show(
        "The page at 1,000,000 events, median",
        compared(measured, "/docs, shown", "ms"),
        json_file_argument(),
    )


def opening(browser: Browser, url: str, ready: str) -> Callable[[], float]:
    """An action that opens the page in a profile of its own and gives the milliseconds until it is ready."""

    def action() -> float:
        context = browser.new_context()
        login = {"username": "user1", "password": PASSWORD}
        context.request.post(url.rpartition("/")[0] + "/login", data=login)
        page = context.new_page()
        page.goto(url, wait_until="commit")
        page.wait_for_selector(ready)
        taken = page.evaluate("performance.now()")
        context.close()
        return float(taken)

    return action


if __name__ == "__main__":
    main()
