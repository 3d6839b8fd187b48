"""Fuzzing: seeded inputs that are almost right, given to every way in. `python tests/fuzzing.py 2000` tries so many.

A fault is anything but an answer or a ByroteError (on the command line: a status of 0, 1 or 2 without a traceback); and an answer
that is not the right one, where the right one is known: the same arrays in another form, a record whose bytes were damaged.
"""

import contextlib
import inspect
import io
import shutil
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_origin

import numpy as np
import torch
from jaxtyping import AbstractArray

import byrote
import byrote.summaries
from byrote.arrays import is_checked
from byrote.cli import main
from byrote.errors import ByroteError
from byrote.record import Record
from byrote.scores import SCORES
from byrote.task.loading import load_task
from small import small_task

Random = np.random.Generator
ALONE = byrote.Compute(workers=1)

WORDS = [
    "", " ", "0", "1", "-1", "2", "3", "1e9", "9" * 320, "nan", "inf", "None", "True", "é", "\U0001f600", "a b", "a" * 300,
    "self", "../..", "/", ".", "/dev/null", "/proc/self/mem", "x.py", "x:y", ":", "::", "(", ")", "f(", "f(x)", "f(*a)", "f(a=1)",
    "fashion", "record", "task.py", "s3://", "s3a:/x", "file://", "http://", "\ud800", "\x00", "\n", "%s", "{}", "[1, 2]", "0.5",
]  # fmt: skip
SPELLED = [
    "memorization", "memorization(self=1)", "el2n(step=5)", "el2n(step=-1)", "el2n(step='x')", "el2n(step=1.5)", "el2n(step=[])",
    "forgetting", "aum", "lira", "influence", "influence(targets=1)", "csl(until=0)", "loss(step=None)", "c_score", "task.py:x",
    "data_map", "shrunk_memorization", "curvature", "tracin", "entropy(step=1)", "mean_confidence(until=10**9)", "rmia(a=-1)",
]  # fmt: skip
DESIGNS = [
    "halves", "halves()", "subsets", "subsets(fraction=0)", "subsets(fraction=2)", "subsets(fraction='x')", "subsets(fraction=[])",
    "subsets(fraction=1e-9)", "kfold(folds=1)", "kfold(folds=2.5)", "kfold(folds=10**9)", "kfold(folds=None)", "kfold(folds=True)",
    "leave_one_out", "leave_group_out", "leave_one_out(x=1)", "kfold(5)", "subsets(fraction=float('nan'))", "subsets(self=1)",
]  # fmt: skip
CANARIES = [
    "0", "1", "-1", "mislabeled=1", "mislabeled=-1", "noise=10**9", "noise=x", "ambiguous=3,noise=3", "=", "mislabeled=1,mislabeled=2",
    "99999999999999999999", "mislabeled=1.5", ",", "self=1",
]  # fmt: skip
VERBS: dict[str, tuple[list[str], dict[str, list[str]]]] = {
    "audit": (
        ["task.py"],
        {
            "--runs": ["0", "-1", "x", "99999999999999999999"], "--epochs": ["0", "1", "x"], "--design": DESIGNS, "--canaries": CANARIES,
            "--seed": ["0", "-1", "99999999999999999999999"], "--until": ["0", "nan", "inf", "-1", "2", "error=nan", "top=0:1", "top=9:", "error=.1,error=.1"], "--memory": [*WORDS, "1B", "8GB"],
            "--device": ["cpu", "cuda:99", "tpu", "", "meta", "cpu:7"], "--precision": ["auto", "fp64"], "--workers": ["0", "1", "x"],
            "--probe": ["curvature", "curvature(vectors=0)", "x", "curvature(self=1)", "entropy"], "--probe-every": ["-1", "1"],
            "--out": WORDS, "--engine": ["local", "x"],
        },
    ),
    "score": (["record", "memorization"], {"--top": ["0", "1", "x", "9" * 30], "--split": ["train", "test", "all", "x"], "--csv": [], "--json": []}),
    "attack": (["record"], {"--csv": [], "--json": []}),
    "relabel": (["record"], {"--split": ["train", "test", "x"], "--top": ["0", "2"], "--csv": WORDS}),
    "catalogue": ([], {"--csv": [], "--json": []}),
    "locate": (["task.py", "record"], {"--run": ["0", "99", "-1"], "--layer": WORDS, "--examples": ["1", "2"], "--device": ["tpu"]}),
    "attribute": (["task.py", "record"], {"--run": ["0", "99", "-1"], "--method": ["x"], "--targets": ["0", "1"], "--sketch": ["-1"]}),
    "remove": (["task.py", "record"], {"--share": ["0", "1", "x", "nan"], "--seeds": ["1"], "--device": ["tpu"]}),
}  # fmt: skip

