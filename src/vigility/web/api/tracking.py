"""`POST /track`."""

from __future__ import annotations

from typing import Final

import falcon
from falcon.asgi import Response

from vigility.web.auth.authentication import Authenticator
from vigility.web.fast_path.contract import REFUSED
from vigility.web.fast_path.event_writer import EventWriter, track_response
from vigility.web.http.requests import Request, json_object, query_of

MEMBERS: Final = ("feature_name", "timestamp", "event_id")


class TrackResource:
    """`POST /track` on the normal path. Plain requests take the fast path and do not come here."""

    def __init__(self, authenticator: Authenticator, event_writer: EventWriter) -> None:
        self._authenticator = authenticator
        self._event_writer = event_writer

    async def on_post(self, req: Request, resp: Response) -> None:
        """Store one event. The statuses are those of `track_response`."""
        # First: if the database is down, authentication would raise an error that promises that nothing is
        # stored.
        if REFUSED in req.scope:
            raise req.scope[REFUSED]
        user = await self._authenticator.authenticate(req)
        query_of(req, ())  # a parameter would be ignored: everything is in the body
        feature, at, event_id = map((await json_object(req, MEMBERS)).get, MEMBERS)
        stored = await self._event_writer.write(user, feature, event_id, at)
        status, resp.media = track_response(stored)
        resp.status = falcon.code_to_http_status(status)
