"""A viewer that is really served: on a port of its own, in a thread, and what one may ask it."""

import http.client
import json
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from byrote.viewer.serving import serving


@dataclass(frozen=True)
class Served:
    """The address of a viewer, and its parts."""

    address: str

    @property
    def port(self) -> int:
        return urlsplit(self.address).port or 0

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def secret(self) -> str:
        return self.address.partition("token=")[2]

    @property
    def own(self) -> dict[str, str]:
        """The headers of a page of the viewer itself."""
        return {
            "Host": f"127.0.0.1:{self.port}",
            "Cookie": f"byrote-{self.port}={self.secret}",
            "Origin": self.base,
        }

    def ask(
        self, path: str, headers: dict[str, str] | None = None, body: Any = None, method: str = ""
    ) -> tuple[int, str, dict[str, str]]:
        """Send exactly these headers (None: those of an own page); return status, body and headers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = self.own if headers is None else headers
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.putrequest(
            method or ("GET" if body is None else "POST"), path, skip_host=True, skip_accept_encoding=True
        )
        for name, value in sent.items():
            connection.putheader(name, value)
        if data is not None:
            connection.putheader("Content-Length", str(len(data)))
        connection.endheaders(data)
        answer = connection.getresponse()
        found = answer.status, answer.read().decode(errors="replace"), {k.lower(): v for k, v in answer.getheaders()}
        connection.close()
        return found

    def get(self, path: str) -> Any:
        """Return the answer to an own page as JSON."""
        status, text, _ = self.ask(path)
        assert status == 200, text
        return json.loads(text)

    def post(self, path: str, body: Any) -> Any:
        """Return the answer to an own page that decides."""
        status, text, _ = self.ask(path, body=body)
        assert status == 200, text
        return json.loads(text)


@contextmanager
def served(directories: Sequence[Path]) -> Generator[Served]:
    """Serve these directories until the block ends."""
    with serving(directories) as (server, address, listening):
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield Served(address)
        finally:
            server.should_exit = True
            thread.join()
