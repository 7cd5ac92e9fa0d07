"""`track --dry-run`: what would be stored and rejected."""

import uuid
from pathlib import Path

import pytest

HEADER = b"username,feature_name,timestamp,event_id\n"
ID, OTHER = str(uuid.UUID(int=1)), str(uuid.UUID(int=2))


def test_it_says_what_would_become_of_each_line_and_stores_nothing(with_users):
    with_users.done("track", "zoom", "--user", "ada", "--event-id", ID)
    rows = [
        f"ada,zoom,2026-01-30T12:00:00Z,{ID}",
        f"ada,pan,2026-01-30T12:00:00Z,{ID}",
        f"bob,pan,2026-01-30T12:00:00Z,{ID}",
        f"bob,pan,2026-01-30T12:00:00Z,{OTHER}",
        f"bob,pan,2026-01-30T13:00:00Z,{OTHER.upper()}",
        "ada,zoom,2026-01-31T23:59:59Z,",
        "eve,zoom,2026-01-31T12:00:00Z,",
        "eve,zoom,2026-01-31T12:00:00Z,",
        "ada,zoom,2026-02-30T12:00:00Z,",
        "ada,zoom",
    ]
    Path("f.csv").write_bytes(HEADER + "\n".join(rows).encode())
    before = with_users.database.read_bytes()
    preview = with_users("track", "--file", "f.csv", "--dry-run", "--rejects", "r.csv")
    assert preview.code == 1
    assert preview.out == (
        "3 events would be stored, 2 already stored (same event_id), 5 invalid lines would be skipped.\n"
        "They are of 2 users and 2 features, from 2026-01-30 12:00 to 2026-01-31 23:59 UTC.\n"
        "1 new feature: pan.\n"
        "1 unknown user: eve. To add them: vigility users import.\n"
        "Nothing was stored.\n"
    )
    assert with_users.counts() == {"zoom": 1}
    assert with_users.database.read_bytes() == before
    rejects = Path("r.csv").read_bytes()
    outcome = with_users("track", "--file", "f.csv", "--rejects", "r.csv")
    assert outcome.err == preview.err
    assert outcome.out == "3 events stored, 2 already stored (same event_id), 5 invalid lines skipped.\n"
    assert Path("r.csv").read_bytes() == rejects


def test_several_files_are_previewed_together(with_users, event):
    Path("a.jsonl").write_bytes(event(event_id=ID))
    Path("b.jsonl").write_bytes(event(event_id=ID) + event("bob"))
    printed = with_users.done("track", "--file", "a.jsonl", "--file", "b.jsonl", "--dry-run")
    assert printed.splitlines()[:3] == [
        "a.jsonl: 1 event would be stored.",
        "b.jsonl: 1 event would be stored.",
        "2 events would be stored, 1 already stored (same event_id).",
    ]


def test_it_makes_no_database(program, event):
    outcome = program("track", "--file", "-", "--dry-run", stdin=event())
    assert outcome.code == 1
    assert outcome.err.startswith("vigility: ")
    assert str(program.database) in outcome.err
    assert not program.database.exists()


def test_many_names_are_cut_short(with_users, event):
    content = b"".join(
        event(f"nobody {n:02}", f"feature {n:02}") + event("ada", f"feature {n:02}") for n in range(12)
    )
    printed = with_users("track", "--file", "-", "--dry-run", stdin=content).out
    ten = ", ".join(f"nobody {n:02}" for n in range(10))
    assert f"12 unknown users: {ten} and 2 more. To add them" in printed
    assert "12 new features: feature 00, " in printed


def test_features_beyond_the_limit_would_be_rejected(with_users, event, monkeypatch):
    monkeypatch.setenv("VIGILITY_MAX_FEATURES", "2")
    with_users.done("track", "zoom", "--user", "ada")
    content = b"".join(event("ada", name) for name in ("pan", "open", "zoom", "save", "pan"))
    preview = with_users("track", "--file", "-", "--dry-run", stdin=content)
    assert "3 events would be stored, 2 invalid lines would be skipped.\n" in preview.out
    assert "1 new feature: pan.\n" in preview.out
    assert with_users("track", "--file", "-", stdin=content).err == preview.err


@pytest.mark.parametrize("content", [b"", HEADER])
def test_an_empty_file_can_be_previewed(with_users, content):
    printed = with_users.done("track", "--file", "-", "--dry-run", stdin=content)
    assert printed == "0 events would be stored.\nNothing was stored.\n"
