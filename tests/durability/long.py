"""The long form of the durability tests: more rounds, more events, more cuts.

    python tests/durability/long.py [kills] [storm] [power] [reloads]
        [--rounds 300] [--events 100000] [--cuts 1000] [--reloads 100] [--stops 20]

Stops at the first fault, with exit code 1. The same seed makes the same choices again.
"""

import argparse
import shutil
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.durability import seamless
from support.durability.kills import kill_rounds
from support.durability.power import compiled, power_cuts
from support.durability.storm import retry_storm

EVENTS_A_RECORDING = 3_000
CUTS_A_RECORDING = 100


def kills(folder, asked, log):
    return kill_rounds(folder, asked.rounds, asked.seed, log=log)


def storm(folder, asked, log):
    return retry_storm(folder, asked.events, restarts=max(4, asked.events // 5_000), seed=asked.seed, log=log)


def power(folder, asked, log):
    """Record servers, and cut each recording a hundred times."""
    library = compiled(folder)
    for number in range(-(-asked.cuts // CUTS_A_RECORDING)):
        recording = folder / "recording"
        recording.mkdir()
        outcome = power_cuts(
            recording, library, EVENTS_A_RECORDING, CUTS_A_RECORDING, asked.seed + number, log=log
        )
        if outcome.faults:
            break
        shutil.rmtree(recording)
    return outcome


def reloads(folder, asked, log):
    """Reload and stop servers, first with clients that connect directly, then behind nginx."""
    for scenario in (seamless.direct, seamless.through_nginx):
        (folder / scenario.__name__).mkdir()
        outcome = scenario(folder / scenario.__name__, asked.reloads, asked.stops, log)
        if outcome.faults:
            break
    return outcome


SCENARIOS = {"kills": kills, "storm": storm, "power": power, "reloads": reloads}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("scenarios", nargs="*", help="kills, storm, power, reloads; default: all")
    parser.add_argument("--rounds", type=int, default=300, help="kills")
    parser.add_argument("--events", type=int, default=100_000, help="events of the storm")
    parser.add_argument("--cuts", type=int, default=1_000, help="power cuts")
    parser.add_argument("--reloads", type=int, default=100, help="under load, each way to connect")
    parser.add_argument("--stops", type=int, default=20, help="under load, each way to connect")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    for name in asked.scenarios or SCENARIOS:
        began = time.monotonic()
        folder = Path(tempfile.mkdtemp(prefix=f"vigility-{name}-"))
        outcome = SCENARIOS[name](folder, asked, partial(log, began, name))
        print(f"{name}: {outcome}", flush=True)
        if outcome.faults:
            sys.exit(f"{name}: a promise was broken; the files are in {folder}")
        shutil.rmtree(folder)


def log(began, name, news):
    print(f"{name} {time.monotonic() - began:7.1f} s  {news}", flush=True)


if __name__ == "__main__":
    main()
