"""The smallest Falcon application that reads a JSON body and answers one, over WSGI and over ASGI."""

from __future__ import annotations

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
