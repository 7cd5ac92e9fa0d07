import unicodedata
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import bcrypt
import pytest

import vigility
from vigility import (
    Gender,
    InvalidCredentials,
    InvalidInput,
    NewUser,
    StoreUnavailable,
    UsernameTaken,
    Vigility,
)
from vigility.adapters.memory.backend import open_memory
from vigility.auth.passwords import BcryptHasher
from vigility.core.events.group_commit import GroupCommit

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


class LongHasher(CountingHasher):
    """Makes hashes of 97 characters, as Argon2 does."""

    def hash(self, password):
        return f"{super().hash(password)}{'$' * 37}"

    def verify(self, password, password_hash):
        return super().verify(password, password_hash and password_hash[:60])


@pytest.mark.parametrize("backend", ["memory", "sqlite"])
def test_a_hash_that_not_every_database_can_store_is_refused_by_all(backend, tmp_path):
    """PostgreSQL has room for 60 characters. Only its users noticed before."""
    url = "memory:" if backend == "memory" else f"{tmp_path}/usage.db"
    with vigility.connect(url, clock=lambda: NOW, hasher=LongHasher()) as v:
        made = LongHasher().hash("a long password")
        user = NewUser(username="eve", age=20, gender=Gender.OTHER, created=NOW, password_hash=made)
        for call in (
            lambda: v.register("ada", "a long password", 36, "Female"),
            lambda: v.users.hash_password("a long password"),
            lambda: v.users.import_many([user]),
        ):
            with pytest.raises(InvalidInput, match=r"at most 60 characters, .* not 97"):
                call()
        assert v.users.all() == []


def test_a_hasher_that_makes_no_text_is_refused():
    hasher = SimpleNamespace(hash=lambda password: password.encode(), verify=lambda *_: False)
    with (
        vigility.connect("memory:", hasher=hasher) as v,
        pytest.raises(InvalidInput, match=r"hasher must make hashes that are texts .*, not bytes"),
    ):
        v.register("ada", "a long password", 36, "Female")


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


@pytest.fixture
def work(monkeypatch):
    """The rounds of every bcrypt hash that is computed."""
    done, check, make = [], bcrypt.checkpw, bcrypt.hashpw

    def checkpw(password, hashed):
        matches = check(password, hashed)
        done.append(int(hashed[4:6]))
        return matches

    def hashpw(password, salt):
        done.append(int(salt[4:6]))
        return make(password, salt)

    monkeypatch.setattr("bcrypt.checkpw", checkpw)
    monkeypatch.setattr("bcrypt.hashpw", hashpw)
    return done


def cost(done):
    """The time of these hashes, as a multiple of one round."""
    return sum(2**rounds for rounds in done)


def open_with(rounds, url="memory:"):
    return vigility.connect(url, clock=lambda: NOW, hasher=BcryptHasher(rounds))


@pytest.mark.parametrize(("before", "after"), [(4, 7), (6, 7), (7, 4)])
def test_every_refusal_takes_the_time_of_the_highest_cost_in_use(tmp_path, work, before, after):
    url = str(tmp_path / "usage.db")
    with open_with(before, url) as v:
        v.register("old", "a long password", 36, "Female")
    with open_with(after, url) as v:
        v.register("new", "a long password", 36, "Female")
        v.users.add_without_password("without", 36, "Female")
        for name, password in (
            ("old", "a wrong one"),
            ("new", "a wrong one"),
            ("nobody", "x"),
            ("without", "x"),
        ):
            work.clear()
            with pytest.raises(InvalidCredentials):
                v.users.authenticate(name, password)
            assert cost(work) == 2**7, name


def test_a_cost_that_another_instance_has_set_meanwhile_is_learnt(tmp_path, work):
    url, moments = str(tmp_path / "usage.db"), [NOW]
    with (
        vigility.connect(url, clock=lambda: moments[-1], hasher=BcryptHasher(4)) as v,
        open_with(6, url) as other,
    ):
        for expected in (4, 4, 6):
            work.clear()
            with pytest.raises(InvalidCredentials):
                v.users.authenticate("nobody", "x")
            assert work == [expected]
            if not other.users.all():
                other.register("ada", "a long password", 36, "Female")
            else:
                moments.append(NOW + timedelta(hours=1))


def test_a_hash_of_a_lower_cost_is_renewed_when_its_user_signs_in(tmp_path):
    url = str(tmp_path / "usage.db")
    with open_with(4, url) as v:
        before = v.register("ada", "a long password", 36, "Female")
    with open_with(5, url) as v:
        with pytest.raises(InvalidCredentials):
            v.users.authenticate("ada", "a wrong password")
        assert v.users.get("ada") == before
        after = v.users.authenticate("ada", "a long password")
        assert after.password_hash.startswith("$2b$05$")
        assert after == v.users.get("ada") == replace(before, password_hash=after.password_hash)
        assert v.users.authenticate("ada", "a long password") == after
    with open_with(4, url) as v:
        assert v.users.authenticate("ada", "a long password") == after, "a better hash is kept"


def test_a_password_that_was_changed_meanwhile_is_not_overwritten(monkeypatch):
    installation = open_memory()
    early, late = (
        Vigility(installation, GroupCommit(installation.sink), BcryptHasher(rounds), lambda: NOW)
        for rounds in (4, 5)
    )
    ada = early.register("ada", "a long password", 36, "Female")
    changed = early.users.hash_password("another password")
    hash_password = late.users._hasher.hash

    def meanwhile(password):
        assert installation.users.replace_password_hash(ada.id, ada.password_hash, changed)
        return hash_password(password)

    monkeypatch.setattr(late.users._hasher, "hash", meanwhile)
    assert late.users.authenticate("ada", "a long password") == ada
    assert late.users.get("ada").password_hash == changed


