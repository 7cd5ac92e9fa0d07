"""A preview agrees with the import that it previews."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vigility
from vigility import NewEvent
from vigility.core.events import preview as preview_module
from vigility.core.events.feature_limit import NewFeatures

IDS = [str(uuid.UUID(int=number)) for number in range(4)]

events = st.builds(
    NewEvent,
    st.sampled_from(["ada", "bob", "eve", ""]),
    st.sampled_from(["zoom", "pan", "open", " "]),
    st.sampled_from([None, "2026-01-31T12:00:00Z", "soon"]),
    st.sampled_from([None, *IDS, "7"]),
)


@pytest.fixture(scope="module")
def opened():
    with vigility.connect("memory:", oldest_event_days=365_000, max_features=2) as opened:
        yield opened


@given(st.lists(events, max_size=12), st.lists(st.lists(events, max_size=8), max_size=3))
def test_it_says_what_the_import_does(opened, before, batches):
    opened.maintenance.wipe()
    for name in ("ada", "bob"):
        opened.users.import_many([opened.users.validated(name, 36, "Female")])
    opened.track_many(before)
    preview = opened.preview()
    foreseen = [preview.store(batch) for batch in batches]
    total = opened.report().total
    importer = opened.events.importer()
    for batch, expected in zip(batches, foreseen, strict=True):
        result = importer.store(batch)
        assert (result.accepted, result.duplicates) == (expected.accepted, expected.duplicates)
        assert [(r.index, str(r.error)) for r in result.rejected] == [
            (r.index, str(r.error)) for r in expected.rejected
        ]
    assert opened.report().total == total + sum(result.accepted for result in foreseen)
    assert (preview.times is None) == (not preview.users)


def test_it_refuses_features_beyond_the_limit(opened):
    opened.maintenance.wipe()
    opened.users.import_many([opened.users.validated("ada", 36, "Female")])
    opened.track("ada", "zoom")
    batch = [
        NewEvent("ada", name, None, id_) for name, id_ in zip(("pan", "open", "zoom"), IDS, strict=False)
    ]
    foreseen = opened.preview().store(batch)
    assert (foreseen.accepted, [entry.index for entry in foreseen.rejected]) == (2, [1])
    assert str(foreseen.rejected[0].error) == str(opened.track_many(batch).rejected[0].error)


def test_it_remembers_only_so_much(monkeypatch):
    monkeypatch.setattr(preview_module, "MAX_REMEMBERED", 2)
    opened = vigility.connect("memory:")
    opened.users.import_many([opened.users.validated("ada", 36, "Female")])
    preview = opened.preview()
    batch = [NewEvent("ada", f"feature {id_[-1]}", None, id_) for id_ in IDS[:3]]
    assert preview.store(batch).accepted == 3
    assert preview.forgot
    assert preview.store(batch).duplicates == 2
    assert preview.features == {"feature 0", "feature 1"}
    unknown = [NewEvent(f"nobody {number}", "zoom") for number in range(2)]
    preview.store(unknown)
    preview.store([NewEvent("nobody 2", "zoom")])
    assert preview.unknown_users == {"nobody 0": 1, "nobody 1": 1}


def test_a_sink_without_a_limit_takes_any_feature():
    features = NewFeatures(["zoom"], None)
    assert features.refused("pan") is None
    for name in ("zoom", "pan"):
        features.add(name)
    assert features.names == {"pan"}
