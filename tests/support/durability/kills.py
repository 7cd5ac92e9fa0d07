"""kill -9 at random moments under load."""

import time
from dataclasses import dataclass, field
from random import Random

from support.durability.checking import all_faults
from support.durability.load import Load
from support.durability.serving import Site


@dataclass
class Outcome:
    seed: int
    rounds: int = 0
    acknowledged: int = 0
    unknown: int = 0
    faults: list[str] = field(default_factory=list)


def kill_rounds(folder, rounds, seed, command=None, log=lambda _: None):
    """Kill processes under load, so many times, and check after each. Stops at the first fault."""
    random = Random(seed)
    outcome = Outcome(seed)
    with Site(folder, command=command) as site, Load(site, seed) as load:
        while outcome.rounds < rounds and not outcome.faults:
            kind = random.choices(("worker", "all", "master"), (7, 2, 1))[0]
            load.wait_for_responses(random.randint(10, 150))
            time.sleep(random.random() * 0.02)  # the kill should come at a random moment
            kill(site, kind, random)
            load.wait_for_responses(50)
            with load.paused():
                ledger = load.ledger
                faults = all_faults(site.database, ledger)
            outcome.faults += [f"round {outcome.rounds}, {kind}: {fault}" for fault in faults]
            outcome.rounds += 1
            outcome.acknowledged, outcome.unknown = ledger.acknowledged, ledger.unknown
            log(f"round {outcome.rounds}, {kind}: {outcome.acknowledged} acknowledged")
    return outcome


def kill(site, kind, random):
    if kind == "worker":
        site.kill_a_worker(random)
        return
    site.kill_all() if kind == "all" else site.kill_the_master()
    site.start()
