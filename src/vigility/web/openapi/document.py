"""`/openapi.json`: the operations as OpenAPI 3.1."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from falcon.asgi import Response
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from vigility.version import __version__
from vigility.web.http.requests import Request
from vigility.web.http.static_files import File, send_file
from vigility.web.openapi.operations import OPERATIONS, Operation, Parameter, ResponseSpec

_REFERENCE: Final = "#/components/schemas/{model}"
_SECURITY: Final[list[dict[str, list[str]]]] = [{"bearer": []}, {"cookie": []}]
_SECURITY_SCHEMES: Final = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "auth_token"},
}


class OpenApiResource:
    """`GET /openapi.json`."""

    def __init__(self) -> None:
        self._file = File(msgspec.json.encode(document()), ".json")

    async def on_get(self, req: Request, resp: Response) -> None:
        """Send the document."""
        send_file(req, resp, self._file)

    on_head = on_get


def document() -> dict[str, Any]:
    """The OpenAPI document, with every operation."""
    _, schemas = models_json_schema(
        [(model, "validation") for model in dict.fromkeys(_models())], ref_template=_REFERENCE
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "vigility",
            "version": __version__,
            "description": 'Feature-usage analytics. Every error is `{"error": "<one sentence>"}`.',
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": {
            path: {operation.method.lower(): _operation(operation) for operation in operations}
            for path, operations in OPERATIONS.items()
        },
        "components": {"schemas": schemas["$defs"], "securitySchemes": _SECURITY_SCHEMES},
    }


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {"operationId": operation.name, "summary": operation.summary}
    if operation.needs_user:
        described["security"] = _SECURITY
    if operation.parameters:
        described["parameters"] = [_parameter(parameter) for parameter in operation.parameters]
    if operation.body:
        described["requestBody"] = {"required": True, "content": _content(operation.body)}
    described["responses"] = {
        str(status): _response(operation, status, spec) for status, spec in operation.all_responses.items()
    }
    return described


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.place == "path",
        "description": parameter.description,
        "schema": dict(parameter.schema),
    }


def _response(operation: Operation, status: int, spec: ResponseSpec) -> dict[str, Any]:
    description, body = spec
    response: dict[str, Any] = {"description": description}
    if body is not None:
        response["content"] = _content(body)
    if operation.links and status in operation.responses:
        response["links"] = {name: dict(link) for name, link in operation.links.items()}
    return response


def _content(body: type[BaseModel] | str) -> dict[str, Any]:
    if isinstance(body, str):
        return {body: {}}
    return {"application/json": {"schema": {"$ref": _REFERENCE.format(model=body.__name__)}}}


def _models() -> Iterator[type[BaseModel]]:
    for operations in OPERATIONS.values():
        for operation in operations:
            if operation.body:
                yield operation.body
            for _, body in operation.all_responses.values():
                if body is not None and not isinstance(body, str):
                    yield body
