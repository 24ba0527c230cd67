"""Break real files in thousands of ways and read them.

    python benchmarks/fuzz_readers.py FILE... [--count 10000] [--seed 0]

Every outcome must be a dataset whose rows and invalid rows make up the file, or
an `InvalidDataError` or `ArgumentError` that names the file. Anything else is
printed with the seed of the mutation, and the script ends with exit code 1.
"""

from __future__ import annotations

import argparse
import faulthandler
import gzip
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from keras_textcls import ArgumentError, InvalidDataError, read
from keras_textcls.data.formats.delimited_records import Dialect, read_records

# Bytes that mean something to one of the formats.
SPECIAL = [b'"', b",", b"\n", b"\r", b"\r\n", b"\t", b";", b"|", b"\x00", b"\xff", b"\xfe\xff"]
SPECIAL += [b"{", b"}", b"[", b"]", b":", b"\\", b"\\u", b"\xe2\x80", b"\xc0\x80", b'""', b"null"]
BINARY = {".parquet", ".arrow", ".xlsx"}
SAMPLE = 4096
SLOW = 20.0


def main() -> None:
    """Run, and print what came out how often."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    seeds = {path: path.read_bytes() for path in arguments.files}
    outcomes: Counter[str] = Counter()
    faulthandler.dump_traceback_later(4 * SLOW, repeat=True)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(arguments.count):
            path = arguments.files[number % len(arguments.files)]
            rng = random.Random(f"{arguments.seed}-{number}")
            change = flip_bits if path.suffix in BINARY else mutate
            outcome = _try(change(seeds[path], rng), path, Path(folder), rng)
            outcomes[outcome.split(":")[0]] += 1
            if outcome.startswith("WRONG"):
                print(f"{path.name}, mutation {number}: {outcome}")
            faulthandler.dump_traceback_later(4 * SLOW, repeat=True)
    faulthandler.cancel_dump_traceback_later()
    for outcome, count in outcomes.most_common():
        print(f"{count:7,}  {outcome}")
    sys.exit(1 if outcomes["WRONG"] else 0)


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Break some part of a file."""
    start = rng.randrange(max(1, len(data) - SAMPLE)) if rng.random() < 0.5 else 0
    data = data[start : start + rng.randint(1, SAMPLE)]
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(6)
        if kind == 0:
            data = data[:at] + rng.choice(SPECIAL) + data[at:]
        elif kind == 1:
            data = data[:at] + rng.choice(SPECIAL) + data[at + 1 :]
        elif kind == 2:
            data = data[:at] + data[at + rng.randint(1, 200) :]
        elif kind == 3:
            data = data[:at] + rng.randbytes(rng.randint(1, 8)) + data[at:]
        elif kind == 4:
            data = data[:at] + data[max(0, at - rng.randint(1, 300)) :]
        else:
            data = data[:at]
    if rng.random() < 0.05:
        data = data.decode("latin-1").encode(rng.choice(["utf-16", "utf-16-le", "utf-32"]))
    return data


def flip_bits(data: bytes, rng: random.Random) -> bytes:
    """Break single bits of a file, and sometimes cut it."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed[: rng.randrange(len(changed))] if rng.random() < 0.1 else changed)


def _try(data: bytes, original: Path, folder: Path, rng: random.Random) -> str:
    path = folder / f"mutated{original.suffix}"
    if rng.random() < 0.1:
        path = path.with_name(path.name + ".gz")
        raw = gzip.compress(data)
        path.write_bytes(raw if rng.random() < 0.5 else raw[: rng.randrange(len(raw) + 1)])
    else:
        path.write_bytes(data)
    header = rng.random() < 0.5
    columns = {} if header else {"header": False, "text": 0, "label": 1}
    if original.suffix != ".csv":
        columns = {}
    start = time.perf_counter()
    try:
        dataset = read(path, invalid_data_tolerance_percent=100, **columns)  # type: ignore[arg-type]
    except (InvalidDataError, ArgumentError) as error:
        named = path.name in str(error) or "`header`" in str(error)
        return f"{type(error).__name__}" if named else f"WRONG: no file in: {error}"
    # Whatever else comes up is what this script is for.
    except Exception as error:
        return f"WRONG: {type(error).__name__}: {error}"
    if time.perf_counter() - start > SLOW:
        return f"WRONG: took {time.perf_counter() - start:.0f} s"
    num_rows = len(dataset) + len(dataset.invalid_rows)
    expected = _count_rows(data, dataset.details, header) if original.suffix == ".csv" else num_rows
    if num_rows != expected:
        return f"WRONG: {num_rows} rows of {expected}"
    lines = [row.line for row in dataset.invalid_rows]
    if lines != sorted(lines):
        return "WRONG: lines out of order"
    return "dataset" + (" with invalid rows" if lines else "")


def _count_rows(data: bytes, details: Mapping[str, str], header: bool) -> int:
    """Number of records of the whole file, in the dialect that was chosen."""
    text = data.decode(details["encoding"], "replace").removeprefix("\ufeff")
    quote = details.get("quote", "'\"'")
    dialect = Dialect(details["delimiter"].strip("'").replace("\\t", "\t"), '"')
    if quote == "None":
        dialect = Dialect(dialect.delimiter, None)
    return sum(not record.is_blank for record in read_records(text, dialect)) - header


if __name__ == "__main__":
    main()
