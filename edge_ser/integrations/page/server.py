"""The page's server: its files, one stream of events, and what its buttons do."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from edge_ser.errors import EdgeSerError, FeedbackError
from edge_ser.feedback import CONSENT_TEXT, CONSENT_VERSION
from edge_ser.integrations.page.desk import Desk
from edge_ser.integrations.page.guard import Guard, own_names
from edge_ser.integrations.page.hub import Hub, message
from edge_ser.integrations.page.listening import Listening
from edge_ser.recognizer import Recognizer

STATIC = Path(__file__).with_name("static")
STATS_SECONDS = 1.0
MOST_BYTES = 4096  # of what a page sends
MOST_CONNECTIONS = 64

Answer = Callable[[Request], Any]


def build_app(
    recognizer: Recognizer, listening: Listening, hub: Hub, *, token: str | None = None, folder: Path = STATIC
) -> Starlette:
    """Return the page as an ASGI application.

    Parameters
    ----------
    recognizer : Recognizer
        Corrections are taken if its settings say `feedback`.
    listening : Listening
        Of that recogniser; publishes through `hub`.
    hub : Hub
    token : str, optional
        That whoever comes must know.
    folder : Path
        Files of the page; another page for the same events goes here.
    """
    desk = Desk(recognizer) if recognizer.settings.feedback else None

    def present() -> dict[str, Any]:
        """Return what a page that comes now has missed."""
        metadata = recognizer.model.metadata
        return {
            "capture": asdict(listening.capture),
            "decisions": list(listening.decisions),
            "labels": list(metadata.labels),
            "model": f"{metadata.name} {metadata.version}",
            "step_seconds": metadata.features.step_seconds,
            "stats": asdict(recognizer.stats()),
            "feedback": {"consent": CONSENT_VERSION, "text": CONSENT_TEXT} if desk is not None else None,
        }

    async def events(_: Request) -> Response:
        if hub.full:
            return JSONResponse({"error": "There are too many pages open. Close one."}, 503)
        return StreamingResponse(hub.stream(message("start", present())), media_type="text/event-stream")

    async def mute(_: Request) -> Any:
        await run_in_threadpool(listening.mute)
        if desk is not None:
            desk.forget()
        return asdict(listening.capture)

    async def unmute(_: Request) -> Any:
        await run_in_threadpool(listening.unmute)
        return asdict(listening.capture)

    async def begin_correction(_: Request) -> Any:
        return _switched_on(desk).begin()

    async def take_correction(request: Request) -> Any:
        given = await _json(request)
        correction = await run_in_threadpool(_switched_on(desk).take, given)
        return {"id": correction.id, "label": correction.label, "features": correction.heard is not None}

    @asynccontextmanager
    async def running(_: Starlette) -> AsyncIterator[None]:
        hub.begin()
        telling = asyncio.create_task(_tell_stats(recognizer, hub))
        yield
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling

    async def state(_: Request) -> Any:
        return present()

    async def no_icon(_: Request) -> Response:
        return Response(status_code=204)

    return Starlette(
        routes=[
            Route("/events", events),
            Route("/state", _answers(state)),
            Route("/mute", _answers(mute), methods=["POST"]),
            Route("/unmute", _answers(unmute), methods=["POST"]),
            Route("/feedback/about", _answers(begin_correction), methods=["POST"]),
            Route("/feedback", _answers(take_correction), methods=["POST"]),
            Route("/favicon.ico", no_icon),
            Mount("/", StaticFiles(directory=folder, html=True)),
        ],
        middleware=[Middleware(Guard, token=token, names=own_names())],
        lifespan=running,
    )


def serve(app: Starlette, hub: Hub, listener: socket.socket) -> None:
    """Answer on a socket until SIGINT or SIGTERM comes, which is then passed on."""

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            hub.end()  # pages' streams have no end of their own, and would be waited for
            super().handle_exit(sig, frame)

    config = uvicorn.Config(
        app, ws="none", log_config=None, log_level="warning", access_log=False, server_header=False,
        proxy_headers=False, limit_concurrency=MOST_CONNECTIONS, timeout_graceful_shutdown=1,
    )  # fmt: skip
    Server(config).run(sockets=[listener])


def _answers(answer: Answer) -> Callable[[Request], Any]:
    """Return an endpoint that gives plain types as JSON, and an error with its cure as one too."""

    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse(await answer(request))
        except FeedbackError as error:
            return JSONResponse({"error": str(error)}, 409)
        except EdgeSerError as error:
            return JSONResponse({"error": str(error)}, 500)

    return endpoint


def _switched_on(desk: Desk | None) -> Desk:
    if desk is None:
        raise FeedbackError("Corrections are not taken here", "Start it as `edge-ser serve --feedback`")
    return desk


async def _json(request: Request) -> Any:
    """Return what a page sent, so much and no more."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise FeedbackError("This is too long for a correction", f"Send at most {MOST_BYTES} bytes")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FeedbackError("This is not JSON", 'Send {"label": ...}') from error


async def _tell_stats(recognizer: Recognizer, hub: Hub) -> None:
    while True:
        await asyncio.sleep(STATS_SECONDS)
        hub.publish("stats", asdict(recognizer.stats()))
