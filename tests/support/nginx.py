"""Debian's nginx in front of test servers, with the configurations of docs/deploy.md."""

import os
import re
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.web_server import TIMEOUT

DOCUMENT = Path(__file__).parents[2] / "docs" / "deploy.md"
PROGRAM = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")  # noqa: TID251

required = pytest.mark.skipif(PROGRAM is None, reason="nginx is not installed (apt-get install nginx-light)")

TEMPLATE = """{user} daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{}}
http {{
    access_log off; default_type application/octet-stream;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
{site}
}}
"""


def documented_configurations():
    """The nginx configurations in the document, in order."""
    return re.findall(r"```nginx\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)


def replaced(configuration, replacements):
    """The configuration with these texts replaced. Each must occur exactly once."""
    for old, new in replacements.items():
        assert configuration.count(old) == 1, old
        configuration = configuration.replace(old, new)
    return configuration


@contextmanager
def running(folder, site, port):
    """Run nginx with this configuration, which listens on `port`."""
    user = "" if os.geteuid() else "user root;"  # otherwise nginx could not enter the folder
    configuration = folder / "nginx.conf"
    configuration.write_text(TEMPLATE.format(folder=folder, site=site, user=user))
    process = subprocess.Popen([PROGRAM, "-e", f"{folder}/error.log", "-c", str(configuration)])
    try:
        _wait_for(port, process)
        yield process
    finally:
        process.terminate()
        process.wait(timeout=TIMEOUT)


def _wait_for(port, process):
    deadline = time.monotonic() + TIMEOUT
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            time.sleep(0.02)  # nginx does not report when it listens
        else:
            return
    pytest.fail("nginx did not start")
