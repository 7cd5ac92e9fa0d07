"""Power cuts at any moment: acknowledged events are on the disk."""

import shutil

import pytest

from support.durability.power import compiled, power_cuts
from support.durability.serving import control

pytestmark = [pytest.mark.server, pytest.mark.slow]  # records a server under load

SEED = 40


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler (Debian: apt-get install build-essential)")
    return compiled(tmp_path_factory.mktemp("library"))


def test_acknowledged_events_survive_power_cuts(library, tmp_path):
    outcome = power_cuts(tmp_path, library, events=2_000, cuts=100, seed=SEED)
    assert not outcome.faults, outcome
    assert (outcome.cuts, outcome.acknowledged) == (100, 2_000)


@pytest.mark.parametrize("variant", ["never_syncs", "syncs_at_checkpoints"])
def test_control_a_server_that_syncs_too_little_is_detected(library, tmp_path, variant):
    outcome = power_cuts(tmp_path, library, events=300, cuts=20, seed=SEED, command=control(variant))
    assert any("acknowledged events are lost" in fault for fault in outcome.faults), outcome
