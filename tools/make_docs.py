"""Write what is generated from the code: docs/scores.md, docs/cli.md, docs/api/ and the drawing in docs/architecture.md.

`--check` writes nothing and fails when one of them is stale.
"""

import sys
from pathlib import Path

from generated.api import api_pages
from generated.architecture import architecture_page
from generated.cli import cli_page
from generated.scores import scores_page

DOCS = Path("docs")


def main() -> None:
    architecture = DOCS / "architecture.md"
    pages = {
        DOCS / "scores.md": scores_page(),
        DOCS / "cli.md": cli_page(),
        architecture: architecture_page(architecture.read_text()),
        **{DOCS / "api" / name: text for name, text in api_pages().items()},
    }
    gone = set((DOCS / "api").glob("*.md")) - set(pages)
    if "--check" in sys.argv:
        stale = [str(path) for path, text in pages.items() if not path.exists() or path.read_text() != text]
        if stale := [*stale, *map(str, gone)]:
            sys.exit(f"{', '.join(stale)} does not match the code: run `make docs` and commit the result.")
        return
    for path, text in pages.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    for path in gone:
        path.unlink()


if __name__ == "__main__":
    main()
