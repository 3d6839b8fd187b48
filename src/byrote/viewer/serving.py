"""Serving: a local server until it is stopped, reachable from this machine only."""

import contextlib
import os
import secrets
import socket
import threading
import webbrowser
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from byrote.errors import ByroteError, missing_extra
from byrote.viewer.app import make_app
from byrote.viewer.guard import Guard
from byrote.viewer.open_things import OpenThings
from byrote.viewer.opening import open_all

if TYPE_CHECKING:
    from uvicorn import Server

LOOPBACK = "127.0.0.1"


def view(
    directories: Sequence[str | os.PathLike[str]],
    *,
    port: int = 0,
    browser: bool = True,
    redact: bool = False,
    say: Callable[[str], None] = print,
) -> None:
    """Show audits, comparisons and language audits in the browser, until Ctrl-C.

    The page is served to this machine only, at an address with a secret, which `say` gets. Port 0 is any free one. With
    `redact` no character of a passage of a language audit is shown. Raises WrongRecord for a directory that holds nothing to
    look at, and ByroteError for a port that is taken, or where the extra `view` is not installed.
    """
    with serving(directories, port=port, redact=redact) as (server, address, listening):
        say(address)
        if browser:
            threading.Timer(0.5, webbrowser.open, (address,)).start()
        with contextlib.suppress(KeyboardInterrupt):
            server.run([listening])


@contextmanager
def serving(
    directories: Sequence[str | os.PathLike[str]], *, port: int = 0, redact: bool = False
) -> "Generator[tuple[Server, str, socket.socket]]":
    """Yield a server that is ready to run, its address with the secret, and the socket that it runs on."""
    try:
        import uvicorn

        app = make_app(OpenThings(open_all(directories)), redact=redact)
    except ImportError:
        raise missing_extra("byrote view needs the packages starlette and uvicorn", "view") from None
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((LOOPBACK, port))
        except (OSError, OverflowError) as error:
            raise ByroteError(
                f"Port {port} cannot be used ({getattr(error, 'strerror', '') or error}). Give another --port, or none for a free one."
            ) from None
        chosen, secret = listening.getsockname()[1], secrets.token_urlsafe(32)
        guarded = Guard(app, chosen, secret)
        settings = uvicorn.Config(
            guarded, log_level="error", access_log=False, lifespan="off", timeout_graceful_shutdown=1, server_header=False,
            proxy_headers=False, ws="none", loop="asyncio", http="h11",
        )  # fmt: skip
        yield uvicorn.Server(settings), f"http://{LOOPBACK}:{chosen}/?token={secret}", listening
    finally:
        listening.close()
