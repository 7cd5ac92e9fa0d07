"""How soon the dashboard can be used at 1,000,000 events, from the start of the navigation.

    python benchmarks/dashboard_ready.py [FILE.json]

Three moments, as the page's own clock (`performance.now()`) has them:

- interactive: filters and buttons are in the document, and the script that listens to them has run;
- shown: the frame that holds them has been handed to the compositor;
- charts drawn: the same of the frame that holds the bars.

In headless Chromium on the same machine, signed in, each load in a profile and a process of its own that
keep nothing from an earlier one; beside a page of the same server that runs no script (`/docs`, shown).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile

from playwright.sync_api import Browser, sync_playwright

from http_load import CORES, serving
from measuring import compared, json_file_argument, show
from vigility.core.demo import PASSWORD

EVENTS = 1_000_000
ROUNDS = 15
MOMENTS = ("interactive", "shown", "charts drawn")
CONTROLS = "#refresh"
BARS = "#bars .bar"

# Watches the document from its start on. An observer runs when the script that changed it has run to its
# end; what is posted in a frame arrives when the work on that frame is done.
WATCH = """(() => {
    const seen = {};
    let done;
    window.seenAll = new Promise((resolve) => (done = resolve));
    const afterFrame = (action) => requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = action;
        channel.port2.postMessage(null);
    });
    const note = (moment) => (seen[moment] ??= performance.now());
    new MutationObserver(() => {
        if (!seen.interactive && document.querySelector(CONTROLS)) {
            note("interactive");
            afterFrame(() => note("shown"));
        }
        if (!seen.bars && document.querySelector(BARS)) {
            seen.bars = true;
            afterFrame(() => (note("charts drawn"), done(seen)));
        }
    }).observe(document, { childList: true, subtree: true });
})()"""


def main() -> None:
    """Seed, serve, and open the dashboard again and again."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        url = f"sqlite:///{folder}/page.db"
        program = [sys.executable, "-m", "vigility", "--database", url]
        subprocess.run([*program, "seed", "--random-seed", "1", "--events", str(EVENTS)], check=True)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), chromium_sandbox=os.geteuid() != 0
        )
        serve = [*program, "serve", "--port", "{port}", "--workers", str(CORES)]
        with serving(serve, {"VIGILITY_RATE_LIMIT": "off"}, "/health") as running:
            measured = rounds(browser, running.base)
        browser.close()
    show(
        "The page at 1,000,000 events, median",
        compared(measured, "/docs, shown", "ms"),
        json_file_argument(),
    )


def rounds(browser: Browser, base: str) -> dict[str, list[float]]:
    """The moments of each load in ms, by name; the two pages in turn."""
    measured: dict[str, list[float]] = {"/docs, shown": []}
    measured |= {f"/dashboard, {moment}": [] for moment in MOMENTS}
    for number in range(ROUNDS + 1):
        docs, dashboard = opened(browser, base, "/docs"), opened(browser, base, "/dashboard")
        if number:  # the first load of a browser pays for what the browser itself does late
            measured["/docs, shown"].append(docs["shown"])
            for moment in MOMENTS:
                measured[f"/dashboard, {moment}"].append(dashboard[moment])
    return measured


def opened(browser: Browser, base: str, path: str) -> dict[str, float]:
    """Open a page, signed in, in a profile of its own. Gives the moments in ms."""
    context = browser.new_context()
    context.request.post(f"{base}/login", data={"username": "user1", "password": PASSWORD})
    page = context.new_page()
    if path == "/docs":
        selectors = {"CONTROLS": "section", "BARS": "main > :last-child"}
    else:
        selectors = {"CONTROLS": CONTROLS, "BARS": BARS}
    page.add_init_script(named(WATCH, selectors))
    page.goto(base + path, wait_until="commit")
    moments: dict[str, float] = page.evaluate("window.seenAll")
    context.close()
    return moments


def named(script: str, selectors: dict[str, str]) -> str:
    """The script with its selectors."""
    for name, selector in selectors.items():
        script = script.replace(name, json.dumps(selector))
    return script


if __name__ == "__main__":
    main()
