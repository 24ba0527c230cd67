"""Reading large files: rows a second and peak memory, beside pandas and polars.

    python benchmarks/ingest.py [--rows 2000000] [--folder FOLDER]

Writes a CSV and a JSON Lines file of texts of some 15 words and a label, some
of them in quotes, and reads them: `read` with the table in memory, `read` with
a limit of 32 MiB, so that the table lies in a file, pandas, polars, and the
readers of pyarrow, which `read` uses. Every run is a process of its own, so
that its peak memory is its own; contenders take turns, and the best of the turns
counts. The last lines are the speed of the fingerprint and of SHA-256 alone.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TURNS = 5
CONTENDERS = ("read", "read, 32 MiB", "pyarrow", "pandas", "polars")


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(_run(*arguments.one)))
        return
    for suffix in ("csv", "jsonl"):
        path = arguments.folder / f"ingest_{arguments.rows}.{suffix}"
        if not path.exists():
            _generate(path, arguments.rows)
        results: dict[str, list[dict[str, float]]] = {name: [] for name in CONTENDERS}
        for _ in range(TURNS):
            for name in CONTENDERS:
                results[name].append(_run_apart(name, path))
        _show(path, results)


def _generate(path: Path, rows: int) -> None:
    rng = random.Random(0)
    words = ["".join(rng.choices("etaoinshrdlu", k=rng.randint(2, 9))) for _ in range(5000)] + [
        "naïve",
        "Straße",
        "東京",
    ]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if path.suffix == ".csv":
            writer.writerow(["id", "text", "label"])
        for i in range(rows):
            text = " ".join(rng.choices(words, k=rng.randint(5, 25)))
            if i % 4 == 0:
                text = f'{text}, he said "{words[i % 5000]}"'
            if i % 50 == 0:
                text += "\nand went on"
            label = rng.choice(("ham", "spam", "eggs"))
            if path.suffix == ".csv":
                writer.writerow([i, text, label])
            else:
                row = {"id": str(i), "text": text, "label": label}
                file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _run_apart(name: str, path: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--one", name, str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    figures: dict[str, float] = json.loads(result.stdout.splitlines()[-1])
    return figures


def _run(name: str, path: str) -> dict[str, float]:
    load = _loader(name, path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    rows = load()
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    figures = {"rows": len(rows), "seconds": seconds, "peak_mb": peak / 1024}
    if name == "read":
        size = sum(rows.table.column(c).nbytes for c in rows.table.schema.names)
        start = time.perf_counter()
        _ = rows.fingerprint
        figures["fingerprint_mb_s"] = size / 1e6 / (time.perf_counter() - start)
        data = b"x" * (256 << 20)
        start = time.perf_counter()
        hashlib.sha256(data).digest()
        figures["sha256_mb_s"] = len(data) / 1e6 / (time.perf_counter() - start)
    return figures


def _loader(name: str, path: str) -> Any:
    is_csv = path.endswith("csv")
    if name.startswith("read"):
        from keras_textcls import read

        # The identifiers would be checked for repetition, which the others do not.
        columns: dict[str, Any] = {"text": "text", "label": "label", "id": "id"}
        limit: dict[str, Any] = {"memory_limit": 32 << 20} if name != "read" else {}
        return lambda: read(path, **columns, **limit)
    if name == "pandas":
        import pandas

        return lambda: pandas.read_csv(path) if is_csv else pandas.read_json(path, lines=True)
    if name == "pyarrow":
        from pyarrow import csv as arrow_csv
        from pyarrow import json as arrow_json

        options = arrow_csv.ParseOptions(newlines_in_values=True)
        return lambda: (
            arrow_csv.read_csv(path, parse_options=options)
            if is_csv
            else arrow_json.read_json(path)
        )
    import polars

    return lambda: polars.read_csv(path) if is_csv else polars.read_ndjson(path)


def _show(path: Path, results: dict[str, list[dict[str, float]]]) -> None:
    size = path.stat().st_size / 1e6
    rows = int(results["read"][0]["rows"])
    print(f"\n{path.suffix[1:]}: {rows:,} rows, {size:,.0f} MB\n")
    print("| contender | seconds | rows/s | MB/s | peak memory, MB |\n|---|---:|---:|---:|---:|")
    for name, runs in results.items():
        best = min(run["seconds"] for run in runs)
        peak = min(run["peak_mb"] for run in runs)
        print(f"| {name} | {best:.2f} | {rows / best:,.0f} | {size / best:,.0f} | {peak:,.0f} |")
    ours = results["read"]
    fingerprint = max(run["fingerprint_mb_s"] for run in ours)
    sha256 = max(run["sha256_mb_s"] for run in ours)
    print(f"\nfingerprint {fingerprint:,.0f} MB/s, SHA-256 alone {sha256:,.0f} MB/s")


if __name__ == "__main__":
    main()