TASK = """
import numpy as np
import byrote
from torch import nn
rng = np.random.default_rng(0)
x = {x}
y = {y}
task = byrote.Task(
    model={model}, train=byrote.Examples(x, y{more}), test={test}, recipe=byrote.Recipe({recipe}), name={name}, classes={classes},
    objective={objective},
)
"""
PIECES: dict[str, list[str]] = {
    "x": [
        "rng.normal(size=(30, 5)).astype('float32')", "rng.normal(size=(30, 5)).tolist()", "rng.normal(size=30)", "rng.normal(size=(0, 5))",
        "[[1, 2], [3]]", "rng.integers(0, 9, (30, 5))", "np.full((30, 5), np.nan)", "np.full((30, 5), 1e300)", "None", "'text'",
        "{'a': rng.normal(size=(30, 5))}", "(rng.normal(size=(30, 5)), rng.normal(size=(29, 5)))", "{}", "()", "rng.normal(size=(30, 5)) * 1j",
        "np.array(['a'] * 30)", "np.zeros((30, 5), 'O')", "rng.normal(size=(30, 0))", "np.zeros((30, 5), 'M8[s]')", "x", "1 / 0",
        "__import__('sys').exit(3)", "rng.normal(size=(30, 5)) > 0",
    ],
    "y": [
        "np.arange(30) % 2", "(np.arange(30) % 2).tolist()", "np.arange(30) % 2 == 1", "np.zeros(30, int)", "np.arange(30) - 1", "np.arange(29) % 2",
        "np.arange(30) * 10**9", "np.full(30, np.nan)", "(np.arange(30) % 2)[:, None]", "['a', 'b'] * 15", "None", "np.arange(30) / 2",
        "np.arange(30) % 2 * 2.0", "np.zeros((30, 3))", "[None] * 30", "7", "np.arange(30) % 3",
    ],
    "model": [
        "lambda: nn.Linear(5, 2)", "nn.Linear(5, 2)", "lambda: nn.Linear(4, 2)", "lambda: nn.Linear(5, 3)", "lambda: None", "lambda x: x", "None",
        "lambda: 1 / 0", "lambda: nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))", "lambda: nn.Linear(5, 2).double()",
        "byrote.Fit(lambda train, seed: lambda inputs: np.full((len(inputs), 2), 0.5))", "byrote.Fit(lambda train, seed: None)",
        "byrote.Fit(lambda train, seed: lambda inputs: np.full((len(inputs), 2), 7.0))", "byrote.Fit(lambda train, seed: exit())",
        "byrote.Fit(lambda train, seed: lambda inputs: 'x')", "byrote.Fit(lambda: 0)", "lambda: __import__('sys').exit(1)",
        "lambda: nn.Sequential(nn.Linear(5, 2), nn.Flatten(0))", "lambda: nn.LSTM(5, 2)", "lambda: nn.Identity()", "lambda: nn.Linear(5, 1)",
    ],
    "more": [
        "", ", [str(i) for i in range(30)]", ", ['a'] * 30", ", [None] * 30", ", ['\\ud800%d' % i for i in range(30)]", ", 7", ", 'a' * 30",
        ", groups=['g'] * 30", ", groups=[None] * 30", ", weights=np.ones(30)", ", weights=-np.ones(30)", ", weights='x'", ", weights=np.zeros(30)",
        ", [1.5] * 30", ", groups=[chr(0xd800)] * 30", ", ['a\\0%d' % i for i in range(30)]", ", ['x' * 5000 + str(i) for i in range(30)]",
    ],
    "test": ["None", "byrote.Examples(x, y)", "byrote.Examples(x[:7], y[:7])", "byrote.Examples(rng.normal(size=(9, 4)), y[:9])", "7"],
    "recipe": [
        "epochs=1", "epochs=0", "epochs=1.5", "epochs=True", "epochs='1'", "batch_size=0", "batch_size=10**9", "learning_rate=1e30, epochs=2",
        "learning_rate=float('nan')", "learning_rate=-1", "optimizer='x'", "optimizer='sgd(nesterov=True)'", "optimizer='sgd(x=1)'",
        "optimizer='adam(betas=3)'", "optimizer=None", "clip_norm=0", "accumulate=0", "evaluate_every=-1", "momentum='x'", "weight_decay=float('inf')",
        "optimizer='sgd(self=1)'", "optimizer='adam(params=1)'", "epochs=1, accumulate=99",
    ],
    "name": ["'t'", "''", "None", "7", "'a/b'", "'../x'", "'\\ud800'", "'\\0'", "'x' * 300", "'<script>'"],
    "classes": ["()", "('a', 'b')", "('a',)", "'ab'", "7", "(1, 2)", "None", "['a', 'b']", "('\\ud800', 'b')", "('a', 'a')"],
    "objective": ["'classification'", "'regression'", "'multilabel'", "'x'", "None", "7", "byrote.Regression()", "byrote.Classification(smoothing=2)"],
}  # fmt: skip

