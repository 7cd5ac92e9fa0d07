"""The names of uvicorn that are declared are those that the server uses; the check finds missing ones."""

import ast
import inspect
import sys
import tomllib
from pathlib import Path

import pytest
from gunicorn.errors import AppImportError
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState
from uvicorn_worker import UvicornWorker

from support.web_client import make_settings
from vigility.web.server import fast_path_cycle, graceful_server, protocol, uvicorn_compat, worker
from vigility.web.server.fast_path_cycle import FastPathCycle
from vigility.web.server.graceful_server import GracefulServer
from vigility.web.server.gunicorn_server import prepare
from vigility.web.server.protocol import Protocol
from vigility.web.server.uvicorn_compat import UnsupportedUvicorn, check_uvicorn, missing_names
from vigility.web.server.worker import Worker

ROOT = Path(__file__).parents[2]
HTTPTOOLS = "uvicorn.protocols.http.httptools_impl"
TREE = ast.parse(inspect.getsource(protocol))


def attributes(*owners, of=TREE, stored=False):
    """The names X of every `owner.X` in a module, for owners as they are written there."""
    return {
        node.attr
        for node in ast.walk(of)
        if isinstance(node, ast.Attribute)
        and ast.unparse(node.value) in owners
        and (isinstance(node.ctx, ast.Store) or not stored)
    }


def source_of(cls, module=protocol):
    tree = ast.parse(inspect.getsource(module))
    (found,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == cls.__name__)
    return found


def test_the_installed_uvicorn_has_every_name():
    assert missing_names() == []
    check_uvicorn()


def test_the_overrides_of_protocol_are_declared():
    functions = {name for name, value in vars(Protocol).items() if inspect.isfunction(value)}
    assert {name for name in functions if hasattr(HttpToolsProtocol, name)} == uvicorn_compat.OVERRIDDEN


def test_what_protocol_uses_of_its_base_class_is_declared():
    tree = source_of(Protocol)
    used = attributes("self", "super()", of=tree)
    used |= attributes("protocol", "self._protocol", of=source_of(FastPathCycle, fast_path_cycle))
    own = {*vars(Protocol), *attributes("self", of=tree, stored=True)}
    also_set_here = {"cycle", "expect_100_continue", "parser", "timeout_keep_alive_task", "url"}
    new = own - uvicorn_compat.OVERRIDDEN - also_set_here
    assert (used - new) | uvicorn_compat.OVERRIDDEN == (
        uvicorn_compat.PROTOCOL.methods | uvicorn_compat.PROTOCOL.attributes
    )


def test_what_protocol_uses_of_cycles_is_declared():
    used = attributes("cycle", "self.cycle", "self._responding") | {"response_started"}  # by getattr
    assert used == uvicorn_compat.CYCLE.attributes
    (call,) = (
        node
        for node in ast.walk(TREE)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == RequestResponseCycle.__name__
    )
    assert {keyword.arg for keyword in call.keywords} == uvicorn_compat.CYCLE.parameters
    assert not call.args


def test_a_cycle_of_the_fast_path_has_what_the_protocol_of_uvicorn_asks_for():
    assert uvicorn_compat.CYCLE.attributes - {"default_headers", "response_started"} <= {*vars(FastPathCycle)}


def test_what_protocol_uses_of_other_classes_is_declared():
    assert attributes("self.flow") == uvicorn_compat.FLOW_CONTROL.attributes
    used = attributes("self.server_state")
    used |= attributes("protocol.server_state", of=source_of(FastPathCycle, fast_path_cycle))
    assert used == uvicorn_compat.SERVER_STATE.attributes


def test_what_is_used_of_the_server_and_the_worker_is_declared():
    server = uvicorn_compat.SERVER
    used = attributes("self", "super()", of=source_of(GracefulServer, graceful_server))
    assert used - {*vars(GracefulServer)} | server.methods == server.methods | server.attributes
    functions = {name for name, value in vars(Worker).items() if inspect.isfunction(value)}
    overridden = {name for name in functions - {"__init__"} if name in vars(UvicornWorker)}
    used = attributes("self", of=source_of(Worker, worker)) & {*vars(UvicornWorker)}
    assert overridden | used == uvicorn_compat.WORKER.methods


