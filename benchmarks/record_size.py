"""Bytes of a record: per example and step of a run, column by column, and of the examples with their pictures.

    python benchmarks/record_size.py [DIRECTORY]

Without a directory, two runs of the embedded Fashion-MNIST sample are collected first (--epochs).
"""

import argparse
import tempfile
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
from side_by_side import machine, table

import byrote
from byrote.task.loading import fashion


def sizes(paths: list[Path]) -> tuple[Counter[str], int]:
    """Return compressed bytes by column, and rows, over these files."""
    found: Counter[str] = Counter()
    rows = 0
    for path in paths:
        metadata = pq.ParquetFile(path).metadata
        rows += metadata.num_rows
        for group in range(metadata.num_row_groups):
            for i in range(metadata.num_columns):
                column = metadata.row_group(group).column(i)
                found[column.path_in_schema.removesuffix(".list.element")] += column.total_compressed_size
        found["(file footer)"] += path.stat().st_size - sum(
            metadata.row_group(g).column(i).total_compressed_size
            for g in range(metadata.num_row_groups)
            for i in range(metadata.num_columns)
        )
    return found, rows


def report(directory: Path) -> None:
    record = byrote.Record(directory)
    examples, steps, runs = len(record.population), record.last_step, len(record.runs)
    paths = sorted((directory / "runs").glob("*.parquet"))
    found, rows = sizes(paths)
    total = sum(path.stat().st_size for path in paths)
    cells = examples * steps * runs
    print(
        f"{runs} runs x {steps} steps x {examples} examples; {rows / runs:.0f} rows a run (an example that nobody asked about in a step has none)\n"
    )
    lines = [
        [name, f"{size / runs:,.0f}", f"{size / rows:.2f}", f"{size / cells:.2f}"] for name, size in found.most_common()
    ]
    lines.append(["**all**", f"{total / runs:,.0f}", f"{total / rows:.2f}", f"{total / cells:.2f}"])
    print(table(["column of a run", "bytes a run", "bytes a row", "bytes an example and step"], lines))
    found, rows = sizes([directory / "examples.parquet"])
    total = (directory / "examples.parquet").stat().st_size
    lines = [[name, f"{size:,}", f"{size / rows:.1f}"] for name, size in found.most_common()]
    lines.append(["**all**", f"{total:,}", f"{total / rows:.1f}"])
    print()
    print(table(["column of examples.parquet", "bytes", "bytes an example"], lines))
    print(f"\n{machine()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", nargs="?", type=Path)
    parser.add_argument("--epochs", type=int, default=10)
    asked = parser.parse_args()
    if asked.directory:
        report(asked.directory)
        return
    with tempfile.TemporaryDirectory() as scratch:
        task = fashion()
        recipe = byrote.Recipe(
            epochs=asked.epochs, batch_size=task.recipe.batch_size, learning_rate=task.recipe.learning_rate
        )
        task = byrote.Task(task.model, task.train, task.test, recipe, task.classes, task.name)
        byrote.collect(task, scratch, runs=2, canaries=byrote.Canaries.of_each(len(task.train) // 100))
        report(Path(scratch))


if __name__ == "__main__":
    main()
