import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from byrote.errors import ByroteError, InvalidData, MissingEvidence, WrongRecord
from byrote.record import (
    SCHEMA,
    Layout,
    Observed,
    Population,
    Record,
    Step,
    finished_runs,
    run_path,
    write_manifest,
    write_population,
    write_run,
)
from byrote.record.parquet import MARK
from layout import BASE_COLUMNS, LAYOUT, MANIFEST, run_settings

N, LAST = 6, 3
MEMBER = np.array([True, False, True, True, False, False])


def population(inputs: NDArray[Any] | None = None) -> Population:
    return Population.of(
        ids=np.array(["train/0", "train/1", "train/2", "test/0", "canary/mislabeled/train/7", "canary/noise/0"]),
        split=np.array(["train", "train", "train", "test", "canary", "canary"]),
        labels=np.array([0, 1, 0, 1, 1, 0]),
        canary=np.array(["", "", "", "", "mislabeled", "noise"]),
        verification=np.array([False, False, False, False, True, False]),
        source=np.array(["", "", "", "", "train/7", ""]),
        true_label=np.array([-1, -1, -1, -1, 0, -1]),
        groups=np.array(["a", "a", "b", "", "", ""]),
        inputs=np.arange(N * 2, dtype=np.float32).reshape(N, 2) if inputs is None else inputs,
    )


def values(seed: int, n: int) -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng(seed)
    floats = {name: rng.normal(size=n).astype(np.float32) for name in ("loss", "margin", "residual")}
    floats["confidence"] = rng.random(n).astype(np.float32)
    prediction = rng.integers(0, 2, n).astype(np.int32)
    return {**floats, "correct": rng.random(n) < 0.5, "prediction": prediction}


def steps() -> Iterator[Step]:
    """Members seen in each step, in shuffled order; some asked at step 2, everyone at the last."""
    for step in range(1, LAST + 1):
        asked = {1: [], 2: [5, 3], 3: [2, 0, 1, 5, 4, 3]}[step]
        clean = Observed(np.array(asked, np.int64), values(step, len(asked))) if asked else None
        yield Step(step, clean, Observed(np.array([3, 0, 2]), values(10 + step, 3)))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    write_population(tmp_path, population())
    task = {"name": "t", "source": "", "classes": ["no", "yes"]}
    write_manifest(tmp_path, {**MANIFEST, "key": "k", "task": task, "steps": {"unit": "epoch", "last": LAST}})
    write_run(run_path(tmp_path, 2), steps(), MEMBER, population().ids, run_settings(2, "k", seed=5), LAYOUT)
    return tmp_path


def test_runs_are_read_as_they_were_written(directory: Path) -> None:
    record = Record(directory)
    assert record.runs == (2,)
    for name in BASE_COLUMNS:
        clean, seen = np.full((LAST, N), np.nan), np.full((LAST, N), np.nan)
        for step in steps():
            for observed, into in ((step.clean, clean), (step.seen, seen)):
                if observed is not None:
                    into[step.step - 1, observed.positions] = observed.values[name]
        for column, expected in ((name, clean), (f"{name}_seen", seen)):
            np.testing.assert_array_equal(record.over_steps(2, column), expected)
            for step in range(1, LAST + 1):
                np.testing.assert_array_equal(record.at_step(2, column, step), expected[step - 1])
    np.testing.assert_array_equal(record.member(2), MEMBER)
    assert record.run_settings(2) == {"run": 2, "key": "k", "seed": 5}
    assert record.classes == ("no", "yes")


def test_a_complete_column_keeps_its_type(directory: Path) -> None:
    record = Record(directory)
    assert record.at_step(2, "correct", LAST).dtype == np.bool_
    assert record.at_step(2, "prediction", LAST).dtype == np.int32
    assert record.at_step(2, "correct_seen", LAST).dtype == np.float32


