from datetime import UTC, datetime

import pytest

import vigility
from vigility import Gender, InvalidCredentials, InvalidInput, NewUser, UsernameTaken
from vigility.auth.passwords import BcryptHasher

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


class CountingHasher(BcryptHasher):
    """The real one, at its lowest cost, counting the slow calls."""

    def __init__(self):
        super().__init__(rounds=4)
        self.hashed = 0
        self.verified = []

    def hash(self, password):
        self.hashed += 1
        return super().hash(password)

    def verify(self, password, password_hash):
        self.verified.append(password_hash)
        return super().verify(password, password_hash)


@pytest.fixture
def hasher():
    return CountingHasher()


@pytest.fixture
def v(hasher):
    with vigility.connect("memory:", clock=lambda: NOW, hasher=hasher) as opened:
        yield opened


def test_a_registered_user_can_log_in(v):
    user = v.register("ada", "a long password", "36", "Female")
    assert (user.id, user.username, user.age, user.gender) == (1, "ada", 36, Gender.FEMALE)
    assert user.created == NOW
    assert v.authenticate("ada", "a long password") == user


def test_a_hash_is_not_shown(v):
    user = v.register("ada", "a long password", 36, "Female")
    assert user.password_hash not in repr(user)


def test_a_hash_made_beforehand_lets_its_users_log_in(v):
    user = NewUser(
        username="ada",
        age=36,
        gender=Gender.FEMALE,
        created=NOW,
        password_hash=v.accounts.hash_password("a long password"),
    )
    v.accounts.import_users([user])
    assert v.authenticate("ada", "a long password").username == "ada"
    with pytest.raises(InvalidInput, match="password"):
        v.accounts.hash_password("short")


def test_usernames_are_case_sensitive_and_taken_once(v):
    v.register("ada", "a long password", 36, "Female")
    v.register("Ada", "a long password", 36, "Female")
    with pytest.raises(UsernameTaken, match=r"^Username already exists$"):
        v.register("ada", "another password", 20, "Male")


def test_a_taken_name_costs_no_hash(v, hasher):
    v.register("ada", "a long password", 36, "Female")
    with pytest.raises(UsernameTaken):
        v.register("ada", "another password", 20, "Male")
    assert hasher.hashed == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        (("", "a long password", 36, "Female"), "username"),
        (("ada", "short", 36, "Female"), "password"),
        (("ada", "a long password", 0, "Female"), "age"),
        (("ada", "a long password", 36, "female"), "gender"),
    ],
)
def test_a_refused_registration_names_the_field_and_stores_nothing(v, values, field):
    with pytest.raises(InvalidInput) as refused:
        v.register(*values)
    assert refused.value.field == field
    assert v.is_empty()


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("ada", "a wrong password"),
        ("nobody", "a long password"),
        ("ada", ""),
        ("ada", "x"),
        ("", ""),
        (None, 5),
    ],
    ids=repr,
)
def test_wrong_credentials_are_told_apart_by_nothing(v, hasher, username, password):
    v.register("ada", "a long password", 36, "Female")
    with pytest.raises(InvalidCredentials, match=r"^Invalid credentials$"):
        v.authenticate(username, password)
    assert len(hasher.verified) == 1, "each refusal costs exactly one comparison of hashes"


def test_a_user_without_a_password_cannot_log_in(v):
    v.accounts.add_without_password("ada", 36, "Female")
    with pytest.raises(InvalidCredentials):
        v.authenticate("ada", "")
    with pytest.raises(InvalidCredentials):
        v.authenticate("ada", "a long password")


@pytest.mark.parametrize("password", ["ж" * 128, "x" * 128, "👩‍💻" * 40, "nul\0in the middle"], ids=ascii)
def test_all_of_a_long_password_counts(password):
    hasher = BcryptHasher(rounds=4)
    kept = hasher.hash(password)
    assert hasher.verify(password, kept)
    assert not hasher.verify(password[:-1] + "y", kept)


def test_no_password_matches_a_missing_hash():
    assert not BcryptHasher(rounds=4).verify("nobody", None)


def test_the_first_who_asks_for_nobody_waits_for_one_hash_too(monkeypatch):
    monkeypatch.setattr("bcrypt.hashpw", lambda *_: pytest.fail("a second hash"))
    assert not BcryptHasher(rounds=4).verify("", None)


def new(username, age=20, gender=Gender.OTHER):
    return NewUser(username=username, age=age, gender=gender, created=NOW)


def test_importing_users_again_changes_nothing(v):
    users = [new("ada"), new("bob")]
    first, again = v.accounts.import_users(users), v.accounts.import_users(users)
    assert (first.added, first.unchanged, first.different) == (2, 0, ())
    assert (again.added, again.unchanged, again.different) == (0, 2, ())


def test_an_import_says_who_is_there_already_with_another_age_or_gender(v):
    v.accounts.import_users([new("ada"), new("bob")])
    outcome = v.accounts.import_users([new("ada", age=21), new("bob", gender=Gender.MALE), new("eve")])
    assert (outcome.added, outcome.unchanged, outcome.different) == (1, 0, ("ada", "bob"))
    assert v.user("ada").age == 20


def test_a_name_twice_in_one_import_is_its_first(v):
    assert v.accounts.import_users([new("ada", age=20), new("ada", age=30)]).added == 1
    assert v.user("ada").age == 20


def test_users_are_found_by_many_names_and_those_that_nobody_has_are_left_out(v):
    ada = v.accounts.add_without_password("ada", 36, "Female")
    assert v.users_named(["ada", "nobody", " no name "]) == {"ada": ada}
