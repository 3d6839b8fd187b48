"""Guard: what every request passes before anything is answered, and what every answer tells the browser.

A page that any website can reach over a name that it controls (DNS rebinding) or by a form or image of its own (cross-site
requests) must not show data or take decisions. So a request must name this server as its host, come from its own pages,
and carry the secret of the address that was printed.
"""

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OWN_PAGES = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What a page of the viewer may load: its own files only, and no script within the page."""

REPORTS = (
    "sandbox allow-scripts; default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What a report may do, which may be a stranger's: draw itself, and reach nothing, this server included."""

HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """Wraps an application: it answers only requests to `127.0.0.1:PORT` or `localhost:PORT` with the secret."""

    def __init__(self, app: App, port: int, secret: str) -> None:
        self._app, self._secret = app, secret
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"} | ({"127.0.0.1", "localhost"} if port == 80 else set())
        self._origins = {f"http://{host}" for host in self._hosts}
        self._cookie = f"byrote-{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it in a sentence."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = _Headers(scope["headers"])
        refused = self._refused(scope, headers)
        if refused:
            await _answer(send, 403, refused)
        elif not self._knows(headers.one("cookie")):
            await self._first(scope, send)
        else:
            await self._app(scope, receive, _with_headers(send))

    def _refused(self, scope: Scope, headers: "_Headers") -> str:
        """Return why a request is refused, whatever secret it has; empty where it is not."""
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return "Only GET and POST are answered."
        if headers.count("host") != 1 or headers.one("host") not in self._hosts:
            return "This server answers to 127.0.0.1 and localhost only. Open the address that byrote view printed."
        origin = headers.one("origin")
        if headers.count("origin") > 1 or (headers.count("origin") and origin not in self._origins):
            return "This request comes from another site."
        if scope["method"] == "POST" and not origin:
            return "Decisions are taken from the pages of this server only."
        if headers.one("sec-fetch-site") == "cross-site" and headers.one("sec-fetch-mode") != "navigate":
            return "This request comes from another site."
        return ""

    def _knows(self, cookies: str) -> bool:
        try:
            found = SimpleCookie(cookies).get(self._cookie)
        except CookieError:
            return False
        return found is not None and self._same(found.value)

    async def _first(self, scope: Scope, send: Send) -> None:
        """Turn the secret of the address into a cookie, and send the browser to the same address without it."""
        given = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=20).get("token", [""])
        if scope["method"] != "GET" or scope["path"] != "/" or len(given) != 1 or not self._same(given[0]):
            await _answer(
                send, 403, "This page needs the secret of its address. Open the address that byrote view printed."
            )
            return
        cookie = f"{self._cookie}={self._secret}; Path=/; HttpOnly; SameSite=Strict"
        await _answer(send, 303, "", {"location": "/", "set-cookie": cookie})

    def _same(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "replace"), self._secret.encode())


class _Headers:
    """The headers of a request, by their names in small letters."""

    def __init__(self, given: list[tuple[bytes, bytes]]) -> None:
        self._given = given

    def count(self, name: str) -> int:
        """Return how often a header is there."""
        return sum(key == name.encode() for key, _ in self._given)

    def one(self, name: str) -> str:
        """Return the value of a header, in small letters but for cookies; empty where it is not there."""
        found = "; ".join(value.decode("latin-1") for key, value in self._given if key == name.encode())
        return found if name == "cookie" else found.lower()


def _with_headers(send: Send) -> Send:
    """Return a sender that adds the headers of every answer; an answer with a policy of its own keeps that."""

    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            there = list(message.get("headers", []))
            names = {key.lower() for key, _ in there}
            added = {**HEADERS, "content-security-policy": OWN_PAGES}
            there += [(k.encode(), v.encode()) for k, v in added.items() if k.encode() not in names]
            message = {**message, "headers": there}
        await send(message)

    return sending


async def _answer(send: Send, status: int, text: str, more: dict[str, str] | None = None) -> None:
    body = text.encode()
    headers = {
        **HEADERS, "content-security-policy": OWN_PAGES, "content-type": "text/plain; charset=utf-8",
        "content-length": str(len(body)), **(more or {}),
    }  # fmt: skip
    start = {
        "type": "http.response.start",
        "status": status,
        "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
    }
    await send(start)
    await send({"type": "http.response.body", "body": body})
