"""Which tests run one after the other in one process, where `make test` distributes them to several."""

from xdist.scheduler import LoadScopeScheduling

SERVERS = "tests/durability"
"""These start servers, load them and take their time: two at once would share two processors."""


class Distribution(LoadScopeScheduling):
    """A module's tests share its server or database. Those of `SERVERS` go together, and first: they take
    longest."""

    def _split_scope(self, nodeid):
        module = nodeid.partition("::")[0]
        return SERVERS if module.startswith(f"{SERVERS}/") else module

    def _assign_work_unit(self, node):
        if SERVERS in self.workqueue:
            self.workqueue.move_to_end(SERVERS, last=False)
        super()._assign_work_unit(node)
