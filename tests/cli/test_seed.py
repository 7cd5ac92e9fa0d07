import json


def rows(text):
    return [line.split() for line in text.splitlines()]


def test_seeding_fills_an_empty_database_and_shows_its_users(program):
    shown = program.done("seed")
    assert ["user1", "16", "Male"] in rows(shown)
    assert ["user10", "22", "Other"] in rows(shown)
    assert "Password of all users: password123\n" in shown
    assert "100 events over 90 days stored in" in shown
    with program.open() as opened:
        assert len(opened.users.all()) == 10
        assert opened.report().total == 100
        assert opened.users.authenticate("user5", "password123").age == 55
        assert opened.maintenance.verify_rollups() == []


def test_seeding_again_is_repeatable(program):
    def seeded():
        program.done("seed", "--yes", "--random-seed", "4", "--events", "3000", "--users", "30")
        return program.counts(), [(u.username, u.age, u.gender) for u in program.open().users.all()]

    first = seeded()
    assert seeded() == first
    assert sum(first[0].values()) == 3_000


def test_numbers_can_be_chosen_and_only_the_first_users_are_shown(program):
    shown = program.done("seed", "--users", "1000", "--events", "41000", "--days", "3")
    assert "and 990 more users\n" in shown
    assert "41,000 events over 3 days" in shown
    printed = json.loads(program.done("report", "--feature", "age_filter", "--json"))
    assert sum(bar["count"] for bar in printed["barChartData"]) == 41_000
    assert 3 <= len(printed["lineChartData"]) <= 4


def test_a_database_with_data_is_not_wiped_without_asking(with_users):
    outcome = with_users("seed")
    assert outcome.code == 1
    assert outcome.err == f"vigility: {with_users.database} has data: use --yes to wipe it\n"
    assert [user.username for user in with_users.open().users.all()] == ["ada", "bob"]


def test_yes_wipes(with_users):
    with_users.done("seed", "--yes", "--users", "2", "--events", "0")
    assert [user.username for user in with_users.open().users.all()] == ["user1", "user2"]


def test_on_a_terminal_the_answer_decides(with_users, in_terminal):
    terminal = in_terminal("--database", with_users.database, "seed")
    terminal.wait_for("Wipe it? [y/N]")
    terminal.type("n\n")
    assert terminal.ended() == 1
    assert "nothing was changed" in terminal.shown
    assert [user.username for user in with_users.open().users.all()] == ["ada", "bob"]

    terminal = in_terminal("--database", with_users.database, "seed")
    terminal.wait_for("Wipe it? [y/N]")
    terminal.type("y\n")
    assert terminal.ended() == 0
    assert len(with_users.open().users.all()) == 10
