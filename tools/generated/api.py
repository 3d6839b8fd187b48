"""docs/api/: the public names of each package, with signature, docstring and source, read from the text of the code.

Public is what the `__init__.py` of a package exports. Of packages that export nothing, all public names of its modules are.
What else the pages of docs/ import is on the page `further.md`.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from generated import NOTE

SOURCE = Path("src")

EXPORTING = (
    "byrote",
    "byrote.scores",
    "byrote.summaries",
    "byrote.probes",
    "byrote.controls",
    "byrote.objectives",
    "byrote.explain",
    "byrote.locate",
    "byrote.attribution",
    "byrote.recall",
    "byrote.lm",
    "byrote.report",
    "byrote.record",
)
BY_MODULE = ("byrote.inputs", "byrote.membership", "byrote.integrations")

Definition = ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


@dataclass(frozen=True)
class Found:
    """A public name: where it is defined, and the statement that defines it."""

    name: str
    module: str
    node: Definition

    @property
    def documented(self) -> str:
        """Its docstring, or the text below a constant; empty when there is none."""
        if isinstance(self.node, ast.FunctionDef | ast.ClassDef):
            return ast.get_docstring(self.node) or ""
        body = tree(self.module).body
        after = body[body.index(self.node) + 1 :][:1]
        return next((text for text in map(_text, after) if text), "")


def api_pages() -> dict[str, str]:
    """Return each page of the reference by its file name."""
    pages: dict[str, str] = {}
    known: set[tuple[str, str]] = set()
    titles: list[str] = []
    for package in (*EXPORTING, *BY_MODULE):
        found = exported(package) if package in EXPORTING else of_modules(package)
        if not found:
            continue
        known |= {(each.module, each.name) for each in found}
        pages[_file(package)] = page(package, ast.get_docstring(tree(package)) or "", found)
        titles.append(package)
    further = [each for each in imported_by_pages() if (each.module, each.name) not in known]
    about = "What the pages of this documentation import from modules, and no package exports."
    pages["further.md"] = page("Further modules", about, further, modules=True)
    return {"index.md": index(titles), **pages}


def index(packages: Iterable[str]) -> str:
    lines = [NOTE, "# API reference\n"]
    lines.append("Each page lists the names that a package exports, with their signatures as they are written.\n")
    lines.append("| package | what it holds |\n|---|---|")
    for package in packages:
        about = (ast.get_docstring(tree(package)) or "").split("\n")[0]
        lines.append(f"| [`{package}`]({_file(package)}) | {prose(about)} |")
    lines.append("| [further modules](further.md) | what the pages of this documentation import beside these |")
    return "\n".join(lines) + "\n"


def page(title: str, about: str, found: list[Found], modules: bool = False) -> str:
    parts = [f"{NOTE}\n# {title}\n", prose(about), ""]
    for each in found:
        parts.append(entry(each, modules))
    return "\n".join(parts).rstrip() + "\n"


def entry(found: Found, with_module: bool) -> str:
    """Return the section of a name: its heading, signature, docstring, methods and source."""
    where = f"{'/'.join(found.module.split('.'))}"
    path = file_of(found.module)
    heading = f"{found.module}.{found.name}" if with_module else found.name
    parts = [f"## {heading}\n", f"```python\n{signature(found)}\n```\n"]
    if found.documented:
        parts.append(prose(found.documented) + "\n")
    if isinstance(found.node, ast.ClassDef):
        parts += [method(found.module, each) for each in methods(found.node)]
    parts.append(f"Source: [{where}{'/__init__' if path.name == '__init__.py' else ''}.py](../../{path})\n")
    return "\n".join(parts)


def method(module: str, node: ast.FunctionDef) -> str:
    text = prose(ast.get_docstring(node) or "")
    return f"```python\n{header(module, node)}\n```\n\n{text}\n"


def methods(node: ast.ClassDef) -> list[ast.FunctionDef]:
    """Return the public methods and properties that have a docstring."""
    own = (each for each in node.body if isinstance(each, ast.FunctionDef))
    return [each for each in own if each.name[0] != "_" and ast.get_docstring(each)]


def signature(found: Found) -> str:
    if isinstance(found.node, ast.FunctionDef):
        return header(found.module, found.node)
    if not isinstance(found.node, ast.ClassDef):
        return _shortened(_segment(found.module, found.node))
    bases = f"({', '.join(ast.unparse(each) for each in found.node.bases)})" if found.node.bases else ""
    lines = [f"class {found.name}{bases}"]
    for each in found.node.body:
        if isinstance(each, ast.AnnAssign) and "ClassVar" not in ast.unparse(each.annotation):
            if isinstance(each.target, ast.Name) and each.target.id[0] != "_":
                lines.append(f"    {_segment(found.module, each)}")
        elif isinstance(each, ast.FunctionDef) and each.name == "__init__":
            lines += [f"    {line}" for line in header(found.module, each).splitlines()]
    return "\n".join(lines)


def header(module: str, node: ast.FunctionDef) -> str:
    """Return the decorators that say how it is called, and the `def` line as it is written."""
    lines = text_of(module).splitlines()
    written = "\n".join(lines[node.lineno - 1 : node.body[0].lineno - 1]) or lines[node.lineno - 1]
    written = re.sub(r"\s*#[^\n]*$|:\s*$", "", _dedented(written), flags=re.MULTILINE).rstrip(": \n")
    kept = ("property", "classmethod", "staticmethod", "score", "probe")
    marks = [f"@{ast.unparse(each)}" for each in node.decorator_list if ast.unparse(each).split("(")[0] in kept]
    marks = [re.sub(r", interval=_\w+", "", mark).replace("'", '"') for mark in marks]
    return "\n".join([*marks, written])


def exported(package: str) -> list[Found]:
    """Return what a package exports: `from x import name as name`, and what its `__init__.py` defines."""
    return sorted(_exported(package), key=lambda found: (found.name.lower(), found.name))


def _exported(package: str) -> Iterator[Found]:
    for node in ast.walk(tree(package)):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                if (
                    alias.asname == alias.name
                    and not alias.name.startswith("_")
                    and (found := find(node.module, alias.name))
                ):
                    yield found
    yield from public_of(package)


def of_modules(package: str) -> list[Found]:
    """Return the public functions and classes of the modules of a package, module by module."""
    folder = file_of(package).parent
    names = sorted(".".join(path.relative_to(SOURCE).with_suffix("").parts) for path in folder.rglob("[!_]*.py"))
    return [found for name in names for found in public_of(name) if found.documented and not _constant(found)]


def imported_by_pages() -> list[Found]:
    """Return what the Python of the pages of docs/ imports from modules of byrote."""
    named: set[tuple[str, str]] = set()
    pages = [Path("README.md"), *sorted(Path("docs").glob("*.md")), *sorted(Path("docs/tutorials").glob("*.md"))]
    for path in pages:
        for block in re.findall(r"^```py\w*\n(.*?)^```", path.read_text(), re.DOTALL | re.MULTILINE):
            for module, names in re.findall(r"^from (byrote[.\w]*) import ([\w, ]+)", block, re.MULTILINE):
                named |= {(module, name.split(" as ")[0].strip()) for name in names.split(",")}
    found = [each for module, name in sorted(named) if (each := find(module, name))]
    return list({(each.module, each.name): each for each in found}.values())


def find(module: str, name: str) -> Found | None:
    """Return where a name that can be imported from a module is defined; None for what is no name of byrote."""
    if not module.startswith("byrote") or not file_of(module).exists():
        return None
    for node in tree(module).body:
        if name in _names(node):
            assert isinstance(node, Definition)
            return Found(name, module, node)
    for node in ast.walk(tree(module)):
        if (
            isinstance(node, ast.ImportFrom)
            and node.module
            and any(name == alias.asname or name == alias.name for alias in node.names)
        ):
            return find(node.module, name)
    return None


def public_of(module: str) -> Iterator[Found]:
    for node in tree(module).body:
        for name in _names(node):
            if name[0] != "_":
                assert isinstance(node, Definition)
                yield Found(name, module, node)


def prose(text: str) -> str:
    """Return a docstring as Markdown: what it would read as markup is escaped, but for code."""
    parts = re.split(r"(`[^`]*`|^ {4}.*$)", text, flags=re.MULTILINE)
    return "".join(part if at % 2 else re.sub(r"([*<|])", r"\\\1", part) for at, part in enumerate(parts))


def file_of(module: str) -> Path:
    path = SOURCE.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def text_of(module: str) -> str:
    return file_of(module).read_text()


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(text_of(module))


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [each.id for each in targets if isinstance(each, ast.Name)]


def _constant(found: Found) -> bool:
    return not isinstance(found.node, ast.FunctionDef | ast.ClassDef)


def _text(node: ast.stmt) -> str:
    constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return node.value.value if constant else ""  # pyright: ignore[reportAttributeAccessIssue]


def _segment(module: str, node: ast.stmt) -> str:
    return ast.get_source_segment(text_of(module), node) or ""


def _shortened(text: str) -> str:
    lines = text.splitlines()
    return text if len(lines) <= 6 else f"{lines[0]}...{lines[-1].strip()}"


def _dedented(text: str) -> str:
    width = len(text) - len(text.lstrip())
    return "\n".join(line[width:] for line in text.splitlines())


def _file(package: str) -> str:
    return f"{package.removeprefix('byrote.')}.md"
