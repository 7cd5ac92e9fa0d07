"""Schemathesis with /openapi.json: every phase, including the stateful one, against a real gunicorn."""

import os
import subprocess

import pytest

from support.web_server import BIN, running

pytestmark = [pytest.mark.server, pytest.mark.slow]  # sends thousands of requests

LONG = os.environ.get("VIGILITY_TEST_PROFILE") == "long"  # noqa: TID251
EXAMPLES = "500" if LONG else "12"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("schemathesis"), VIGILITY_RATE_LIMIT="off") as server:
        yield server


@pytest.mark.parametrize("who", ["a user", "nobody"])
def test_every_response_is_documented(server, who, tmp_path):
    command = [BIN / "schemathesis", "--no-color", "run", f"http://127.0.0.1:{server.port}/openapi.json"]
    command += ["--phases", "examples,coverage,fuzzing,stateful", "--max-examples", EXAMPLES, "--seed", "1"]
    # Well-formed requests can be 400 too, for a taken name or a wrong password.
    command += ["--exclude-checks", "positive_data_acceptance", "--continue-on-failure"]
    bearer = server.register() if who == "a user" else {"Authorization": "Bearer nobody"}
    command += ["-H", f"Authorization: {bearer['Authorization']}"]
    if who == "a user":
        command += ["--exclude-path", "/logout"]  # it would revoke the token of all other requests
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    for phase in ("Examples", "Coverage", "Fuzzing", "Stateful"):
        assert f"✅  {phase} (in " in done.stdout, done.stdout
    assert "Traceback" not in server.output
