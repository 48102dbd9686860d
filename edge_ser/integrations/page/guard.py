"""`Guard`: who may talk to the page. Around every request, before anything else sees it.

- The `Host` must be an address or this machine's own name: another name that leads here is DNS rebinding, by which a
  page from elsewhere would become one of ours.
- What another site's page sends is refused (`Origin`, `Sec-Fetch-Site`).
- Where there is a token it must come: once as `?token=`, then as a cookie, or as a bearer.
- Every answer says that the page loads nothing from outside and may not be framed.
"""

from __future__ import annotations

import hmac
import ipaddress
import socket
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "edge_ser_token"

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}

_ASK_FOR_TOKEN = """\
<!doctype html><html lang="en"><meta charset="utf-8"><title>edge-ser: token</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<main><h1>edge-ser</h1><form action="/"><p><label>Token of this device
<input name="token" type="password" autocomplete="current-password" required autofocus></label>
<button>Open</button></form></main></html>
"""


class Guard:
    """ASGI middleware.

    Parameters
    ----------
    app : ASGI application
    token : str, optional
        Without one, whoever reaches the address is let in.
    names : iterable of str
        By which this machine may be called, besides its addresses and `localhost`.
    """

    def __init__(self, app: ASGIApp, token: str | None = None, names: Iterable[str] = ()) -> None:
        self._app = app
        self._token = token
        self._names = {"localhost", *(name.lower() for name in names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(sent: Message) -> None:
            if sent["type"] == "http.response.start":
                MutableHeaders(scope=sent).update(HEADERS)
            await send(sent)

        app = self._refusal(scope) or self._app
        await app(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        """Return the answer to a request that is not to be passed on."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._is_ours(host):
            return PlainTextResponse("This machine is not called that. Use its address.\n", 421)
        if _is_from_elsewhere(scope, headers, host):
            return PlainTextResponse("Another site's page may not ask this.\n", 403)
        if self._token is None:
            return None
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if given and self._is_token(given):
            answer = RedirectResponse("/", 303)  # so that it does not stay in the address bar
            answer.set_cookie(COOKIE, given, httponly=True, samesite="strict")
            return answer
        if self._is_token(_cookie(headers)) or self._is_token(headers.get("authorization", "").removeprefix("Bearer ")):
            return None
        if scope["path"] == "/":
            return HTMLResponse(_ASK_FOR_TOKEN, 401)
        return PlainTextResponse("The token is missing or wrong.\n", 401)

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""  # in lower case
        except ValueError:
            return False
        return name in self._names or _is_address(name)  # an address that is not ours would not have led here

    def _is_token(self, given: str) -> bool:
        return self._token is not None and hmac.compare_digest(given.encode(), self._token.encode())


def own_names() -> set[str]:
    """Return what this machine is called in its network, also by multicast DNS."""
    name = socket.gethostname().split(".")[0]
    return {socket.gethostname(), name, f"{name}.local"}


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_from_elsewhere(scope: Scope, headers: Headers, host: str) -> bool:
    """Say whether another site's page sent a request; that somebody follows a link to our page is no harm."""
    if "origin" in headers:
        return headers["origin"].partition("://")[2] != host
    if scope["method"] == "GET" and scope["path"] == "/":
        return False
    return headers.get("sec-fetch-site", "none") not in ("none", "same-origin")


def _cookie(headers: Headers) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return "" if found is None else found.value