def test_the_file_holds_nulls_in_the_order_of_the_schema_page(directory: Path) -> None:
    table = pq.read_table(run_path(directory, 2))
    assert table.schema.names == LAYOUT.schema.names
    assert [table.schema.field(name).type for name in BASE_COLUMNS] == list(BASE_COLUMNS.values())
    keys = list(zip(table["step"].to_pylist(), table["example"].to_pylist(), strict=True))
    order = {name: i for i, name in enumerate(population().ids.tolist())}
    assert keys == sorted(keys, key=lambda key: (key[0], order[key[1]]))
    assert len(keys) == 3 + 4 + 6
    by_key = dict(zip(keys, table["loss"].to_pylist(), strict=True))
    assert by_key[1, "train/0"] is None
    assert by_key[2, "test/0"] is not None
    seen = dict(zip(keys, table["correct_seen"].to_pylist(), strict=True))
    assert seen[3, "train/1"] is None
    assert seen[3, "train/0"] in (True, False)


def test_not_a_number_that_was_recorded_is_not_null(tmp_path: Path, directory: Path) -> None:
    said = {**values(0, 2), "loss": np.array([np.nan, np.inf], np.float32)}
    step = Step(1, None, Observed(np.array([0, 2]), said))
    write_run(run_path(directory, 3), [step], MEMBER, population().ids, run_settings(3, "k"), LAYOUT)
    column = pq.read_table(run_path(directory, 3))["loss_seen"]
    assert column.null_count == 0
    np.testing.assert_array_equal(column.to_numpy(), [np.nan, np.inf])


def test_equal_runs_are_equal_bytes(directory: Path) -> None:
    write_run(run_path(directory, 4), steps(), MEMBER, population().ids, run_settings(2, "k", seed=5), LAYOUT)
    assert run_path(directory, 4).read_bytes() == run_path(directory, 2).read_bytes()


def test_the_population_is_read_as_it_was_written(directory: Path) -> None:
    written, found = population(), Record(directory).population
    for name in ("ids", "split", "labels", "canary", "verification", "source", "true_label", "groups", "inputs"):
        np.testing.assert_array_equal(getattr(found, name), getattr(written, name))
    table = pq.read_table(directory / "examples.parquet")
    assert table["canary"].null_count == 4
    assert table["true_label"].to_pylist() == [None, None, None, None, 0, None]
    assert table["group"].null_count == 3
    assert table["picture"].null_count == N


@pytest.mark.parametrize("shape", [(N, 5, 4), (N, 3, 5, 4)])
def test_pictures_are_kept_without_loss(tmp_path: Path, directory: Path, shape: tuple[int, ...]) -> None:
    images = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    write_population(directory, population(images))
    np.testing.assert_array_equal(Record(directory).population.inputs, images)


def test_inputs_that_cannot_be_shown_are_not_kept(directory: Path) -> None:
    write_population(directory, population(np.zeros((N, 2, 3, 4, 5), np.float32)))
    assert Record(directory).population.inputs.shape == (N, 0)


def test_splits_are_masks_and_canaries_are_apart(directory: Path) -> None:
    found = Record(directory).population
    assert [int(found.where(split).sum()) for split in ("train", "test", "canary", "all")] == [3, 1, 2, 6]
    with pytest.raises(ByroteError, match=r"no split named 'trian'\. Did you mean 'train'"):
        found.where("trian")


def test_unknown_columns_and_steps_are_refused(directory: Path) -> None:
    record = Record(directory)
    with pytest.raises(ByroteError, match=r"no column named 'los'\. Did you mean 'loss'"):
        record.at_step(2, "los", 1)
    for step in (0, LAST + 1):
        with pytest.raises(MissingEvidence, match=f"Step {step} was asked for, but this record has steps 1 to {LAST}"):
            record.at_step(2, "loss", step)
    with pytest.raises(MissingEvidence, match="Run 0 is not finished"):
        record.member(0)


def test_what_is_no_record_is_refused(directory: Path) -> None:
    with pytest.raises(WrongRecord, match=r"is not a record: it has no record\.json"):
        Record(directory / "runs")
    with pytest.raises(WrongRecord, match=r"is not a record: it has no record\.json"):
        Record(directory / "nowhere")


