"""A simulated disk that loses power.

It replays the journal of `power_journal.c`. After a power cut it holds all synced data, and random parts of
the rest.
"""

import struct
from collections import defaultdict
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

SECTOR = 512
_HEADER = struct.Struct("=IIQQQ")


class Kind(IntEnum):
    CREATED = 1
    WRITTEN = 2
    RESIZED = 3
    SYNC_BEGUN = 4
    SYNC_DONE = 5
    ENTRIES_SYNCED = 6
    UNLINKED = 7
    LINKED = 8
    RENAMED = 9
    RESPONDED = 10
    MAPPED = 11


class Record(NamedTuple):
    kind: Kind
    thread: int
    inode: int
    offset: int
    content: bytes


def read_journal(path):
    journal = path.read_bytes()
    at = 0
    while at + _HEADER.size <= len(journal):
        kind, thread, inode, offset, length = _HEADER.unpack_from(journal, at)
        at += _HEADER.size
        yield Record(Kind(kind), thread, inode, offset, journal[at : at + length])
        at += length


@dataclass
class File:
    """The durable content, and the writes and changes of size that wait for a sync."""

    durable: bytearray = field(default_factory=bytearray)
    waiting: list[Record] = field(default_factory=list)
    synced: int = 0
    begun: dict[int, int] = field(default_factory=dict)

    def begin_sync(self, thread):
        self.begun[thread] = self.synced + len(self.waiting)

    def end_sync(self, thread):
        """Make everything durable that was written before this sync began."""
        count = max(0, self.begun.pop(thread) - self.synced)
        for record in self.waiting[:count]:
            apply(self.durable, record)
        del self.waiting[:count]
        self.synced += count

    def after_power_cut(self, random, kept):
        """The content, with each waiting sector written with probability `kept`."""
        content = bytearray(self.durable)
        for record in self.waiting:
            for part in sectors(record):
                if random.random() < kept:
                    apply(content, part)
        return bytes(content)


class Disk:
    """One folder: its files by inode, and its entries, which become durable when the folder is synced."""

    def __init__(self):
        self.files = defaultdict(File)
        self.entries = {}
        self.waiting = []

    def play(self, record):
        assert record.kind is not Kind.MAPPED, "a file is mapped into memory, so its writes were not recorded"
        match record.kind:
            case Kind.WRITTEN | Kind.RESIZED:
                self.files[record.inode].waiting.append(record)
            case Kind.SYNC_BEGUN:
                self.files[record.inode].begin_sync(record.thread)
            case Kind.SYNC_DONE:
                self.files[record.inode].end_sync(record.thread)
            case Kind.CREATED | Kind.LINKED | Kind.UNLINKED | Kind.ENTRIES_SYNCED:
                self._change_entries(record)

    def power_cut(self, random):
        """The content of each file after a power cut at this moment."""
        kept = random.choice((0.0, 0.0, random.random(), 1.0))
        how_many = round(len(self.waiting) * random.choice((0, random.random(), 1)))
        entries = self._entries(how_many)
        return {name: self.files[inode].after_power_cut(random, kept) for name, inode in entries.items()}

    def _change_entries(self, record):
        name = record.content.decode()
        now = self._entries(len(self.waiting))
        if record.kind is Kind.ENTRIES_SYNCED:
            self.entries = now
            self.waiting.clear()
        elif record.kind is Kind.UNLINKED:
            self.waiting.append((name, None))
        elif now.get(name) != record.inode:  # otherwise two processes opened a new file at once
            if record.kind is Kind.CREATED:
                self.files[record.inode] = File()
            self.waiting.append((name, record.inode))

    def _entries(self, how_many):
        """The entries after the first `how_many` of the waiting changes have reached the disk."""
        changed = self.entries | dict(self.waiting[:how_many])
        return {name: inode for name, inode in changed.items() if inode is not None}


def sectors(record):
    """Split a write into writes within one sector. A change of size stays as it is."""
    if record.kind is Kind.RESIZED:
        yield record
        return
    start = record.offset
    end = start + len(record.content)
    while start < end:
        stop = min(end, (start // SECTOR + 1) * SECTOR)
        content = record.content[start - record.offset : stop - record.offset]
        yield record._replace(offset=start, content=content)
        start = stop


def apply(content, record):
    end = record.offset + len(record.content)
    if record.kind is Kind.RESIZED:
        del content[end:]
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    if record.kind is Kind.WRITTEN:
        content[record.offset : end] = record.content
