"""Read every file of a folder of real data sets, and say what became of its rows.

    python benchmarks/real_data.py FOLDER

`FOLDER` holds a sub-folder for each data set, with CSV files `train`, `validation`
and `test` (columns `text` and `label`), and the special ones named in `SPECIAL`.
The rows of each CSV are counted with the standard library; rows read and rows
listed as invalid must make up all of them. Addresses in `text_urls.csv` are served
by a server on this machine.
"""

from __future__ import annotations

import argparse
import csv
import http.server
import io
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from keras_textcls import TextDataset, read

SPECIAL: dict[str, dict[str, Any]] = {
    "goemotions_multilabel": {"label_separator": "|"},
    "noisy": {"label": "airline_sentiment", "metadata": True},
}


def main() -> None:
    """Print a line for each file, and what `check` says of each data set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    print(
        "| file | rows | read | invalid | labels | any number | ms |\n|---|---|---|---|---|---|---|"
    )
    for path in sorted(folder.rglob("*.csv")):
        if path.name == "text_urls.csv":
            continue
        start = time.perf_counter()
        options: dict[str, Any] = {"label": "label"} if path.name == "test_oos.csv" else {}
        dataset = read(path, **{**SPECIAL.get(path.parent.name, options)})
        _show(path, folder, dataset, 1000 * (time.perf_counter() - start))
        _round_trip(dataset)
    _folders(folder)
    _addresses(folder)
    for train in sorted(folder.rglob("train.csv")):
        options = SPECIAL.get(train.parent.name, {})
        test = train.with_name("test.csv")
        against = read(test, **options) if test.exists() else None
        report = read(train, **options).check(against)
        print(f"\n{train.parent.name}: " + "; ".join(f.message for f in report))


def _show(path: Path, folder: Path, dataset: TextDataset, milliseconds: float) -> None:
    expected = _count(path, dataset.details["encoding"])
    num_rows = len(dataset) + len(dataset.invalid_rows)
    if num_rows != expected:
        raise SystemExit(f"{path}: {num_rows} rows of {expected}")
    labels = len(dataset.labels or ())
    print(
        f"| {path.relative_to(folder)} | {expected:,} | {len(dataset):,} | "
        f"{dataset.invalid_rows.counts or 0} | {labels} | {dataset.multi_label} | "
        f"{milliseconds:,.0f} |"
    )


def _count(path: Path, encoding: str) -> int:
    text = path.read_bytes().decode(encoding, "replace")
    return sum(1 for row in csv.reader(io.StringIO(text, newline="")) if row) - 1


def _round_trip(dataset: TextDataset) -> None:
    """Save and load, split and put together: the same rows."""
    with tempfile.TemporaryDirectory() as scratch:
        dataset.save(Path(scratch) / "saved")
        if TextDataset.load(Path(scratch) / "saved").fingerprint != dataset.fingerprint:
            raise SystemExit("saved and loaded is another version")
    parts = dataset.split(stratify=False)
    texts = sorted(text for part in parts if part is not None for text in part.texts)
    if texts != sorted(dataset.texts):
        raise SystemExit("the parts of a split are not the whole")


def _folders(folder: Path) -> None:
    for path in sorted(folder.rglob("text_files")):
        dataset = read(path)
        files = sum(1 for _ in path.rglob("*.txt"))
        print(
            f"| {path.relative_to(folder)} | {files} | {len(dataset)} | 0 | {dataset.labels} | | |"
        )


def _addresses(folder: Path) -> None:
    """Serve each address of the file from this machine, one of them broken."""
    for path in sorted(folder.rglob("text_urls.csv")):
        rows = list(csv.DictReader(path.open(encoding="utf-8", newline="")))
        names = {Path(row["input"]).name: row["input"].encode() for row in rows[1:]}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = names.get(self.path.lstrip("/"))  # noqa: B023 - served within the loop
                self.send_response(404 if body is None else 200)
                self.end_headers()
                self.wfile.write(b"The text of " + (body or b"nothing"))

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Say nothing."""

        with (
            http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server,
            tempfile.TemporaryDirectory() as scratch,
        ):
            threading.Thread(target=server.serve_forever, daemon=True).start()
            local = Path(scratch) / "urls.csv"
            with local.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(["input", "concepts"])
                for row in rows:
                    address = f"http://127.0.0.1:{server.server_port}/{Path(row['input']).name}"
                    writer.writerow([address, row["concepts"]])
                writer.writerow(["file:///etc/passwd", "llm"])
            dataset = read(local, cells="url", invalid_data_tolerance_percent=50)
            server.shutdown()
        print(f"\n{path.name}: {dataset}\n{dataset.invalid_rows}")


if __name__ == "__main__":
    main()