def test_another_schema_is_refused_by_both_versions(directory: Path) -> None:
    manifest = json.loads((directory / "record.json").read_text())
    (directory / "record.json").write_text(json.dumps({**manifest, "schema": 99}))
    with pytest.raises(WrongRecord, match=f"has schema version 99, but this byrote reads version {SCHEMA}"):
        Record(directory)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"task": {}}', "\x00\xff"])
def test_a_manifest_that_is_none_is_refused(directory: Path, text: str) -> None:
    (directory / "record.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(WrongRecord, match="cannot be read as a manifest"):
        Record(directory)


@pytest.mark.parametrize("kept", [0, 3, 100, 0.5, -1])
def test_a_broken_run_file_is_named_with_what_to_do(directory: Path, kept: float) -> None:
    path = run_path(directory, 2)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole)) if isinstance(kept, float) else kept])
    with pytest.raises(WrongRecord, match=r"0002\.parquet cannot be read .*Delete the file and collect again"):
        Record(directory).at_step(2, "loss", LAST)


def test_a_run_file_with_rotten_values_is_named(directory: Path) -> None:
    path = run_path(directory, 2)
    column = pq.ParquetFile(path).metadata.row_group(LAST - 1).column(LAYOUT.schema.names.index("loss"))
    data = bytearray(path.read_bytes())
    start = column.dictionary_page_offset or column.data_page_offset
    data[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    path.write_bytes(bytes(data))
    with pytest.raises(WrongRecord, match=r"0002\.parquet cannot be read"):
        Record(directory).at_step(2, "loss", LAST)


def test_a_parquet_file_of_something_else_is_named(directory: Path) -> None:
    run_path(directory, 2).write_bytes((directory / "examples.parquet").read_bytes())
    with pytest.raises(WrongRecord, match=r"0002\.parquet"):
        Record(directory).at_step(2, "loss", LAST)


@pytest.mark.parametrize("broken", [b"", b"PAR1", None])
def test_a_broken_population_is_named(directory: Path, broken: bytes | None) -> None:
    path = directory / "examples.parquet"
    if broken is None:
        path.unlink()
    else:
        path.write_bytes(broken)
    with pytest.raises(WrongRecord, match=r"examples\.parquet cannot be read"):
        Record(directory)


def test_strangers_in_a_run_are_refused(directory: Path) -> None:
    ids = population().ids.copy()
    ids[2] = "train/99"
    write_run(run_path(directory, 5), steps(), MEMBER, ids, run_settings(5, "k"), LAYOUT)
    with pytest.raises(WrongRecord, match=r"speaks of example 'train/99', which examples\.parquet does not list"):
        Record(directory).over_steps(5, "loss")


def test_a_run_of_a_longer_training_is_refused(directory: Path) -> None:
    longer = [*steps(), Step(LAST + 1, None, Observed(np.array([0]), values(0, 1)))]
    write_run(run_path(directory, 6), longer, MEMBER, population().ids, run_settings(6, "k"), LAYOUT)
    with pytest.raises(WrongRecord):
        Record(directory).over_steps(6, "loss_seen")


def test_only_numbered_files_are_runs(directory: Path) -> None:
    for name in ("0003.parquet.tmp", ".0004.parquet", "notes.parquet", "0005.csv"):
        (directory / "runs" / name).write_text("")
    assert finished_runs(directory) == (2,)
    assert finished_runs(directory / "nowhere") == ()


def test_a_writer_that_fails_leaves_the_old_file_and_no_half_one(directory: Path) -> None:
    def failing() -> Iterator[Step]:
        yield next(steps())
        raise KeyboardInterrupt

    before = {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    for run in (2, 3):
        with pytest.raises(KeyboardInterrupt):
            write_run(run_path(directory, run), failing(), MEMBER, population().ids, run_settings(run, "k"), LAYOUT)
    assert {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()} == before


def test_inputs_are_read_when_somebody_looks(directory: Path) -> None:
    found = Record(directory).population
    path = directory / "examples.parquet"
    whole = path.read_bytes()
    path.write_bytes(b"")
    with pytest.raises(WrongRecord, match=r"examples\.parquet cannot be read"):
        _ = found.inputs
    path.write_bytes(whole)
    np.testing.assert_array_equal(found.inputs, population().inputs)
    path.unlink()
    np.testing.assert_array_equal(found.inputs, population().inputs)


def test_inputs_are_of_the_population_even_when_its_file_has_grown(directory: Path) -> None:
    found, grown = Record(directory).population, population()
    columns = {name: value for name, value in vars(grown).items() if isinstance(value, np.ndarray)}
    twice = {name: np.concatenate([value, value]) for name, value in {**columns, "inputs": grown.inputs}.items()}
    write_population(directory, Population.of(**{**twice, "ids": np.arange(2 * N).astype(str)}))
    np.testing.assert_array_equal(found.inputs, grown.inputs)


def rewritten(path: Path, **settings: object) -> None:
    """Write a run file again with other settings and the same rows."""
    table = pq.read_table(path)
    about = json.loads(table.schema.metadata[b"byrote.run"]) | settings
    pq.write_table(table.replace_schema_metadata({"byrote.run": json.dumps(about)}), path)


def test_a_run_of_another_audit_is_refused(directory: Path) -> None:
    rewritten(run_path(directory, 2), key="other")
    with pytest.raises(WrongRecord, match=r"0002\.parquet is a run of another audit: its key is 'other'.*'k'"):
        Record(directory).at_step(2, "loss", LAST)


def test_a_run_file_under_another_number_is_refused(directory: Path) -> None:
    shutil.copy(run_path(directory, 2), run_path(directory, 7))
    record = Record(directory)
    assert record.at_step(2, "loss", LAST).shape == (N,)
    for read in (lambda: record.over_steps(7, "loss"), lambda: record.member(7), lambda: record.run_settings(7)):
        with pytest.raises(WrongRecord, match=r"0007\.parquet is a run of another audit: its number is 2.*7"):
            read()


@pytest.mark.parametrize("column", ["step", "example", "member", "loss", "confidence_seen"])
def test_a_run_file_without_a_listed_column_is_refused(directory: Path, column: str) -> None:
    path = run_path(directory, 2)
    pq.write_table(pq.read_table(path).drop_columns([column]), path)
    with pytest.raises(WrongRecord, match=rf"lacks the column '{column}'"):
        Record(directory).at_step(2, "margin", LAST)


def test_more_columns_than_listed_are_no_fault(directory: Path) -> None:
    path, before = run_path(directory, 2), Record(directory).over_steps(2, "loss")
    table = pq.read_table(path)
    pq.write_table(table.append_column("note", pa.array(["x"] * len(table))), path)
    np.testing.assert_array_equal(Record(directory).over_steps(2, "loss"), before)


@pytest.mark.parametrize("schema", [0, 1, 3, "2", None])
def test_another_schema_is_refused_in_one_sentence(directory: Path, schema: object) -> None:
    path = directory / "record.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": schema}))
    with pytest.raises(WrongRecord, match=rf"has schema version {schema!r}, but this byrote reads version 2"):
        Record(directory)