def test_the_tested_versions_are_those_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"uvicorn{uvicorn_compat.TESTED_VERSIONS}" in project["dependencies"]


@pytest.mark.parametrize("name", sorted(uvicorn_compat.PROTOCOL.methods))
def test_a_method_that_is_gone_is_named(monkeypatch, name):
    monkeypatch.delattr(
        HttpToolsProtocol, name
    )  # asyncio's base class has some of them too, which do nothing
    assert missing_names() == [f"HttpToolsProtocol.{name}"]


def without(function, name):
    """The function, compiled without its assignment of an attribute of this name."""
    code = function.__code__
    renamed = tuple(f"another_{each}" if each == name else each for each in code.co_names)
    return type(function)(
        code.replace(co_names=renamed), function.__globals__, function.__name__, function.__defaults__
    )


@pytest.mark.parametrize(
    ("cls", "name"),
    [(HttpToolsProtocol, "pipeline"), (FlowControl, "read_paused"), (ServerState, "default_headers")],
)
def test_an_attribute_that_is_gone_is_named(monkeypatch, cls, name):
    for method, function in inspect.getmembers(cls, inspect.isfunction):
        if name in function.__code__.co_names and method in vars(cls):
            monkeypatch.setattr(cls, method, without(function, name))
    assert missing_names() == [f"{cls.__name__}.{name}"]


def test_a_parameter_that_is_gone_is_named(monkeypatch):
    signature = inspect.signature(RequestResponseCycle)
    others = [parameter for name, parameter in signature.parameters.items() if name != "on_response"]
    less = signature.replace(parameters=others)
    monkeypatch.setattr(RequestResponseCycle, "__signature__", less, raising=False)
    assert missing_names() == ["RequestResponseCycle(on_response=)"]


@pytest.mark.parametrize("name", ["HttpToolsProtocol", "RequestResponseCycle", "STATUS_LINE"])
def test_a_class_that_is_gone_is_named(monkeypatch, name):
    monkeypatch.delattr(sys.modules[HTTPTOOLS], name)
    assert missing_names() == [name]


def test_a_module_that_is_gone_is_named_once(monkeypatch):
    monkeypatch.setitem(sys.modules, HTTPTOOLS, None)
    assert missing_names() == [HTTPTOOLS]


def test_the_error_is_one_line_that_names_version_names_and_tested_range(monkeypatch):
    monkeypatch.setattr(uvicorn_compat, "version", lambda _: "0.99.1")
    monkeypatch.delattr(HttpToolsProtocol, "on_body")
    monkeypatch.delattr(HttpToolsProtocol, "_start_asgi_task")
    with pytest.raises(UnsupportedUvicorn) as caught:
        check_uvicorn()
    assert str(caught.value) == (
        "uvicorn 0.99.1 does not work with vigility: it lacks HttpToolsProtocol._start_asgi_task, "
        "HttpToolsProtocol.on_body; install a tested version: pip install 'uvicorn>=0.54,<0.55'"
    )


def test_a_server_does_not_start_with_another_uvicorn(monkeypatch, tmp_path):
    monkeypatch.delattr(HttpToolsProtocol, "on_body")
    with pytest.raises(UnsupportedUvicorn, match=r"HttpToolsProtocol\.on_body"):
        prepare(make_settings(database_url=f"sqlite:///{tmp_path}/usage.db"))
    assert list(tmp_path.iterdir()) == []


def test_nor_does_a_worker(monkeypatch):
    """Of a gunicorn whose configuration is not ours: it prints this error as one line, and stops."""
    monkeypatch.delattr(HttpToolsProtocol, "on_body")
    with pytest.raises(AppImportError, match=r"HttpToolsProtocol\.on_body"):
        Worker.init_process(object())
