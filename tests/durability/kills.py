"""kill -9 at random moments under load."""

import time
from dataclasses import dataclass, field
from random import Random

from durability.checking import faults_of
from durability.load import Load
from durability.serving import Site


@dataclass
class Outcome:
    seed: int
    rounds: int = 0
    answered: int = 0
    unknown: int = 0
    faults: list[str] = field(default_factory=list)


def kill_rounds(folder, rounds, seed, command=None, say=lambda _: None):
    """Kill under load, so many times, and judge after each; ends early at the first fault."""
    random = Random(seed)
    outcome = Outcome(seed)
    with Site(folder, command=command) as site, Load(site, seed) as load:
        while outcome.rounds < rounds and not outcome.faults:
            kind = random.choices(("worker", "all", "master"), (7, 2, 1))[0]
            load.wait_for_answers(random.randint(10, 150))
            time.sleep(random.random() * 0.02)  # nothing to wait for: any moment will do
            kill(site, kind, random)
            load.wait_for_answers(50)
            with load.paused():
                ledger = load.ledger
                faults = faults_of(site.database, ledger)
            outcome.faults += [f"round {outcome.rounds}, {kind}: {fault}" for fault in faults]
            outcome.rounds += 1
            outcome.answered, outcome.unknown = ledger.answered, ledger.unknown
            say(f"round {outcome.rounds}, {kind}: {outcome.answered} answered")
    return outcome


def kill(site, kind, random):
    if kind == "worker":
        site.kill_a_worker(random)
        return
    site.kill_all() if kind == "all" else site.kill_the_master()
    site.start()
