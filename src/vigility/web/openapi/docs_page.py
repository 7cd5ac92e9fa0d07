"""`/docs`: the description of the API as an HTML page. It loads nothing from another host."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any, Final

import msgspec
from falcon.asgi import Response

from vigility.web.http.requests import Request
from vigility.web.http.static_files import File, send_file
from vigility.web.openapi.document import document

_HEAD: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>vigility: the HTTP API</title><link rel="stylesheet" href="/static/docs.css"></head><body><main>
<h1>vigility: the HTTP API</h1>"""
_TAIL: Final = "</main></body></html>\n"
_AUTHENTICATION: Final = " Needs a token: <code>Authorization: Bearer</code>, or the cookie."


class DocsResource:
    """`GET /docs`."""

    def __init__(self) -> None:
        self._file = File(page(document()).encode(), ".html")

    async def on_get(self, req: Request, resp: Response) -> None:
        """Send the page."""
        send_file(req, resp, self._file)

    on_head = on_get


def page(description: dict[str, Any]) -> str:
    """An OpenAPI document as HTML."""
    about = f'<p>{_prose(description["info"]["description"])} <a href="/openapi.json">openapi.json</a></p>'
    operations = [
        part
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
        for part in _operation(f"{method.upper()} {path}", operation)
    ]
    schemas = [
        f'<section id="{escape(name)}"><h3>{escape(name)}</h3><p>{_prose(schema.get("description", ""))}</p>'
        f"<pre>{_json(schema)}</pre></section>"
        for name, schema in description["components"]["schemas"].items()
    ]
    return "\n".join([_HEAD, about, *operations, "<h2>Bodies</h2>", *schemas, _TAIL])


def _operation(title: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f'<section id="{escape(operation["operationId"])}"><h2>{escape(title)}</h2>'
    yield f"<p>{_prose(operation['summary'])}{_AUTHENTICATION if 'security' in operation else ''}</p>"
    if body := operation.get("requestBody"):
        yield f"<p>Body: {_body(body)}</p>"
    if parameters := operation.get("parameters"):
        yield _table(("Parameter", "Meaning", "Allowed"), [_parameter_row(each) for each in parameters])
    responses = operation["responses"].items()
    yield _table(
        ("Status", "Meaning", "Body"),
        [(status, _prose(response["description"]), _body(response)) for status, response in responses],
    )
    yield "</section>"


def _parameter_row(parameter: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"<code>{escape(parameter['name'])}</code>",
        _prose(parameter["description"]),
        f"<code>{_json(parameter['schema'])}</code>",
    )


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    def line(cells: tuple[str, ...], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>"

    body = "\n".join(line(row, "td") for row in rows)
    return f"<table><thead>{line(head, 'th')}</thead>\n<tbody>{body}</tbody></table>"


def _body(part: dict[str, Any]) -> str:
    for media_type, content in part.get("content", {}).items():
        reference = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
        if reference:
            return f'<a href="#{escape(reference)}">{escape(reference)}</a>'
        return f"<code>{escape(media_type)}</code>"
    return ""


def _prose(text: str) -> str:
    """Text in HTML, with its backquotes turned into code elements."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))


def _json(value: object) -> str:
    return escape(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
