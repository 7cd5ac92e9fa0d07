"""The smallest applications that respond to JSON with JSON: Falcon's, over WSGI and ASGI, and one without."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import falcon
import falcon.asgi


class Hello:
    """`POST /hello`."""

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Say the name back."""
        resp.media = {"hello": req.get_media()["name"]}


class AsyncHello:
    """The same, awaited."""

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Say the name back."""
        resp.media = {"hello": (await req.get_media())["name"]}


wsgi: falcon.App[falcon.Request, falcon.Response] = falcon.App()
wsgi.add_route("/hello", Hello())
asgi: falcon.asgi.App[falcon.asgi.Request, falcon.asgi.Response] = falcon.asgi.App()
asgi.add_route("/hello", AsyncHello())


async def bare(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """The same as an ASGI application without a framework."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    response = json.dumps({"hello": json.loads(body)["name"]}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(response))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": response})
