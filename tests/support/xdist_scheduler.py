"""Which tests run one after the other in one process when `make test` distributes them."""

from xdist.scheduler import LoadScopeScheduling

DURABILITY = "tests/durability"
"""These start servers and load them for a long time. Two at once would share two processors."""


class ModuleScheduling(LoadScopeScheduling):
    """Keeps the tests of a module together, because they share a server or database.

    All modules of `DURABILITY` form one scope. It is handed out first, because it takes longest.
    """

    def _split_scope(self, nodeid):
        module = nodeid.partition("::")[0]
        return DURABILITY if module.startswith(f"{DURABILITY}/") else module

    def _assign_work_unit(self, node):
        if DURABILITY in self.workqueue:
            self.workqueue.move_to_end(DURABILITY, last=False)
        super()._assign_work_unit(node)