def test_a_flipped_bit_is_found_by_the_checksum_of_its_page(directory: Path) -> None:
    path = run_path(directory, 2)
    whole, metadata = path.read_bytes(), pq.ParquetFile(path).metadata
    column = LAYOUT.schema.names.index("loss")
    for group in range(metadata.num_row_groups):
        chunk = metadata.row_group(group).column(column)
        for last in (1, 4):  # the end of a chunk is the data of its last page
            at = chunk.data_page_offset + chunk.total_compressed_size - last
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            with pytest.raises(WrongRecord, match="CRC checksum"):
                Record(directory).over_steps(2, "loss")
            assert np.isfinite(Record(directory).over_steps(2, "margin_seen")[:, 0]).all()


def test_scalars_are_numbers_of_the_whole_step(tmp_path: Path) -> None:
    layout = Layout(LAYOUT.columns, ("learning_rate", "weight_norm"))
    write_population(tmp_path, population())
    task = {"name": "t", "source": "", "classes": ["no", "yes"]}
    body = {**MANIFEST, **layout.values(), "key": "k", "task": task, "steps": {"unit": "epoch", "last": LAST}}
    write_manifest(tmp_path, body)
    rates = [0.1, 1 / 3, None]
    written = [
        Step(step.step, step.clean, step.seen, {} if rate is None else {"learning_rate": rate})
        for step, rate in zip(steps(), rates, strict=True)
    ]
    write_run(run_path(tmp_path, 2), written, MEMBER, population().ids, run_settings(2, "k"), layout)
    record = Record(tmp_path)
    assert record.scalars == ("learning_rate", "weight_norm")
    np.testing.assert_array_equal(record.scalar(2, "learning_rate"), [0.1, 1 / 3, np.nan])
    assert np.isnan(record.scalar(2, "weight_norm")).all()
    with pytest.raises(ByroteError, match=r"no scalar named 'learning'\. Did you mean 'learning_rate'"):
        record.scalar(2, "learning")


