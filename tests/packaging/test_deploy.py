"""Runs the files in `deploy/`, as far as possible without Docker, a booted systemd or a platform."""

import ctypes
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from support import postgres
from support.web_server import BIN, TIMEOUT, Server, free_port, running

pytestmark = [pytest.mark.server, pytest.mark.slow]  # builds the image with pip

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "vigility.service"
PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 65, 1

needs_systemd_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None,
    reason="systemd-analyze is not installed (apt-get install systemd)",
)


class Image:
    """Runs the instructions of the Dockerfile one by one, in a folder that stands for `/`."""

    def __init__(self, root):
        self.root = root
        self.environment = {}
        (root / "bin").mkdir()
        (root / "bin" / "python").symlink_to(sys.executable)  # the base image's
        self._folder = root
        text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE).replace(
            "\\\n", " "
        )
        for line in filter(None, map(str.strip, text.splitlines())):
            instruction, _, rest = line.partition(" ")
            getattr(self, f"_{instruction.lower()}")(rest)

    def placed(self, text):
        """The text with the absolute paths of the image moved into the folder."""
        return re.sub(r"(?<![\w.])/(?=(opt|source|var/lib)\b)", f"{self.root}/", text)

    def _from(self, rest):
        self.base = rest.split()[0]
        self.user = "root"

    def _workdir(self, rest):
        self._folder = Path(self.placed(rest))
        self._folder.mkdir(parents=True, exist_ok=True)

    def _copy(self, rest):
        *sources, target = rest.split()
        if sources[0].startswith("--from="):  # it is there already, built in the same folder
            assert sources[1:] == [target]
            return
        for name in sources:
            assert f"!{name}" in (ROOT / ".dockerignore").read_text().splitlines(), name
            destination = self._folder / self.placed(target)
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, destination, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, destination)

    def _run(self, rest):
        command = self.placed(rest)
        if os.geteuid():
            command = re.sub(r" -[og] \d+", "", command)  # only root may change owners
        path = f"{self.root}/bin:/usr/bin:/bin"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}  # noqa: TID251
        environment = inherited | {"PATH": path}
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=self._folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def _user(self, rest):
        self.user = rest

    def _env(self, rest):
        self.environment |= {
            n: self.placed(v) for n, _, v in (part.partition("=") for part in shlex.split(rest))
        }

    def _healthcheck(self, rest):
        self.check = json.loads(self.placed(rest[rest.index("CMD ") + 4 :]))

    def _cmd(self, rest):
        self.command = json.loads(self.placed(rest))
        self.folder = self._folder

    def _volume(self, rest):
        self.volume = Path(self.placed(rest))

    def _expose(self, rest):
        self.port = rest


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    return Image(tmp_path_factory.mktemp("image"))


def test_the_image_serves_and_knows_whether_it_is_healthy(image):
    changed = {"PORT": str(free_port()), "VIGILITY_WORKERS": "1"}
    environment = image.environment | changed
    program = shutil.which(image.command[0], path=image.environment["PATH"])
    assert Path(program).is_relative_to(image.root)

    def check():
        interpreter = shutil.which(image.check[0], path=image.environment["PATH"])
        command = [interpreter, *image.check[1:]]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    with running(image.folder, command=[program, *image.command[1:]], **environment, workers=1) as server:
        server.register()
        assert (check().returncode, check().stderr) == (0, "")
    assert (image.volume / "usage.db").exists()
    refused = check()
    assert refused.returncode == 1
    assert refused.stderr.startswith("vigility is not healthy: ")
    assert refused.stderr.count("\n") == 1


def test_the_image_has_the_driver_of_postgresql_and_runs_as_an_unprivileged_user(image):
    program = Path(image.root, "opt/vigility/bin/python")
    subprocess.run([program, "-c", "import psycopg"], check=True)
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", image.user)
    assert (image.environment["PORT"], image.base) == (image.port, "python:3.13-slim-bookworm")
    assert image.folder == image.volume
    assert image.volume.stat().st_mode & 0o777 == 0o700


def setting(name):
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(), flags=re.MULTILINE)


@pytest.fixture
def unit(tmp_path):
    """The unit, for the program of this environment."""
    copy = tmp_path / "vigility.service"
    copy.write_text(UNIT.read_text().replace("/opt/vigility/bin/vigility", str(BIN / "vigility")))
    return copy


@needs_systemd_analyze
def test_systemd_accepts_the_unit(unit):
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd_analyze
def test_the_unit_has_little_exposure(unit):
    """At most 1.5 of 10. A service without any of these settings has 9.6."""
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", unit]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def notified():
    """A notification socket like that of systemd, and its address."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listener,
    ):
        listener.bind(f"{folder}/notify")
        listener.settimeout(TIMEOUT)
        yield listener, f"{folder}/notify"


def forbid_new_executable_memory():
    """Do in the kernel what MemoryDenyWriteExecute=yes does."""
    ctypes.CDLL(None).prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0)


def test_the_unit_starts_notifies_reloads_and_stops(tmp_path):
    (start,) = setting("ExecStart")
    (reload,) = setting("ExecReload")
    command = [start.replace("/opt/vigility/bin", str(BIN)).split()[0], *start.split()[1:]]
    with notified() as (listener, address):
        server = Server(tmp_path, command=command, NOTIFY_SOCKET=address, workers=1)
        server.start(preexec_fn=forbid_new_executable_memory)
        try:
            assert b"READY=1" in listener.recv(4096)
            server.register(username="before")
            (old,) = server.worker_ids
            command = reload.replace("$MAINPID", str(server.process.pid))
            subprocess.run(shlex.split(command), check=True)
            server.wait_for_line(f"Worker exiting (pid: {old})")
            server.wait_for_line("Application startup complete", 2)
            server.register(username="after")
        finally:
            code = server.stop(signal.SIGTERM)
    assert code == 0
    longest = int(setting("TimeoutStopSec")[0])
    assert longest > 30, "the default of VIGILITY_GRACE_SECONDS"


@pytest.mark.postgres
def test_the_procfile_releases_and_serves_with_the_variables_of_a_platform(tmp_path):
    lines = (DEPLOY / "platform" / "Procfile").read_text().splitlines()
    processes = dict(line.split(": ", 1) for line in lines)
    with ExitStack() as stack:
        url = postgres.bare_database()
        stack.callback(postgres.drop, url)
        environment = {
            "PATH": f"{BIN}:/usr/bin:/bin",
            "DATABASE_URL": url.replace("postgresql://", "postgres://"),
            "JWT_SECRET": "x" * 32,
            "PORT": str(free_port()),
        }
        subprocess.run(["sh", "-c", processes["release"]], env=environment, cwd=tmp_path, check=True)
        command = ["sh", "-c", f"exec {processes['web']}"]
        server = stack.enter_context(running(tmp_path, command=command, workers=1, **environment))
        assert str(server.port) == environment["PORT"]
        server.register()
