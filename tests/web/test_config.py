import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from vigility.auth.secrets import kept_secret
from vigility.bootstrap import signing_secret
from vigility.config import Settings, load_settings, variable_of
from vigility.core.errors import InvalidInput, StoreUnavailable

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def no_environment(monkeypatch, tmp_path):
    for field in Settings.model_fields:
        monkeypatch.delenv(variable_of(field), raising=False)
    monkeypatch.chdir(tmp_path)


def test_the_defaults():
    settings = load_settings()
    assert (settings.host, settings.port, settings.database_url) == (
        "127.0.0.1",
        8002,
        "sqlite:///vigility.db",
    )
    assert settings.jwt_secret is None
    assert settings.rate_limit == "on"
    assert settings.workers >= 1


def test_arguments_override_the_environment_which_overrides_the_file(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("PORT=1\nVIGILITY_HOST=from-file\nUNKNOWN=x\nVIGILITY_WORKERS=7\n")
    monkeypatch.setenv("PORT", "2")
    monkeypatch.setenv("VIGILITY_HOST", "")
    settings = load_settings(workers=3, port=None)
    assert (settings.port, settings.host, settings.workers) == (2, "from-file", 3)


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("PORT", "x", "PORT must be a whole number"),
        ("PORT", "8_002", "PORT must be a whole number"),
        ("PORT", "0", "PORT must be greater than or equal to 1"),
        ("VIGILITY_BCRYPT_ROUNDS", "3", "VIGILITY_BCRYPT_ROUNDS must be greater than or equal to 4"),
        ("VIGILITY_TRUSTED_PROXIES", "10.0.0.0/99", "VIGILITY_TRUSTED_PROXIES must be addresses or networks"),
        ("VIGILITY_ACCESS_LOG", "true", "VIGILITY_ACCESS_LOG must be 'on' or 'off'"),
        ("FRONTEND_URL", "ftp://x", "FRONTEND_URL must be a web address"),
        ("FRONTEND_URL", "https://user:pw@x", "FRONTEND_URL must be a web address"),
        ("FRONTEND_URL", "https://x:port", "FRONTEND_URL "),
        ("FRONTEND_URL", "http://[x", "FRONTEND_URL "),
    ],
)
def test_the_error_for_an_invalid_value_is_one_line_that_names_the_variable(
    monkeypatch, variable, value, sentence
):
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidInput) as caught:
        load_settings()
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://app.example", "https://app.example"),
        ("https://app.example/", "https://app.example"),
        ("https://App.Example:443/a?b#c", "https://app.example"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:3000/", "http://[::1]:3000"),
    ],
)
def test_the_front_end_is_reduced_to_its_origin(url, origin):
    assert load_settings(frontend_url=url).frontend_url == origin


@pytest.mark.parametrize(
    ("text", "networks"),
    [
        ("10.0.0.1, 10.1.2.3/8", ["10.0.0.1/32", "10.0.0.0/8"]),
        ("::ffff:10.0.0.1,::ffff:10.0.0.0/104,::ffff:0:0/96", ["10.0.0.1/32", "10.0.0.0/8", "0.0.0.0/0"]),
        ("2001:db8::1,::/0,::ffff:0:0/95", ["2001:db8::1/128", "::/0", "::fffe:0:0/95"]),
    ],
)
def test_trusted_networks_of_ipv4_may_be_written_as_ipv6(text, networks):
    assert [str(network) for network in load_settings(trusted_proxies=text).trusted_proxies] == networks


def test_secrets_are_not_shown(monkeypatch):
    monkeypatch.setenv("JWT_SECRET", "do not show this to anybody at all")
    assert "do not show" not in repr(load_settings())


def test_concurrent_threads_create_one_secret(tmp_path):
    with ThreadPoolExecutor(16) as pool:
        made = set(pool.map(kept_secret, [tmp_path / "secret"] * 64))
    assert len(made) == 1
    assert len(made.pop()) >= 48
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_a_secret_that_others_may_read_is_refused(tmp_path):
    path = tmp_path / "secret"
    kept_secret(path)
    path.chmod(0o604)
    with pytest.raises(StoreUnavailable, match="others may read this secret: run chmod 600 on it"):
        kept_secret(path)


@pytest.mark.parametrize("mode", [0o640, 0o660])
def test_a_secret_that_a_group_of_ours_may_read_is_taken_with_a_warning(tmp_path, mode, caplog, monkeypatch):
    """Kubernetes gives the files of a volume to such a group (fsGroup) at each start."""
    path = tmp_path / "secret"
    secret = kept_secret(path)
    path.chmod(mode)
    monkeypatch.setattr("os.getegid", lambda: -1)
    monkeypatch.setattr("os.getgroups", lambda: [path.stat().st_gid])
    assert kept_secret(path) == secret
    assert f"the group {path.stat().st_gid} may read this secret" in caplog.text
    monkeypatch.setattr("os.getgroups", list)
    with pytest.raises(StoreUnavailable, match="may read this secret, and this process is not in it"):
        kept_secret(path)


def test_a_secret_is_made_for_its_owner_only_under_any_umask(tmp_path):
    before = os.umask(0o777)
    try:
        kept_secret(tmp_path / "secret")
    finally:
        os.umask(before)
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_there_are_as_many_workers_as_cores_also_without_sched_getaffinity(monkeypatch):
    """macOS has none."""
    assert load_settings().workers == len(os.sched_getaffinity(0))
    monkeypatch.delattr("os.sched_getaffinity")
    monkeypatch.setattr("os.cpu_count", lambda: 7)
    assert load_settings().workers == 7
    monkeypatch.setattr("os.cpu_count", lambda: None)
    assert load_settings().workers == 1


def test_the_sources_of_the_secret(tmp_path):
    assert signing_secret("sqlite:///x.db", "configured") == b"configured"
    assert signing_secret("memory:", None) != signing_secret("memory:", None)
    url = f"sqlite:///{tmp_path}/usage.db"
    assert signing_secret(url, None) == signing_secret(url, None) == kept_secret(tmp_path / "usage.db-secret")
    with pytest.raises(InvalidInput, match="JWT_SECRET is required with PostgreSQL; make one with: "):
        signing_secret("postgresql://db/usage", None)


def test_every_setting_is_documented():
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    for name, field in Settings.model_fields.items():
        default = "" if field.default_factory or field.default in (None, ()) else f"`{field.default}`"
        row = f"| `{variable_of(name)}` | {default} | {field.description} |"
        assert row in page, f"docs/configuration.md lacks or changes the line\n{row}"


@pytest.mark.parametrize("command", [["--help"], ["serve", "--help"], ["users", "list"]], ids=" ".join)
def test_other_commands_load_neither_settings_nor_server(command, tmp_path):
    code = (
        "import sys; from vigility.cli.main import run; run(sys.argv[1:]);"
        "print(sorted({'vigility.config', 'dotenv', 'falcon', 'gunicorn', 'uvicorn'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
