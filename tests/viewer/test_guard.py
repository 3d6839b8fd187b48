"""Nobody but the own page, opened with the printed address, gets anything: each attack is made on a real server."""

import socket
from pathlib import Path

import pytest

from small_record import HOSTILE
from viewer.served import Served

PATHS = ("/", "/audit/1", "/static/main.js", "/api/open", "/api/rows/1", "/report/1", "/picture/1/0", "/nothing")


def test_the_first_request_turns_the_secret_into_a_cookie_and_leaves_the_address(viewer: Served) -> None:
    status, _, headers = viewer.ask(f"/?token={viewer.secret}", {"Host": f"127.0.0.1:{viewer.port}"})
    assert (status, headers["location"]) == (303, "/")
    cookie = headers["set-cookie"]
    assert cookie.startswith(f"byrote-{viewer.port}={viewer.secret};")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", PATHS)
def test_without_the_secret_nothing_is_said(viewer: Served, path: str) -> None:
    host = {"Host": f"127.0.0.1:{viewer.port}"}
    wrong = {"Cookie": f"byrote-{viewer.port}={viewer.secret[:-1]}", **host}
    other = {"Cookie": f"byrote-1={viewer.secret}", **host}
    for headers in (host, wrong, other):
        status, text, _ = viewer.ask(path, headers)
        assert status == 403, path
        assert "secret of its address" in text
        assert HOSTILE not in text
    assert viewer.ask(f"{path}?token={viewer.secret}wrong", host)[0] == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost.evil:{port}", ""]
)
def test_a_name_that_someone_else_controls_is_no_host_of_ours(viewer: Served, host: str) -> None:
    headers = {**viewer.own, "Host": host.format(port=viewer.port)}
    del headers["Origin"]
    status, text, _ = viewer.ask("/api/open", headers)
    assert status == 403
    assert "127.0.0.1 and localhost only" in text
    assert viewer.ask("/api/open", {**headers, "Host": f"localhost:{viewer.port}"})[0] == 200


def test_two_hosts_are_none(viewer: Served) -> None:
    lines = [
        "GET /api/open HTTP/1.1", f"Host: 127.0.0.1:{viewer.port}", "Host: evil.example",
        f"Cookie: byrote-{viewer.port}={viewer.secret}", "Connection: close", "", "",
    ]  # fmt: skip
    with socket.create_connection(("127.0.0.1", viewer.port)) as raw:
        raw.sendall("\r\n".join(lines).encode())
        answer = b"".join(iter(lambda: raw.recv(4096), b""))
    assert answer.split()[1] in (b"400", b"403")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost.evil"])
def test_another_site_can_neither_read_nor_decide(viewer: Served, origin: str) -> None:
    headers = {**viewer.own, "Origin": origin}
    assert viewer.ask("/api/open", headers)[0] == 403
    assert viewer.ask("/api/decide/1", headers, {"example": "train/1", "choice": "drop"})[0] == 403


def test_a_decision_needs_an_origin_and_the_secret(viewer: Served, directories: list[Path]) -> None:
    body = {"example": "train/1", "choice": "drop"}
    for missing in ("Origin", "Cookie"):
        headers = {name: value for name, value in viewer.own.items() if name != missing}
        assert viewer.ask("/api/decide/1", headers, body)[0] == 403
    for method in ("PUT", "DELETE", "OPTIONS", "TRACE"):
        assert viewer.ask("/api/decide/1", body=body, method=method)[0] == 403
    assert viewer.ask("/api/decide/1")[0] == 405
    assert not (directories[0] / "decisions.jsonl").exists()


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py", "/static/..%2fapp.py", "/static/%2e%2e/guard.py", "/static//etc/passwd", "/static/viewer.html",
        "/report/../../etc/passwd", "/report/1/../record.json", "/report/1%2f..%2frecord.json", "/picture/1/..%2f..%2frecord.json",
        "/report/record.json", "/picture/1/-1", "/picture/1/99999999", "/picture/9/0", "/../record.json", "/etc/passwd",
    ],
)  # fmt: skip
def test_no_path_leads_out(viewer: Served, path: str) -> None:
    status, text, _ = viewer.ask(path)
    assert status == 404
    assert "schema" not in text
    assert "root:" not in text


def test_every_answer_forbids_what_a_page_does_not_need(viewer: Served) -> None:
    for path in ("/", "/audit/1", "/static/main.js", "/api/open", "/api/rows/99", "/nothing"):
        _, _, headers = viewer.ask(path)
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers
        assert headers["cross-origin-resource-policy"] == "same-origin"


def test_a_report_is_served_in_a_sandbox(viewer: Served) -> None:
    status, text, headers = viewer.ask("/report/1")
    assert status == 200
    assert "byrote" in text
    assert headers["content-security-policy"].startswith("sandbox allow-scripts; default-src 'none'")
    assert "allow-same-origin" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_a_page_that_leads_elsewhere_is_not_served(viewer: Served, directories: list[Path]) -> None:
    page = directories[1] / "report.html"
    kept = page.read_bytes()
    page.unlink()
    page.symlink_to("/etc/passwd")
    try:
        assert viewer.ask("/report/2")[0] == 404
    finally:
        page.unlink()
        page.write_bytes(kept)


def test_the_server_listens_on_this_machine_only(viewer: Served) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent
        except OSError:
            pytest.skip("this machine has no other address")
        own = probe.getsockname()[0]
    with pytest.raises(OSError):
        socket.create_connection((own, viewer.port), timeout=2)


@pytest.mark.parametrize(
    "body", [b"", b"not json", b"[1]", b'{"example": 3}', b'{"example": "train/1", "choice": "explode"}', b"[" * 60_000, b"x" * 70_000]
)  # fmt: skip
def test_what_is_no_decision_is_refused_in_a_sentence(viewer: Served, directories: list[Path], body: bytes) -> None:
    status, text, _ = viewer.ask("/api/decide/1", body=body)
    assert status == 409
    assert "error" in text
    assert "Traceback" not in text
    assert not (directories[0] / "decisions.jsonl").exists()
