"""Schemathesis over /openapi.json: every phase, the stateful one too, against a real gunicorn."""

import os
import subprocess

import pytest

from support.web_server import BIN, running

LONG = os.environ.get("VIGILITY_TEST_PROFILE") == "long"  # noqa: TID251
EXAMPLES = "500" if LONG else "12"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("schemathesis"), VIGILITY_RATE_LIMIT="off") as server:
        yield server


@pytest.mark.parametrize("who", ["a user", "nobody"])
def test_no_answer_is_outside_the_document(server, who, tmp_path):
    command = [BIN / "schemathesis", "--no-color", "run", f"http://127.0.0.1:{server.port}/openapi.json"]
    command += ["--phases", "examples,coverage,fuzzing,stateful", "--max-examples", EXAMPLES, "--seed", "1"]
    # A name that is taken and a wrong password are 400 by the contract, however well they are formed.
    command += ["--exclude-checks", "positive_data_acceptance", "--continue-on-failure"]
    bearer = server.register() if who == "a user" else {"Authorization": "Bearer nobody"}
    command += ["-H", f"Authorization: {bearer['Authorization']}"]
    if who == "a user":
        command += ["--exclude-path", "/logout"]  # which would end the session of all the others
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    for phase in ("Examples", "Coverage", "Fuzzing", "Stateful"):
        assert f"✅  {phase} (in " in done.stdout, done.stdout
    assert "Traceback" not in server.output
