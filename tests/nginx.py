"""Debian's nginx, in front of servers of the tests, with the configurations of docs/deploy.md."""

import os
import re
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from web_server import PATIENCE

PAGE = Path(__file__).parents[1] / "docs" / "deploy.md"
NGINX = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")  # noqa: TID251
SKIP = pytest.mark.skipif(NGINX is None, reason="nginx is not installed (apt-get install nginx-light)")

FRAME = """{user} daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{}}
http {{
    access_log off; default_type application/octet-stream;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
{site}
}}
"""


def documented():
    """The blocks of nginx's configuration in the document, in its order."""
    return re.findall(r"```nginx\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def adapted(configuration, changes):
    """The configuration with each of these texts, which stand in it once, replaced."""
    for written, tried in changes.items():
        assert configuration.count(written) == 1, written
        configuration = configuration.replace(written, tried)
    return configuration


@contextmanager
def proxy(folder, site, port):
    """nginx with this configuration, listening on `port`."""
    user = "" if os.geteuid() else "user root;"  # or nginx could not enter the folder
    configuration = folder / "nginx.conf"
    configuration.write_text(FRAME.format(folder=folder, site=site, user=user))
    process = subprocess.Popen([NGINX, "-e", f"{folder}/error.log", "-c", str(configuration)])
    try:
        wait_for(port, process)
        yield process
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def wait_for(port, process):
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            time.sleep(0.02)  # nginx tells nobody when it listens
        else:
            return
    pytest.fail("nginx did not start")
