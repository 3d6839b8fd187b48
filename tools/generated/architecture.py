"""The drawing of the rooms in docs/architecture.md."""

import re

import grimp


def architecture_page(page: str) -> str:
    """Return the page with its drawing of the rooms: an arrow for each import that does not follow from others."""
    below = imports()
    lines = ["graph TD"]
    for room in sorted(below, key=lambda room: (-len(reached(below, room)), room)):
        implied = set().union(*(reached(below, other) for other in below[room]))
        if direct := sorted(below[room] - implied):
            lines.append(f"  {room} --> {' & '.join(direct)}")
    return re.sub(r"(?<=```mermaid\n).*?(?=```)", "\n".join(lines) + "\n", page, count=1, flags=re.DOTALL)


def imports() -> dict[str, set[str]]:
    """Return which rooms each room imports, also inside functions and for types only."""
    graph = grimp.build_graph("byrote", cache_dir=None)
    rooms = graph.find_children("byrote") - {"byrote.__main__"}
    for room in rooms:
        graph.squash_module(room)
    return {
        room.split(".")[1]: {
            each.split(".")[1] for each in graph.find_modules_directly_imported_by(room) & rooms - {room}
        }
        for room in rooms
    }


def reached(below: dict[str, set[str]], room: str) -> set[str]:
    """Return the rooms that a room imports, directly or through others."""
    found: set[str] = set()
    while new := set().union(*(below[each] for each in {room, *found})) - found:
        found |= new
    return found
