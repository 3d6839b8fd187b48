"""What docs/security.md says of the code: nothing is unpickled or evaluated, and data is downloaded in one place only."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src/byrote"

NAMED = {
    "cloudpickle.dumps": {"training/dispatch.py", "task/fit.py"},
    "cloudpickle.loads": {"training/dispatch.py"},
    "spec.loader.exec_module": {"task/loading.py"},
    "urllib.request.urlopen": {"task/datasets/fashion_mnist.py"},
}
"""Calls that the page names, and where they may be."""

SAFE = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False), "numpy.load": ("allow_pickle", False)}
"""Loaders that are safe with this option only."""

NEVER = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "yaml.load", "joblib.load"}
NO_MODULES = {"pickle", "dill", "marshal", "shelve", "subprocess", "joblib"}


def calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield dotted(node.func), node


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` as it is written; empty for what is no name."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def faults(code: str, where: str) -> list[str]:
    """Return what a file does that the page rules out."""
    tree = ast.parse(code)
    found: list[str] = []
    for name, call in calls(tree):
        if name in NEVER or where not in NAMED.get(name, {where}):
            found.append(f"{where}:{call.lineno} calls {name}")
        if name in SAFE:
            option, value = SAFE[name]
            given = {each.arg: ast.unparse(each.value) for each in call.keywords}
            if given.get(option) != str(value):
                found.append(f"{where}:{call.lineno} calls {name} without {option}={value}")
    for node in ast.walk(tree):
        names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        found += [f"{where}:{node.lineno} imports {each}" for each in names if each.split(".")[0] in NO_MODULES]  # pyright: ignore[reportAttributeAccessIssue]
    return found


def test_nothing_is_unpickled_or_evaluated() -> None:
    files = sorted(SOURCE.rglob("*.py"))
    assert len(files) > 300
    found = [fault for path in files for fault in faults(path.read_text(), str(path.relative_to(SOURCE)))]
    assert found == []


def test_each_place_that_the_page_names_is_there() -> None:
    for name, places in NAMED.items():
        for place in places:
            assert name in {each for each, _ in calls(ast.parse((SOURCE / place).read_text()))}, f"{name} in {place}"


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from pickle import loads",
        "eval(text)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "cloudpickle.loads(data)",
        "urllib.request.urlopen(url)",
    ],
)
def test_the_search_finds_what_it_looks_for(code: str) -> None:
    assert len(faults(code, "record/reading.py")) == 1