ODD: list[Callable[[Random], Any]] = [
    lambda _: None, lambda _: 7, lambda _: "text", lambda _: [], lambda _: [[1, 2], [3]], lambda _: np.zeros(0), lambda _: np.zeros((0, 3)),
    lambda _: np.array(3.0), lambda r: r.normal(size=(2, 3, 4)), lambda r: r.normal(size=6), lambda r: r.normal(size=(4, 6)),
    lambda _: np.full((4, 6), np.nan), lambda _: np.full(6, np.inf), lambda r: r.integers(0, 2, (4, 6)), lambda r: r.integers(-9, 9, 6),
    lambda r: r.random((4, 6)) < 0.5, lambda _: np.array(["a", "b"]), lambda r: r.normal(size=6) * 1j, lambda _: np.zeros(6, "M8[s]"),
    lambda _: np.array([None] * 6), lambda _: {"a": 1}, lambda r: torch.tensor(r.normal(size=(4, 6))), lambda _: True, lambda _: -1.5,
    lambda _: np.zeros((4, 6), bool), lambda _: np.ones((4, 6), bool), lambda _: np.zeros((1, 1)), lambda _: float("nan"), lambda _: 10**400,
]  # fmt: skip


def some(rng: Random, values: list[Any]) -> Any:
    return values[rng.integers(len(values))]


def mostly(rng: Random, values: list[Any]) -> Any:
    """Return the first of these, which is right, or some other."""
    return values[0] if rng.random() < 0.8 else some(rng, values)