def test_a_run_needs_its_number_and_key(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="must hold key"):
        write_run(run_path(tmp_path, 2), steps(), MEMBER, population().ids, {"run": 2}, LAYOUT)


def everything(directory: Path) -> list[object]:
    """All that a record says: its settings, its examples, and every column of its runs."""
    record = Record(directory)
    people = vars(record.population) | {"inputs": record.population.inputs}
    said: list[object] = [record.runs, {name: value for name, value in record.manifest.items() if name in KNOWN}]
    said += [value.tobytes() for _, value in sorted(people.items()) if isinstance(value, np.ndarray)]
    for run in record.runs:
        said += [record.member(run).tobytes(), record.run_settings(run)]
        said += [record.over_steps(run, name).tobytes() for name in LAYOUT.columns]
        said += [record.at_step(run, name, step).tobytes() for name in LAYOUT.columns for step in (1, LAST)]
        said += [record.scalar(run, name).tobytes() for name in record.scalars]
    return said


KNOWN = {*MANIFEST, "key", "task", "steps", "schema"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["runs/0002.parquet", "examples.parquet", "record.json"])
@pytest.mark.parametrize("vectors", [True, False])
def test_no_flipped_bit_changes_a_number(directory: Path, name: str, vectors: bool) -> None:
    """The places are drawn anew for each file; a flip is refused, or is where nothing is kept."""
    if not vectors:
        write_population(directory, population(np.arange(N * 12, dtype=np.uint8).reshape(N, 4, 3)))
    path, right = directory / name, everything(directory)
    whole, refused, rng = path.read_bytes(), 0, np.random.default_rng(len(name))
    for bit in rng.choice(8 * len(whole), 400, replace=False).tolist():
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        try:
            assert everything(directory) == right, f"bit {bit} of {len(whole)} bytes"
        except ByroteError:
            refused += 1
    assert refused > 200


def test_a_file_written_again_by_others_is_read_without_a_checksum_of_its_footer(directory: Path) -> None:
    path, before = run_path(directory, 2), Record(directory).over_steps(2, "loss")
    assert MARK in path.read_bytes()
    pq.write_table(pq.read_table(path), path)
    assert MARK not in path.read_bytes()
    np.testing.assert_array_equal(Record(directory).over_steps(2, "loss"), before)


def test_a_manifest_that_was_edited_says_so_and_may_be_kept(directory: Path) -> None:
    path = directory / "record.json"
    text = path.read_text()
    path.write_text(text.replace('"yes"', '"perhaps"'))
    with pytest.raises(WrongRecord, match=r'record\.json is not as it was written.*remove the line "checksum"'):
        Record(directory)
    body = json.loads(path.read_text())
    del body["checksum"]
    path.write_text(json.dumps(body))
    assert Record(directory).classes == ("no", "perhaps")


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"steps": {"unit": "epoch", "last": "3"}}, r"steps\.last is str, not int"),
        ({"steps": {"unit": "epoch", "last": True}}, r"steps\.last is bool, not int"),
        ({"steps": {"unit": "epoch", "last": 0}}, r"steps\.last is 0"),
        ({"steps": []}, "list indices must be integers"),
        ({"task": {"name": "t", "classes": "ab"}}, r"task\.classes is str, not list"),
        ({"task": {"name": "t", "classes": [1, 2]}}, "a name is int, not str"),
        ({"task": {"name": "t"}}, "it lacks 'classes'"),
        ({"columns": ["loss"]}, "'list' object has no attribute"),
        ({"scalars": "loss"}, "scalars is str, not list"),
        ({"key": 7}, "key is int, not str"),
        ({"blocks": ["4"]}, "a block is str, not int"),
        ({"blocks": 4}, "'int' object is not iterable"),
        ({"objective": "telepathy()"}, "telepathy"),
    ],
)
def test_a_mistyped_manifest_is_a_sentence(directory: Path, entry: dict[str, object], told: str) -> None:
    body = json.loads((directory / "record.json").read_text())
    del body["checksum"]
    write_manifest(directory, {**body, **entry})
    with pytest.raises(WrongRecord, match=rf"record\.json cannot be read as a manifest \(.*{told}"):
        Record(directory)


