"""Compares a database with the responses that clients received."""

import sqlite3
from collections import Counter
from contextlib import closing

import vigility
from support import postgres

EVENTS = """
    SELECT events.id, features.name, events.event_id
    FROM vigility_events AS events JOIN vigility_features AS features ON features.id = events.feature_id
"""


def stored_events(path, query=EVENTS):
    """(id, feature, event_id) of every event, in a file or a database URL."""
    if is_url(path):
        return postgres.sql(path, query)
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def database_faults(path):
    """What is wrong with the database, without comparing it to any responses."""
    found = [] if is_url(path) else integrity_faults(path)
    with vigility.connect(str(path)) as v:
        differences = v.maintenance.verify_rollups()
    return [f for f in found if f != "integrity_check: ok"] + [f"rollup: {d}" for d in differences[:3]]


def integrity_faults(path):
    with closing(sqlite3.connect(path)) as connection:
        return [f"integrity_check: {row[0]}" for row in connection.execute("PRAGMA integrity_check")]


def is_url(path):
    return str(path).startswith("postgresql://")


def all_faults(path, ledger):
    """What is wrong, while no request is under way. Empty if every promise was kept."""
    return database_faults(path) + event_faults(stored_events(path), ledger)


def event_faults(events, ledger):
    """Where these events contradict the responses."""
    by_event_id = {event_id: (number, feature) for number, feature, event_id in events if event_id}
    without_id = {number: feature for number, feature, event_id in events if not event_id}
    faults = list(ledger.faults)
    faults += lost_faults(ledger.by_event_id, by_event_id) + lost_faults(ledger.without_id, without_id)
    faults += duplicate_faults(events)
    if extra := by_event_id.keys() - ledger.by_event_id.keys():
        faults.append(f"{len(extra)} events are stored that were never acknowledged")
    if len(without_id) > len(ledger.without_id) + ledger.unknown:
        more = len(without_id) - len(ledger.without_id)
        faults.append(f"{more} more are stored for {ledger.unknown} of unknown outcome")
    return faults


def lost_faults(acknowledged, stored):
    missing = [key for key, value in acknowledged.items() if stored.get(key) != value]
    how_many = f"{len(missing)} of {len(acknowledged)} acknowledged events are lost"
    return [f"{how_many}, like {missing[0]}"] if missing else []


def duplicate_faults(events):
    counted = Counter(event_id for _, _, event_id in events if event_id)
    more = [event_id for event_id, count in counted.items() if count > 1]
    return [f"{len(more)} events are counted more than once, like {more[0]}"] if more else []
