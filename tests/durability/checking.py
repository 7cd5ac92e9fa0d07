"""Holds a database against what was answered."""

import sqlite3
from collections import Counter
from contextlib import closing

import postgres
import vigility

EVENTS = """
    SELECT events.id, features.name, events.event_id
    FROM vigility_events AS events JOIN vigility_features AS features ON features.id = events.feature_id
"""


def stored_events(path, query=EVENTS):
    """(id, feature, event_id) of every event, in the file or behind the URL."""
    if is_url(path):
        return postgres.sql(path, query)
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def faults_of_file(path):
    """What is wrong with the database by itself."""
    found = [] if is_url(path) else checked(path)
    with vigility.connect(str(path)) as v:
        differences = v.verify_rollups()
    return [f for f in found if f != "integrity_check: ok"] + [f"summary: {d}" for d in differences[:3]]


def checked(path):
    with closing(sqlite3.connect(path)) as connection:
        return [f"integrity_check: {row[0]}" for row in connection.execute("PRAGMA integrity_check")]


def is_url(path):
    return str(path).startswith("postgresql://")


def faults_of(path, ledger):
    """What is wrong, while no request is on its way; empty where every promise was kept."""
    return faults_of_file(path) + faults_of_events(stored_events(path), ledger)


def faults_of_events(events, ledger):
    """What is wrong between these events and what was answered."""
    by_event_id = {event_id: (number, feature) for number, feature, event_id in events if event_id}
    without_id = {number: feature for number, feature, event_id in events if not event_id}
    faults = list(ledger.faults)
    faults += lost(ledger.by_event_id, by_event_id) + lost(ledger.without_id, without_id)
    faults += twice(events)
    if extra := by_event_id.keys() - ledger.by_event_id.keys():
        faults.append(f"{len(extra)} events are stored that were never answered")
    if len(without_id) > len(ledger.without_id) + ledger.unknown:
        faults.append(f"{len(without_id) - len(ledger.without_id)} for {ledger.unknown} of unknown fate")
    return faults


def lost(answered, stored):
    missing = [key for key, value in answered.items() if stored.get(key) != value]
    how_many = f"{len(missing)} of {len(answered)} answered events are lost"
    return [f"{how_many}, like {missing[0]}"] if missing else []


def twice(events):
    counted = Counter(event_id for _, _, event_id in events if event_id)
    more = [event_id for event_id, count in counted.items() if count > 1]
    return [f"{len(more)} events are counted more than once, like {more[0]}"] if more else []
