from pathlib import Path

import pytest

from vigility import InvalidInput
from vigility.bootstrap import DatabaseUrl


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("sqlite:///usage.db", "usage.db"),
        ("sqlite:////var/usage.db", "/var/usage.db"),
        ("file:./dev.db", "dev.db"),
        ("file:///var/usage.db", "/var/usage.db"),
        ("usage.db", "usage.db"),
        ("/var/my usage.db", "/var/my usage.db"),
        ("user@host.db", "user@host.db"),
    ],
)
def test_files(text, path):
    url = DatabaseUrl.parse(text)
    assert (url.kind, url.path, url.safe_text) == ("sqlite", Path(path), path)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("postgresql://host/usage", "postgresql://host/usage"),
        ("postgres://ada:secret@host:5433/usage", "postgresql://…@host:5433/usage"),
        ("postgresql://ada:s%40c%2Fret@[::1]:5433/u?sslmode=require", "postgresql://…@[::1]:5433/u?…"),
        ("postgresql:///usage?host=/var/run&password=secret", "postgresql:///usage?…"),
        ("postgresql://a:1,b:2/usage", "postgresql://a:1,b:2/usage"),
        ("postgresql://ada@host", "postgresql://…@host/"),
        ("postgresql://ada:secret#x@host/usage", "postgresql://…@host/usage"),
        ("postgresql://ada:secret?x@host/usage", "postgresql://…@host/usage"),
        ("postgresql://host/usage?user=a@b&", "postgresql://host/usage?…"),
        ("postgresql://host/usage/of#all", "postgresql://host/usage/of#all"),
    ],
)
def test_servers(text, safe):
    url = DatabaseUrl.parse(text)
    assert (url.kind, url.path, url.safe_text) == ("postgresql", None, safe)
    assert url.address.partition(":")[2] == text.partition(":")[2]
    assert "secret" not in repr(url)


def test_a_path_is_a_file():
    assert DatabaseUrl.parse(Path("data/usage.db")).path == Path("data/usage.db")


@pytest.mark.parametrize("value", [None, 5, b"usage.db"], ids=repr)
def test_what_is_no_text_is_refused(value):
    with pytest.raises(InvalidInput, match=r"database must be sqlite:///PATH.*, not a (NoneType|int|bytes)$"):
        DatabaseUrl.parse(value)


def test_memory():
    url = DatabaseUrl.parse("memory:")
    assert (url.kind, url.path, url.address, url.safe_text) == ("memory", None, None, "memory:")


@pytest.mark.parametrize("password", ["hunter2/x", "hunter2@x", "12/hunter2", "12/x?hunter2", "12@/hunter2"])
@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_a_password_that_is_not_encoded_is_refused_and_not_shown(scheme, password):
    with pytest.raises(InvalidInput) as refused:
        DatabaseUrl.parse(f"{scheme}://ada:{password}@host/usage")
    assert refused.value.__cause__ is None
    assert "hunter2" not in str(refused.value)
    assert "12" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "mysql://root:hunter2@localhost/x",
        "mysql://host/x?password=hunter2",
        "usage.db?key=hunter2",
        "hunter2:x",
    ],
)
def test_what_is_not_understood_is_not_shown(text):
    with pytest.raises(InvalidInput) as refused:
        DatabaseUrl.parse(text)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "host=db password=hunter2",
        "host = db user = ada password = hunter2",
        "password='hunter2' host=db",
        "dbname=usage port=5432 password=a:hunter2",
        "HOST=db PASSWORD=hunter2",
        "service=hunter2",
        "Server=db;Database=usage;User Id=ada;Password=hunter2;",
        "Data Source=db;Pwd=hunter2",
        "ada:hunter2@db/usage",
        "file://ada:hunter2@db/usage",
        "file:host=db password=hunter2",
        "sqlite:///ada:hunter2@db/usage",
        "sqlite:///host=db password=hunter2",
        "./host=db password=hunter2",
        "keepalives=1 host=hunter2",
        "fallback_application_name=hunter2",
        "x=1 host=db scram_client_key=hunter2",
        "my host=hunter2",
        "load_balance_hosts=hunter2",
        "gssdelegation=1 requirepeer=hunter2",
        "oauth_client_secret=hunter2",
        "DRIVER={PostgreSQL};UID=ada;PW=hunter2",
        "Data Source=hunter2",
    ],
)
def test_other_descriptions_of_a_server_do_not_become_files(text):
    with pytest.raises(InvalidInput, match="write postgresql://USER:PASSWORD@HOST:PORT/") as refused:
        DatabaseUrl.parse(text)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "path",
    ["data/user=5/usage.db", "my data/user=5/usage.db", "hosts.db", "user_id=4.db", "/var/a:b@c/usage.db"],
)
def test_files_that_resemble_them_are_files(path):
    assert DatabaseUrl.parse(path if ":" not in path else f"sqlite:///{path}").path == Path(path)
    assert DatabaseUrl.parse("./host=db").path == Path("host=db")


@pytest.mark.parametrize(
    "text",
    ["", " ", "sqlite://", "sqlite:///", "sqlite:usage.db", "file:", "mysql://x", "x?mode=ro", "memory:x"],
)
def test_an_unknown_kind_is_refused_with_the_kinds_there_are(text):
    with pytest.raises(InvalidInput, match=r"database must be sqlite:///PATH, file:PATH, the path"):
        DatabaseUrl.parse(text)