def test_a_user_signs_in_though_the_renewed_hash_cannot_be_stored(monkeypatch):
    with open_with(4) as v:
        ada = v.register("ada", "a long password", 36, "Female")
        v.users._hasher._rounds = 5

        def unavailable(*_):
            raise StoreUnavailable("memory: read-only")

        monkeypatch.setattr(v.users._users, "replace_password_hash", unavailable)
        assert v.users.authenticate("ada", "a long password") == ada


@pytest.mark.parametrize("stored", ["", "plain text", "$2b$04$short", "$2b$99$" + "x" * 53, "$argon2id$é"])
def test_what_is_no_bcrypt_hash_matches_no_password(work, stored):
    hasher = BcryptHasher(rounds=4)
    hasher.note_costs([stored, "$2b$31$"])
    assert not hasher.verify("a long password", stored)
    assert work == [4]
    assert not hasher.is_outdated(stored)


def test_a_hasher_that_can_only_hash_and_verify_suffices():
    class Plain:
        def hash(self, password):
            return password

        def verify(self, password, password_hash):
            return password == password_hash

    with vigility.connect("memory:", clock=lambda: NOW, hasher=Plain()) as v:
        ada = v.register("ada", "a long password", 36, "Female")
        assert v.users.authenticate("ada", "a long password") == ada


def test_a_password_typed_as_it_was_before_passwords_were_composed_is_renewed(v, hasher):
    decomposed = "pa\N{COMBINING ACUTE ACCENT}ssword"
    assert decomposed != unicodedata.normalize("NFC", decomposed)
    stored = hasher.hash(decomposed)
    v.users.import_many([replace(new("ada"), password_hash=stored)])
    with pytest.raises(InvalidCredentials):
        v.users.authenticate("ada", unicodedata.normalize("NFC", decomposed))
    assert v.users.authenticate("ada", decomposed).password_hash != stored
    assert v.users.authenticate("ada", unicodedata.normalize("NFC", decomposed)).username == "ada"


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


def test_an_import_stores_values_in_their_canonical_form(v):
    decomposed = unicodedata.normalize("NFD", "José")
    assert v.users.import_many([new(decomposed, "36", "Male"), new("José", 36, Gender.MALE)]).added == 1
    (user,) = v.users.all()
    assert (user.username, user.age, user.gender) == ("José", 36, Gender.MALE)


@pytest.mark.parametrize(
    ("user", "message"),
    [
        (new("a\u200bda"), "username must not hold invisible characters"),
        (new("ada", 999), "age must be a whole number from 1 to 120, not 999"),
        (new("ada", 20, "alien"), "gender must be one of"),
        (replace(new("ada"), created=datetime(2026, 1, 1)), "created must be a time with a zone"),  # noqa: DTZ001
        (replace(new("ada"), created="2026-01-01"), "created must be a time with a zone"),
        (("ada", 20, "Other"), "user must be a NewUser, as .* makes, not a tuple"),
    ],
)
def test_an_import_of_an_invalid_user_stores_nothing(v, user, message):
    with pytest.raises(InvalidInput, match=message):
        v.users.import_many([new("bob"), user])
    assert v.users.all() == []


def test_users_are_looked_up_by_one_name_or_several(v):
    v.users.import_many([new("a"), new("ada")])
    assert list(v.users.by_names("ada")) == ["ada"]
    assert list(v.users.by_names(["ada", "eve"])) == ["ada"]


def test_users_are_found_by_names_and_unknown_names_left_out(v):
    ada = v.users.add_without_password("ada", 36, "Female")
    assert v.users.by_names(["ada", "nobody", " no name "]) == {"ada": ada}


def test_a_password_is_verified_as_it_was_typed_only_if_that_differs(v, hasher):
    v.register("ada", "passé composé", 36, "Female")
    for typed, times in (
        ("passé composé", 1),
        ("passe\u0301 compose\u0301", 1),
        ("another one", 1),
        ("e\u0301" * 9, 2),
    ):
        hasher.verified.clear()
        with suppress(InvalidCredentials):
            v.users.authenticate("ada", typed)
        assert len(hasher.verified) == times
    hasher.verified.clear()
    with pytest.raises(InvalidCredentials):
        v.users.authenticate("nobody", "e\u0301" * 9)  # as often as for a user
    assert hasher.verified == [None, None]


@pytest.mark.parametrize("username", ["nobody", "ada\u200b", "x" * 65, "", " ", ["ada"], None, 5], ids=ascii)
def test_whatever_is_typed_as_a_name_takes_one_verification(v, hasher, username):
    v.register("ada", "a long password", 36, "Female")
    with pytest.raises(InvalidCredentials):
        v.users.authenticate(username, "a long password")
    assert hasher.verified == [None]


def test_the_users_of_a_collection_are_keyed_by_the_names_that_were_asked_for(v):
    v.users.add_without_password("Jos\u00e9", 30, "Male")
    names = ["Jose\u0301", "Jos\u00e9", "nobody", "a\nb", ""]
    assert {name: user.id for name, user in v.users.by_names(names).items()} == {names[0]: 1, names[1]: 1}
    assert v.users.get("nobody") is None
    for impossible in ("a\nb", "", ["Jose"], None):
        with pytest.raises(InvalidInput, match="username"):
            v.users.get(impossible)
