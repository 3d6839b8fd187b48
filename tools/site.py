"""Build the site of the documentation in build/site/html; fail when a link leads nowhere.

Pages stay where they are in the repository, so that they also read well on a code host. They are gathered by following
links from the navigation of zensical.toml. A file of code that a page links to becomes a page that shows it.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES, BUILT = ROOT / "build/site/pages", ROOT / "build/site/html"
LINK = re.compile(r"(\]\()(?![a-z]+:|#)([^)#\s]+)")
"""A link of Markdown to another file: what stands before the file, and the file."""

LOAD = re.compile(
    r"""(?:<(?:script|link|img|iframe|source)\b[^>]*(?:src|href)=["']?|url\(["']?|@import\s+["'])((?:https?:)?//[^"'\s)>]+)"""
)
"""What a browser loads by itself, from another server."""

CODE = {".py": "python", ".txt": "text", ".toml": "toml"}


def main() -> None:
    shutil.rmtree(PAGES.parent, ignore_errors=True)
    gather(navigation())
    built = subprocess.run([Path(sys.executable).with_name("zensical"), "build", "--strict"], cwd=ROOT, check=False)
    if away := loads_from_elsewhere():
        sys.exit(f"The site would load from elsewhere: {', '.join(away)}.")
    sys.exit(built.returncode)


def navigation() -> list[Path]:
    """Return the pages and the style sheet that zensical.toml names, relative to the repository."""
    project = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]
    return [*_leaves(project["nav"]), *map(Path, project["extra_css"])]


def gather(first: list[Path]) -> None:
    """Copy these pages, and all that they link to; exit with a sentence when a link leads nowhere."""
    found, left = set(first), list(first)
    while left:
        path = left.pop()
        if path.suffix != ".md":
            copy(path)
            continue
        text = (ROOT / path).read_text()
        targets = {link[2]: linked(path, link[2]) for link in LINK.finditer(without_code(text))}
        new = set(targets.values()) - found
        found |= new
        left += new
        write(path, for_the_site(path, text, targets))


def linked(page: Path, target: str) -> Path:
    """Return the file that a page links to; a folder stands for its README.md."""
    path = Path(os.path.normpath(page.parent / target))
    path = path / "README.md" if (ROOT / path).is_dir() else path
    if not (ROOT / path).is_file():
        sys.exit(f"{page} links to {target}, and there is no such file.")
    return path


def for_the_site(page: Path, text: str, targets: dict[str, Path]) -> str:
    """Return the text of a page with its links as they are on the site."""

    def there(link: re.Match[str]) -> str:
        target = targets.get(link[2])
        if target is None:
            return link[0]
        path = target.with_name(target.name + ".md") if target.suffix in CODE else target
        return link[1] + os.path.relpath(path, page.parent)

    return LINK.sub(there, text)


def loads_from_elsewhere() -> list[str]:
    """Return what the built pages and styles would load from another server."""
    found: set[str] = set()
    for path in sorted(BUILT.rglob("*")):
        if path.suffix in (".html", ".css"):
            found |= {load[1] for load in LOAD.finditer(path.read_text())}
    return sorted(found)


def copy(path: Path) -> None:
    if path.suffix not in CODE:
        (PAGES / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, PAGES / path)
        return
    fence = "`````"
    hidden = "---\nsearch:\n  exclude: true\n---\n"
    shown = f"{hidden}# {path.name}\n\n{fence}{CODE[path.suffix]}\n{(ROOT / path).read_text()}\n{fence}\n"
    write(path.with_name(path.name + ".md"), shown)


def write(path: Path, text: str) -> None:
    (PAGES / path).parent.mkdir(parents=True, exist_ok=True)
    (PAGES / path).write_text(text)


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.DOTALL | re.MULTILINE)


def _leaves(entry: object) -> Iterator[Path]:
    if isinstance(entry, str):
        yield Path(entry)
    for each in entry.values() if isinstance(entry, dict) else entry if isinstance(entry, list) else ():
        yield from _leaves(each)


if __name__ == "__main__":
    main()