class Grounds:
    """A folder with a task file and a record of it, which inputs may be about."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.record = folder, folder / "record"
        text = "from small import small_task\ntask = small_task(epochs=2, n=40)\n"
        (folder / "task.py").write_text(text)
        byrote.collect(
            small_task(epochs=2, n=40),
            self.record,
            runs=4,
            canaries=byrote.Canaries(mislabeled=4, ordinary=4),
            compute=ALONE,
            source="task.py",
        )
        self.files = sorted(path for path in self.record.rglob("*") if path.suffix in (".parquet", ".json", ".jsonl"))
        self.said = everything(self.record)


def everything(directory: Path) -> list[bytes]:
    """All numbers that a record holds."""
    record = Record(directory)
    people = record.population
    parts = [
        people.ids,
        people.split,
        people.labels,
        people.canary,
        people.true_label,
        people.groups,
        people.weights,
        people.inputs,
    ]
    said = [np.array(record.runs), *parts]
    for run in record.runs:
        said += [record.member(run), *(record.over_steps(run, name) for name in record.layout.columns)]
        said += [record.scalar(run, name) for name in record.scalars]
    return [np.asarray(each).tobytes() for each in said]


def command_line(rng: Random, grounds: Grounds) -> str:
    verb = some(rng, list(VERBS))
    given, options = VERBS[verb]
    words = [verb, *given]
    if verb == "score":
        words[2] = some(rng, [*SPELLED, *WORDS])
    for _ in range(rng.integers(1, 4)):
        if options and rng.random() < 0.8:
            name = some(rng, list(options))
            words += [name, some(rng, options[name])] if options[name] else [name]
        elif len(words) > 1:
            words[rng.integers(1, len(words))] = some(rng, WORDS)
    if verb == "audit" and "--runs" not in words:
        words += ["--runs", "0"]
    if verb in ("locate", "attribute", "remove") and not any(name in words for name in options):
        words += [name := some(rng, list(options)), some(rng, options[name])]  # what is right would train for seconds
    out, err, before = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO(), sys.argv
    sys.argv, status = ["byrote", *words], 0
    try:
        with contextlib.chdir(grounds.folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException as error:
        raise AssertionError(f"{words}") from error
    finally:
        sys.argv = before
        shutil.rmtree(grounds.folder / "audits", ignore_errors=True)
    assert status in (0, 1, 2), f"{words} ended with {status}"
    assert "Traceback" not in err.getvalue(), f"{words}: {err.getvalue()}"
    assert status == 0 or err.getvalue().strip(), f"{words} ended with {status}, without a word"
    return "answered" if status == 0 else "refused"


def task_file(rng: Random, grounds: Grounds) -> str:
    pieces = {name: choices[0] for name, choices in PIECES.items()}
    for _ in range(rng.integers(1, 3)):
        name = some(rng, list(PIECES))
        pieces[name] = some(rng, PIECES[name])
    path, out = grounds.folder / "odd.py", grounds.folder / "odd"
    path.write_text(TASK.format(**pieces))
    shutil.rmtree(out, ignore_errors=True)
    try:
        record = byrote.collect(load_task(str(path)), out, runs=1, compute=ALONE)
    except ByroteError:
        return "refused"
    except BaseException as error:
        raise AssertionError({name: piece for name, piece in pieces.items() if piece != PIECES[name][0]}) from error
    assert np.isfinite(record.at_step(0, "loss", record.last_step)).all(), pieces
    return "answered"


def recorder(rng: Random, grounds: Grounds) -> str:
    where = grounds.folder / "loop"
    shutil.rmtree(where, ignore_errors=True)
    odd = [some(rng, ODD)(rng) for _ in range(4)]
    good = {"run": 0, "steps": 2, "classes": ("a", "b")}
    ids: list[Any] = [np.arange(6), [str(i) for i in range(6)], torch.arange(6), ["\ud800"] * 6, [True] * 6, range(6)]
    outputs: list[Any] = [
        torch.zeros(6, 2),
        torch.zeros(6, 3),
        torch.full((6, 2), torch.nan),
        torch.zeros(6, 2, dtype=torch.int64),
    ]
    labels: list[Any] = [
        torch.zeros(6, dtype=torch.int64),
        [0] * 6,
        np.arange(6) % 2,
        torch.full((6,), 9),
        torch.zeros(6, 2),
    ]
    calls: list[str] = []
    try:
        if rng.random() < 0.2:
            good[some(rng, list(good))] = odd[0]
        if rng.random() < 0.1:
            good["objective"] = some(rng, ["regression", "multilabel", "x", None, 7])
        given = byrote.Recorder(where, **good)  # type: ignore[arg-type]
        for _ in range(rng.integers(1, 5)):
            batch = [mostly(rng, ids), mostly(rng, outputs), mostly(rng, labels)]
            if rng.random() < 0.1:
                batch[rng.integers(3)] = odd[1]
            what = rng.random()
            calls.append(f"{what:.2f} {[repr(each)[:40] for each in batch]}")
            if what < 0.4:
                given.seen(*batch)
            elif what < 0.7:
                given.clean(
                    *batch, split=mostly(rng, ["train", "test", "x", None]), member=mostly(rng, [None, True, odd[2]])
                )
            else:
                given.end_step(mostly(rng, [1, 2, odd[3]]))
    except ByroteError:
        return "refused"
    except BaseException as error:
        raise AssertionError(f"{good} {calls}") from error
    return "answered"


def arrays(rng: Random, _: Grounds) -> str:
    name = some(rng, sorted(FUNCTIONS))
    function, wanted = FUNCTIONS[name], WANTED[name]
    given = {each: some(rng, ODD)(rng) if kind == "array" or rng.random() < 0.3 else 1 for each, kind in wanted.items()}
    if rng.random() < 0.7:  # what the annotations ask for, but perhaps of another kind
        lengths: dict[str, int] = {axis: int(rng.integers(1, 12)) for axis in ("run", "step", "example", "target")}
        given |= {
            each: _array(rng, _shape(function, each, lengths)) for each, kind in wanted.items() if kind == "array"
        }
    if rng.random() < 0.1:
        given["level"] = some(rng, [0.9, 90, 0, -1, "x", None, float("nan")])
        given = (
            given
            if "level" in inspect.signature(function).parameters
            else {k: v for k, v in given.items() if k != "level"}
        )
    described = f"{name}({', '.join(f'{key}={value!r}'[:80] for key, value in given.items())})"
    try:
        with np.errstate(all="ignore"):
            found = function(**given)
            try:
                again = function(**{name: _in_another_form(value) for name, value in given.items()})
            except ByroteError:
                return "answered"
    except ByroteError:
        return "refused"
    except BaseException as error:
        raise AssertionError(described) from error
    assert _equal(found, again), f"{described} says {found!r}, and {again!r} of lists and 0 and 1"
    return "answered"


def record_bytes(rng: Random, grounds: Grounds) -> str:
    path = some(rng, grounds.files)
    whole = path.read_bytes()
    damaged, at = bytearray(whole), int(rng.integers(len(whole)))
    kind = some(rng, ["bit", "bit", "zeros", "cut", "noise", "twice"])
    if kind == "bit":
        damaged[at] ^= 1 << int(rng.integers(8))
    elif kind == "zeros":
        damaged[at : at + 64] = bytes(len(damaged[at : at + 64]))
    elif kind == "noise":
        damaged[at : at + 8] = rng.bytes(len(damaged[at : at + 8]))
    elif kind == "cut":
        del damaged[at:]
    else:
        damaged[at:at] = damaged[at : at + 100]
    path.write_bytes(damaged)
    try:
        said = everything(grounds.record)
        Record(grounds.record).seconds()
    except ByroteError:
        return "refused"
    except BaseException as error:
        raise AssertionError(f"{path.name}, {kind} at {at} of {len(whole)}") from error
    finally:
        path.write_bytes(whole)
    assert said == grounds.said, f"{path.name}, {kind} at {at} of {len(whole)} bytes changed a number"
    return "answered"


WAYS: list[Callable[[Random, Grounds], str]] = [command_line, task_file, recorder, arrays, record_bytes]


def _wanted(function: Any) -> dict[str, str]:
    """Return the parameters that have no default, and whether each is an array, a number or neither."""
    found = inspect.signature(function).parameters.values()
    needed = [each for each in found if each.default is inspect.Parameter.empty]
    return {each.name: _kind(each.annotation) for each in needed}


def _kind(annotation: Any) -> str:
    if get_origin(annotation) is Callable:
        return "other"
    parts = get_args(annotation) or (annotation,)
    if any(isinstance(part, type) and issubclass(part, AbstractArray) for part in parts):
        return "array"
    return "number" if all(part in (int, float) for part in parts) else "other"


FUNCTIONS: dict[str, Any] = {
    **{name: each.function for name, each in SCORES.items()},
    **{name: each for name, each in vars(byrote.summaries).items() if callable(each) and is_checked(each)},
}
WANTED = {name: _wanted(function) for name, function in FUNCTIONS.items()}
FUNCTIONS = {name: function for name, function in FUNCTIONS.items() if "other" not in WANTED[name].values()}


def _shape(function: Any, name: str, lengths: dict[str, int]) -> tuple[int, ...]:
    """Return the axes of a parameter, each as long as it is said to be (4 where nothing is said)."""
    annotation = inspect.signature(function).parameters[name].annotation
    arrays = [part for part in get_args(annotation) or (annotation,) if hasattr(part, "dim_str")]
    axes = [axis.lstrip("*") for axis in arrays[0].dim_str.split()]
    return tuple(int(axis) if axis.isdigit() else lengths.get(axis, 4) for axis in axes)


def _array(rng: Random, shape: tuple[int, ...]) -> Any:
    return some(
        rng,
        [
            rng.random(shape) < 0.5,
            rng.normal(size=shape),
            rng.integers(0, 2, shape),
            rng.random(shape).astype(np.float32),
        ],
    )


def _in_another_form(value: Any) -> Any:
    """Return an array as a list, and flags as 0 and 1: they are the same."""
    if not isinstance(value, np.ndarray):
        return value
    return (value.astype(np.int8) if value.dtype == np.bool_ else value).tolist()


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return one.shape == other.shape and bool(
            np.allclose(one.astype(float), other.astype(float), rtol=1e-4, atol=1e-5, equal_nan=True)
        )
    if isinstance(one, tuple):
        return all(_equal(*pair) for pair in zip(one, other, strict=True))
    return True if not isinstance(one, float) else bool(np.isclose(one, other, rtol=1e-4, atol=1e-5, equal_nan=True))


def fuzz(count: int, folder: Path, seed: int = 0) -> tuple[Counter[str], list[str]]:
    """Try `count` inputs, each way in turn; return how each ended, and what was wrong."""
    grounds, ends, faults = Grounds(folder), Counter[str](), list[str]()
    for number in range(count):
        way = WAYS[number % len(WAYS)]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ends[f"{way.__name__} {way(np.random.default_rng([seed, number]), grounds)}"] += 1
        except AssertionError as error:
            ends[f"{way.__name__} wrong"] += 1
            cause = error.__cause__
            where = "" if cause is None else f"\n    {type(cause).__name__}: {str(cause)[:300]}\n{_last(cause)}"
            faults.append(f"{number} {way.__name__}: {str(error)[:600]}{where}")
    return ends, faults


def _last(error: BaseException) -> str:
    return "".join(
        f"      {frame.filename}:{frame.lineno}\n" for frame in traceback.extract_tb(error.__traceback__)[-3:]
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        ended, wrong = fuzz(int(sys.argv[1]), Path(scratch), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    print("\n".join([*wrong, *(f"{count:6} {name}" for name, count in sorted(ended.items())), f"{len(wrong)} faults"]))
    sys.exit(bool(wrong))
