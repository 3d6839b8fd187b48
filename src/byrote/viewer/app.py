"""App: the addresses of the viewer, and what each answers. Audits are named by their number, and files by a list."""

import json
import math
from collections.abc import Callable
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from byrote.errors import ByroteError, InvalidData
from byrote.findings.vocabulary import read_vocabulary
from byrote.record.storage import read_bytes
from byrote.viewer.comparing import both, change_page
from byrote.viewer.decisions import CHOICES, Change, DecidedElsewhere
from byrote.viewer.example import elsewhere, example_curve, example_neighbours, example_score
from byrote.viewer.example_table import ExampleTable, decided_as
from byrote.viewer.exports import can_be_relabelled, check_choice, write_exports
from byrote.viewer.guard import REPORTS
from byrote.viewer.open_things import OpenThings
from byrote.viewer.overview import audit_numbers, language_numbers, listed
from byrote.viewer.passages import passages
from byrote.viewer.query import MOST, Query, whole

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

PAGES = ("/", "/audit/{number}", "/compare/{number}/{other}", "/language/{number}")
"""Addresses of pages: each is the same empty page, which its script fills."""

STATIC = {
    "page.css": ("byrote.report", "page.css", "text/css"),
    "viewer.css": ("byrote.viewer", "static/viewer.css", "text/css"),
    **{
        f"{name}.js": ("byrote.viewer", f"static/{name}.js", "text/javascript")
        for name in (
            "main",
            "dom",
            "server",
            "looks",
            "sizes",
            "overview",
            "audit",
            "rows",
            "deciding",
            "example",
            "curve",
            "compare",
            "language",
        )
    },
}
"""The files that are served, by the names of their addresses: package, file and type."""

LARGEST = 65_536
"""Bytes of what a page sends at most."""


def make_app(things: OpenThings, *, redact: bool = False) -> "Starlette":
    """Return the application, which must stand behind a Guard."""
    from starlette.applications import Starlette
    from starlette.routing import Route

    answers: list[tuple[str, Callable[[OpenThings, Request], Any]]] = [
        ("/api/open", _open),
        ("/api/numbers/{number}", _numbers),
        ("/api/audit/{number}", _audit),
        ("/api/rows/{number}", _rows),
        ("/api/causes/{number}", _causes),
        ("/api/find/{number}", _find),
        ("/api/score/{number}", _score),
        ("/api/curve/{number}", _curve),
        ("/api/neighbours/{number}", _neighbours),
        ("/api/elsewhere/{number}", _elsewhere),
        ("/api/change/{number}/{other}", _change),
        ("/api/both/{number}/{other}", _both),
        ("/api/passages/{number}", partial(_passages, redact=redact)),
    ]
    changes: list[tuple[str, Callable[[OpenThings, Request, dict[str, Any]], Any]]] = [
        ("/api/decide/{number}", _decide),
        ("/api/undo/{number}", _undo),
        ("/api/export/{number}", _export),
    ]
    shell = partial(_file, name=("byrote.viewer", "static/viewer.html", "text/html"))
    return Starlette(
        routes=[
            *(Route(path, shell) for path in PAGES),
            Route("/static/{name}", _static),
            Route("/report/{number}", partial(_report, things)),
            Route("/picture/{number}/{at}", partial(_picture, things)),
            *(Route(path, partial(_answer, things, answer)) for path, answer in answers),
            *(Route(path, partial(_take, things, take), methods=["POST"]) for path, take in changes),
        ]
    )


async def _answer(things: OpenThings, answer: Callable[[OpenThings, "Request"], Any], request: "Request") -> "Response":
    from starlette.concurrency import run_in_threadpool

    return await run_in_threadpool(_as_json, lambda: answer(things, request))


async def _take(
    things: OpenThings, take: Callable[[OpenThings, "Request", dict[str, Any]], Any], request: "Request"
) -> "Response":
    from starlette.concurrency import run_in_threadpool

    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            return _as_json(lambda: _refuse("That is too long."))
    return await run_in_threadpool(_as_json, lambda: take(things, request, _parsed(body)))


