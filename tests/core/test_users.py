from datetime import UTC, datetime

import pytest

import vigility
from vigility import Gender, InvalidCredentials, InvalidInput, NewUser, UsernameTaken
from vigility.auth.passwords import BcryptHasher

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


class CountingHasher(BcryptHasher):
    """The real hasher at its lowest cost. It counts the slow calls."""

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


def test_a_registered_user_can_sign_in(v):
    user = v.register("ada", "a long password", "36", "Female")
    assert (user.id, user.username, user.age, user.gender) == (1, "ada", 36, Gender.FEMALE)
    assert user.created == NOW
    assert v.users.authenticate("ada", "a long password") == user


def test_the_repr_of_a_user_hides_the_hash(v):
    user = v.register("ada", "a long password", 36, "Female")
    assert user.password_hash not in repr(user)


def test_a_user_imported_with_a_hash_can_sign_in(v):
    user = NewUser(
        username="ada",
        age=36,
        gender=Gender.FEMALE,
        created=NOW,
        password_hash=v.users.hash_password("a long password"),
    )
    v.users.import_many([user])
    assert v.users.authenticate("ada", "a long password").username == "ada"
    with pytest.raises(InvalidInput, match="password"):
        v.users.hash_password("short")


def test_usernames_are_case_sensitive_and_taken_once(v):
    v.register("ada", "a long password", 36, "Female")
    v.register("Ada", "a long password", 36, "Female")
    with pytest.raises(UsernameTaken, match=r"^Username already exists$"):
        v.register("ada", "another password", 20, "Male")


def test_a_taken_name_is_refused_before_hashing(v, hasher):
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
    assert v.maintenance.is_empty()


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
def test_refusals_of_credentials_are_indistinguishable(v, hasher, username, password):
    v.register("ada", "a long password", 36, "Female")
    with pytest.raises(InvalidCredentials, match=r"^Invalid credentials$"):
        v.users.authenticate(username, password)
    assert len(hasher.verified) == 1, "every refusal must cost exactly one comparison"


def test_a_user_without_a_password_cannot_sign_in(v):
    v.users.add_without_password("ada", 36, "Female")
    with pytest.raises(InvalidCredentials):
        v.users.authenticate("ada", "")
    with pytest.raises(InvalidCredentials):
        v.users.authenticate("ada", "a long password")


@pytest.mark.parametrize("password", ["ж" * 128, "x" * 128, "👩‍💻" * 40, "nul\0in the middle"], ids=ascii)
def test_every_character_of_a_long_password_counts(password):
    hasher = BcryptHasher(rounds=4)
    stored = hasher.hash(password)
    assert hasher.verify(password, stored)
    assert not hasher.verify(password[:-1] + "y", stored)


def test_no_password_matches_a_missing_hash():
    assert not BcryptHasher(rounds=4).verify("nobody", None)


def test_the_first_check_without_a_hash_also_costs_one_hash(monkeypatch):
    monkeypatch.setattr("bcrypt.hashpw", lambda *_: pytest.fail("a second hash"))
    assert not BcryptHasher(rounds=4).verify("", None)


def new(username, age=20, gender=Gender.OTHER):
    return NewUser(username=username, age=age, gender=gender, created=NOW)


def test_importing_users_again_changes_nothing(v):
    users = [new("ada"), new("bob")]
    first, again = v.users.import_many(users), v.users.import_many(users)
    assert (first.added, first.unchanged, first.different) == (2, 0, ())
    assert (again.added, again.unchanged, again.different) == (0, 2, ())


def test_an_import_reports_existing_users_with_another_age_or_gender(v):
    v.users.import_many([new("ada"), new("bob")])
    outcome = v.users.import_many([new("ada", age=21), new("bob", gender=Gender.MALE), new("eve")])
    assert (outcome.added, outcome.unchanged, outcome.different) == (1, 0, ("ada", "bob"))
    assert v.users.get("ada").age == 20


def test_an_import_keeps_the_first_of_repeated_names(v):
    assert v.users.import_many([new("ada", age=20), new("ada", age=30)]).added == 1
    assert v.users.get("ada").age == 20


def test_users_are_found_by_names_and_unknown_names_left_out(v):
    ada = v.users.add_without_password("ada", 36, "Female")
    assert v.users.by_names(["ada", "nobody", " no name "]) == {"ada": ada}