def test_a_manifest_that_is_too_deep_is_a_sentence(directory: Path) -> None:
    (directory / "record.json").write_text("[" * 100_000 + "]" * 100_000)
    with pytest.raises(WrongRecord, match="cannot be read as a manifest"):
        Record(directory)


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("confidence", 1.5, r"has 1\.5 in 'confidence', which is from 0 to 1"),
        ("confidence_seen", -0.25, r"has -0\.25 in 'confidence_seen'"),
        ("confidence", float("nan"), "has nan in 'confidence'"),
        ("loss", float("nan"), "has nan in 'loss'"),
        ("member", None, "does not say of every example whether it was trained on it"),
    ],
)
def test_values_that_cannot_be_are_refused(directory: Path, column: str, value: float | None, told: str) -> None:
    path = run_path(directory, 2)
    table = pq.read_table(path)
    at = table.column_names.index(column)
    changed = [*table[column].to_pylist()[:-1], value]
    pq.write_table(table.set_column(at, table.schema.field(at), pa.array(changed, table.schema.field(at).type)), path)
    record = Record(directory)
    with pytest.raises(WrongRecord, match=rf"0002\.parquet {told}.*delete the file and collect again"):
        record.member(2) if column == "member" else record.over_steps(2, column)


def test_members_that_are_numbers_are_refused(directory: Path) -> None:
    path = run_path(directory, 2)
    table = pq.read_table(path)
    at = table.column_names.index("member")
    pq.write_table(table.set_column(at, "member", table["member"].cast(pa.int8())), path)
    with pytest.raises(WrongRecord, match=r"has 'member' as int8, and it must be bool"):
        Record(directory).member(2)


def test_a_torn_log_costs_only_its_torn_lines(directory: Path) -> None:
    lines = [
        '{"run": 0, "seconds": 1.5}',
        '{"run": 1, "sec',
        '{"run": "x", "seconds": 1}',
        "[]",
        '{"run": 2, "seconds": NaN}',
    ]
    (directory / "log.jsonl").write_text("\n".join([*lines, '{"run": 3, "seconds": 2}', '{"run": 4']))
    with (directory / "log.jsonl").open("ab") as file:
        file.write(b"\xff\xfe")
    assert Record(directory).seconds() == {0: 1.5, 3: 2.0}


@pytest.mark.parametrize("name", ["runs/0002.parquet", "runs", "log.jsonl", "record.json", "working"])
def test_links_in_a_record_are_not_followed(
    directory: Path, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    """A record may be a stranger's: a link in it could make an audit read, or append to, a file of the user's own."""
    elsewhere, path = tmp_path_factory.mktemp("elsewhere") / "mine", directory / name
    path.rename(elsewhere) if path.exists() else elsewhere.mkdir() if name == "working" else elsewhere.touch()
    path.symlink_to(elsewhere)
    with pytest.raises(WrongRecord, match=rf"{name} is a symbolic link, and byrote follows none in a record"):
        Record(directory)


def test_a_record_may_be_reached_by_a_link(directory: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    link = tmp_path_factory.mktemp("links") / "record"
    link.symlink_to(directory)
    assert Record(link).runs == (2,)
