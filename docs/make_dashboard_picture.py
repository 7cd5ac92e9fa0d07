"""Take the picture of the dashboard again: `python docs/make_dashboard_picture.py`.

It shows the dashboard in Chromium, served by the program itself over a larger demo population. The events
lie in the last 90 days, so the dates in the picture depend on the day it is taken.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

PICTURE = Path(__file__).parent / "images" / "dashboard.png"
PERSON = {"username": "Ada", "password": "only for a picture", "age": 36, "gender": "Female"}
POPULATION = ["--random-seed", "1", "--users", "500", "--events", "20000"]
START_SECONDS = 20


def main() -> None:
    """Seed a temporary database, serve it and photograph the dashboard."""
    PICTURE.parent.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        database = f"sqlite:///{folder}/demo.db"
        command = [sys.executable, "-m", "vigility", "--database", database]
        subprocess.run([*command, "seed", *POPULATION], check=True)
        with serving(command) as url:
            photograph(url, PICTURE)


@contextmanager
def serving(command: list[str]) -> Iterator[str]:
    """Run a server inside the block; yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([*command, "serve", "--port", str(port), "--workers", "1"])
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{url}/health")
        yield url
    finally:
        process.terminate()
        process.wait()


def wait_for(address: str) -> None:
    """Wait for a response from this address. Raises TimeoutError if there is none."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(address).close()  # noqa: S310 - an address of this program
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"no response from {address}")


def photograph(url: str, picture: Path) -> None:
    """Use the dashboard as a person would, and save a picture of it."""
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        sandbox = os.geteuid() != 0  # Chromium's own does not run as root
        browser = playwright.chromium.launch(executable_path=chromium, chromium_sandbox=sandbox)
        page = browser.new_page(viewport={"width": 1200, "height": 700}, device_scale_factor=2, base_url=url)
        page.request.post("/register", data=PERSON)
        page.goto("/")
        page.get_by_label("Age Group", exact=True).select_option("18 - 40")
        page.wait_for_selector(".chips li")
        page.locator('.bar[aria-label^="date_filter:"]').click()
        page.wait_for_selector("#line .trend")
        page.locator("#line svg").hover()
        page.wait_for_selector('#charts[aria-busy="false"]')
        page.screenshot(path=picture, full_page=True)
        browser.close()


if __name__ == "__main__":
    main()
