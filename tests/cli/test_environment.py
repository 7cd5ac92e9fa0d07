"""Where settings come from: the environment, and `.env` in the current folder."""

import os
import threading
from pathlib import Path

import pytest

from vigility.core.errors import InvalidInput
from vigility.environment import Variables

NAME = "VIGILITY_HOST"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(NAME, raising=False)


def read(content):
    Path(".env").write_text(content, encoding="utf-8")
    return Variables().get(NAME)


@pytest.mark.parametrize(
    ("content", "value", "line"),
    [
        (f"{NAME}=a", "a", 1),
        (f"\n# comment\n\n  export {NAME} = a  # comment\n", "a", 4),
        (f"{NAME}=a#b\n", "a#b", 1),
        (f"{NAME}='a b'\n", "a b", 1),
        (f'{NAME}="a\\tb"\n', "a\tb", 1),
        (f"OTHER=x\n{NAME}=${{OTHER}}/y\n", "x/y", 2),
        (f"{NAME}=a\n{NAME}=b\n", "b", 2),
        (f"{NAME.lower()}=a\n", "a", 1),
        (f"{NAME.lower()}=a\n{NAME}=b\n", "b", 2),
        (f"KEY='-----\nx\n-----'\n{NAME}=a\n", "a", 4),
    ],
)
def test_a_line_of_the_file_sets_a_variable(content, value, line):
    variable = read(content)
    assert (variable.name, variable.value, variable.line) == (NAME, value, line)
    assert variable.title == f"{NAME} ({Path('.env').absolute()}, line {line})"


@pytest.mark.parametrize("content", ["", "\n", f"{NAME}=\n", f"{NAME}='  '\n", f"# {NAME}=a\n", "OTHER=a\n"])
def test_a_variable_without_a_value_is_not_set(content):
    assert read(content) is None


def test_the_environment_comes_first_whatever_the_capitals(monkeypatch):
    monkeypatch.setenv(NAME.lower(), "environment")
    variable = read(f"{NAME}=file\n")
    assert (variable.value, variable.file, variable.title) == ("environment", None, NAME)
    monkeypatch.setenv(NAME, " \n")
    monkeypatch.delenv(NAME.lower())
    assert read(f"{NAME}=file\n").value == "file"


def test_all_variables_are_listed(monkeypatch):
    monkeypatch.setenv(NAME, "a")
    Path(".env").write_text("VIGILITY_WORKER=3\n", encoding="utf-8")
    assert {(v.name, v.value) for v in Variables()} >= {(NAME, "a"), ("VIGILITY_WORKER", "3")}


def test_a_folder_of_this_name_is_a_virtual_environment():
    Path(".env").mkdir()
    assert Variables().get(NAME) is None


def test_a_pipe_is_read_as_a_file_is():
    os.mkfifo(".env")
    writer = threading.Thread(target=lambda: Path(".env").write_text(f"{NAME}=a\n", encoding="utf-8"))
    writer.start()
    assert Variables().get(NAME).value == "a"
    writer.join()


def test_a_folder_that_is_gone_has_no_file(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert Variables().get(NAME) is None


def test_a_folder_that_may_not_be_entered_has_no_file(monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", refuse)
    assert Variables().get(NAME) is None


def test_a_file_that_may_not_be_read_is_named(monkeypatch):
    Path(".env").touch()

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(InvalidInput, match=r"\.env cannot be read: Permission denied"):
        Variables().get(NAME)
