"""`POST /track`."""

from __future__ import annotations

import falcon
from falcon.asgi import Response

from vigility.web.auth.authentication import Authenticator
from vigility.web.fast_path.contract import REFUSED
from vigility.web.fast_path.event_writer import EventWriter, track_response
from vigility.web.http.requests import Request, json_object


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
        body = await json_object(req)
        stored = await self._event_writer.write(user, body.get("feature_name"), body.get("event_id"))
        status, resp.media = track_response(stored)
        resp.status = falcon.code_to_http_status(status)