def _as_json(answer: Callable[[], Any]) -> "Response":
    """Return an answer as JSON, or in a sentence why there is none: no trace of what went wrong leaves this process."""
    from starlette.responses import Response

    try:
        found, status = answer(), 200
    except ByroteError as error:
        found, status = {"error": error.on_command_line()}, 409
    except OSError as error:
        found = {"error": f"The audit cannot be read ({error.strerror or type(error).__name__}). It may have been removed or moved; go back to the overview."}  # fmt: skip
        status = 409
    except MemoryError:
        found, status = (
            {"error": "There is not enough memory for this. Close other programs, or open fewer audits."},
            409,
        )
    text = json.dumps(_finite(found), allow_nan=False, separators=(",", ":"))
    return Response(text, status, media_type="application/json")


def _finite(value: Any) -> Any:
    """Return a value as JSON has it: None for NaN, and infinity as text."""
    if isinstance(value, dict):
        return {str(key): _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


def _refuse(why: str) -> Any:
    raise InvalidData(why)


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidData("What was sent is no JSON object.")
    return found


def _number(request: "Request", name: str = "number") -> int:
    return whole(request.path_params[name], "number of an audit")


def _table(things: OpenThings, request: "Request", name: str = "number") -> ExampleTable:
    return things.table(_number(request, name))


def _at(table: ExampleTable, request: "Request") -> int:
    return whole(request.query_params.get("at", ""), "example", len(table.record.population) - 1)


def _open(things: OpenThings, _: "Request") -> Any:
    return [listed(each) for each in things.all.values()]


def _numbers(things: OpenThings, request: "Request") -> Any:
    opened = things.of(_number(request))
    if opened.kind == "language":
        return language_numbers(things.language(opened.number))
    return audit_numbers(things.table(opened.number, renew=True).record) if opened.kind == "audit" else {}


def _audit(things: OpenThings, request: "Request") -> Any:
    table = things.table(_number(request), renew=True)
    record, population = table.record, table.record.population
    words = read_vocabulary(record)
    decisions = table.decisions.current()
    return {
        **listed(things.of(_number(request))),
        "runs": len(record.runs),
        "kindOfData": table.looks.kind,
        "signal": table.looks.about_lines,
        "objective": record.objective.name,
        "words": {"target": words.target, "targets": words.targets, "right": words.right},
        "classes": list(record.classes) if record.objective.name in ("classification", "multilabel") else [],
        "targets": list(record.classes),
        "splits": {name: int(population.where(name).sum()) for name in ("train", "test", "canary", "all")},
        "scores": table.about_scores(),
        "columns": list(table.first_columns()) if record.runs else [],
        "quick": table.is_quick,
        "choices": [each for each in CHOICES if each != "relabel" or can_be_relabelled(record)],
        "where": table.decisions.where,
        "skipped": list(table.decisions.skipped()),
        "decided": _counts(table),
        "tags": sorted({tag for each in decisions.values() for tag in each.tags}),
    }


def _rows(things: OpenThings, request: "Request") -> Any:
    table, given = _table(things, request), request.query_params
    query = Query.parse(given)
    positions = table.positions(query)
    start, count = whole(given.get("start", "0"), "row"), whole(given.get("count", "60"), "number of rows", MOST)
    columns = [name for name in given.get("columns", "").split("\n") if name]
    return {
        "total": len(positions),
        "start": start,
        "rows": table.rows(positions[start : start + count].tolist(), columns),
        "reasons": _reasons(table, columns),
        "empty": table.empty(columns, query.split),
        "hasCauses": table.has_causes(query.split),
    }


def _reasons(table: ExampleTable, columns: list[str]) -> dict[str, str]:
    return {name: why for name in columns if (why := getattr(table.values(name), "reason", ""))}


def _causes(things: OpenThings, request: "Request") -> Any:
    table = _table(things, request)
    found = table.causes()
    counts: dict[str, int] = {}
    for cause in found.values():
        counts[cause] = counts.get(cause, 0) + 1
    return {"counts": counts, "examples": len(found)}


def _find(things: OpenThings, request: "Request") -> Any:
    """Return where an id is in the order that is asked for (-1: it is filtered out), and its row."""
    table, given = _table(things, request), request.query_params
    at = table.place(given.get("id", ""))
    found = (table.positions(Query.parse(given)) == at).nonzero()[0]
    return {"at": at, "index": int(found[0]) if len(found) else -1, "row": table.rows([at], [])[0]}


def _score(things: OpenThings, request: "Request") -> Any:
    table = _table(things, request)
    return example_score(table, _at(table, request), request.query_params.get("name", ""))


def _curve(things: OpenThings, request: "Request") -> Any:
    table = _table(things, request)
    return example_curve(table, _at(table, request))


def _neighbours(things: OpenThings, request: "Request") -> Any:
    table = _table(things, request)
    return example_neighbours(table, _at(table, request))


def _elsewhere(things: OpenThings, request: "Request") -> Any:
    table = _table(things, request)
    return elsewhere(table, _at(table, request), things.beside(_number(request)))


def _change(things: OpenThings, request: "Request") -> Any:
    given = request.query_params
    start, count = whole(given.get("start", "0"), "row"), whole(given.get("count", "60"), "number of rows", MOST)
    return change_page(things.change(_number(request), _number(request, "other")), start, count)


def _both(things: OpenThings, request: "Request") -> Any:
    name = request.query_params.get("name", "memorization")
    return both(_table(things, request), _table(things, request, "other"), name)


def _passages(things: OpenThings, request: "Request", *, redact: bool) -> Any:
    found = things.language(_number(request))
    return {**listed(things.of(_number(request))), **language_numbers(found), "redacted": redact, "passages": passages(found, redact=redact)}  # fmt: skip


def _decide(things: OpenThings, request: "Request", body: dict[str, Any]) -> Any:
    table = _table(things, request)
    texts = {name: body.get(name) for name in ("example", "choice", "add", "remove", "before")}
    if not isinstance(texts["example"], str) or any(not isinstance(each, str | None) for each in texts.values()):
        raise InvalidData("A decision has an example, and a choice or a tag, as texts.")
    at = table.place(texts["example"])
    label = body.get("label")
    if texts["choice"] is not None:
        check_choice(table.record, at, texts["choice"], label)
    kept = tuple(map(float, label)) if isinstance(label, list) else label
    change = Change(texts["example"], texts["choice"], kept, texts["add"], texts["remove"], texts["before"])
    try:
        number, decided = table.decisions.change(change)
    except DecidedElsewhere as conflict:
        return {"conflict": str(conflict), **decided_as(conflict.decision), "decided": _counts(table)}
    return {"change": number, **decided_as(decided), "decided": _counts(table)}


def _undo(things: OpenThings, request: "Request", body: dict[str, Any]) -> Any:
    table = _table(things, request)
    number = body.get("change")
    if type(number) is not int:
        raise InvalidData(f"{number!r} is no number of a change.")
    decided = table.decisions.undo(number)
    return {"example": decided.example, **decided_as(decided), "decided": _counts(table)}


def _export(things: OpenThings, request: "Request", _: dict[str, Any]) -> Any:
    table = _table(things, request)
    return [
        {"path": str(each.path), "examples": each.examples, "takenBy": list(each.taken_by)}
        for each in write_exports(table.record, table.decisions.current())
    ]


def _counts(table: ExampleTable) -> dict[str, int]:
    found: dict[str, int] = dict.fromkeys((*CHOICES, "tagged"), 0)
    for each in table.decisions.current().values():
        if each.choice:
            found[each.choice] += 1
        found["tagged"] += bool(each.tags)
    return found


def _static(request: "Request") -> "Response":
    found = STATIC.get(request.path_params["name"])
    return _missing() if found is None else _file(request, name=found)


def _file(_: "Request", *, name: tuple[str, str, str]) -> "Response":
    from starlette.responses import Response

    package, file, kind = name
    return Response(resources.files(package).joinpath(file).read_bytes(), media_type=kind)


def _report(things: OpenThings, request: "Request") -> "Response":
    """Return the page of what is open, in a sandbox: it may be a stranger's, and reaches nothing of this server."""
    from starlette.responses import Response

    try:
        opened = things.of(_number(request))
        path = opened.directory / opened.page
        if not opened.page or (isinstance(path, Path) and (path.is_symlink() or not path.is_file())):
            return _missing("There is no page. Write it with `byrote report`.")
        return Response(read_bytes(path), media_type="text/html", headers={"content-security-policy": REPORTS})
    except (ByroteError, OSError):
        return _missing()


def _picture(things: OpenThings, request: "Request") -> "Response":
    from starlette.responses import Response

    try:
        table = _table(things, request)
        found = table.looks.picture(whole(request.path_params["at"], "example", len(table.record.population) - 1))
    except (ByroteError, OSError):
        found = None
    return _missing() if found is None else Response(found, media_type="image/png", headers={"cache-control": "private, max-age=3600"})  # fmt: skip


def _missing(why: str = "There is nothing at this address.") -> "Response":
    from starlette.responses import PlainTextResponse

    return PlainTextResponse(why, 404)
