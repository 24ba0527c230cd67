"""The Markdown report of an accuracy run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

from _accuracy_tasks import FINE_TUNING_SETS, SEED_SETS, TRANSFER_SETS
from _report import figure, mark, table

Result = dict[str, Any]
SEED_COLUMNS = {
    "seed_imdb_129": "129 reviews, tested on the other 71",
    "seed_imdb_200": "200 reviews, tested on 10,000 others",
}
LEAK = "leakage"


def brief(result: Result) -> str:
    """A result in one line, for the log."""
    settings = " ".join(f"{name}={value}" for name, value in result["settings"].items())
    head = f"{result['part']}/{result['set']}/{result['contender']} {settings}"
    if "failed" in result:
        return f"{head}: failed: {result['failed']}"
    return (
        f"{head}: accuracy {result['accuracy']:.4f}, macro F1 {result['macro_f1']:.4f}, "
        f"{result['train_s']:.1f} s"
    )


def contender_name(result: Result) -> str:
    """The contender, with its backend if it has one."""
    return result["contender"] + (f" ({result['backend']})" if result["backend"] else "")


def grouped(results: Iterable[Result], by: Callable[[Result], Any]) -> dict[Any, list[Result]]:
    """Results by a property, in the order of their first."""
    groups: dict[Any, list[Result]] = {}
    for result in results:
        groups.setdefault(by(result), []).append(result)
    return groups


def average(results: list[Result], metric: str, spread: bool = False) -> str:
    """The mean over the seeds to three digits, with the standard deviation if asked for."""
    values = [one[metric] for one in results if "failed" not in one]
    if not values:
        return "failed" if results else "-"
    text = f"{mean(values):.3f}"
    return f"{text} ± {stdev(values):.3f}" if spread and len(values) > 1 else text


def seconds(results: list[Result], name: str) -> str:
    """The median over the seeds, marked where other processes were at work."""
    values = [one[name] for one in results if name in one]
    if not values:
        return "-"
    others = [one["others_busy"] for one in results if one.get("others_busy") is not None]
    return figure(median(values)) + mark(max(others, default=0.0))


def transfer_tables(results: list[Result]) -> list[str]:
    """Accuracy, and seconds to train, of a thousand texts of each set."""
    sets = [name for name in TRANSFER_SETS if any(one["set"] == name for one in results)]
    accuracy, times = [], []
    for name, mine in grouped(results, contender_name).items():
        by_set = grouped(mine, lambda one: one["set"])
        cells = [average(by_set.get(one, []), "accuracy") for one in sets]
        numbers = [float(cell) for cell in cells if cell not in ("-", "failed")]
        overall = f"{mean(numbers):.3f}" if len(numbers) == len(sets) else "-"
        accuracy.append([name, *cells, overall])
        trained = [seconds(by_set.get(one, []), "train_s") for one in sets]
        embedded = [seconds(by_set.get(one, []), "embed_s") for one in sets]
        pairs = zip(trained, embedded, strict=True)
        times.append([name, *(a if b == "-" else f"{a} / {b}" for a, b in pairs)])
    return [
        "## 1,000 training texts\n\nAccuracy, mean over the seeds.",
        table(("contender", *sets, "mean"), accuracy),
        "Seconds to train, strings in / seconds of the bare embedding of the same texts; median.",
        table(("contender", *sets), times),
    ]


def seed_tables(results: list[Result], data: Path) -> list[str]:
    """Accuracy and ROC AUC on the small set, and what its test file shares with it."""
    columns: list[str] = ["contender"]
    for name in SEED_SETS:
        columns += [f"{SEED_COLUMNS[name]}: macro ROC AUC", "accuracy"]
    lines = []
    for contender, mine in grouped(results, contender_name).items():
        by_set = grouped(mine, lambda one: one["set"])
        cells = [
            average(by_set.get(name, []), metric, spread=True)
            for name in SEED_SETS
            for metric in ("roc_auc", "accuracy")
        ]
        lines.append([contender, *cells])
    shared = leaked(data / "seed_imdb")
    leak = f"`read(imdb.csv).check(read(test_imdb.csv))` finds {shared} of the test texts in both."
    return ["## 200 film reviews", table(tuple(columns), lines), leak]


def leaked(folder: Path) -> int:
    """How many texts of the test file the check finds in the training file too."""
    import keras_textcls

    train = keras_textcls.read(folder / "imdb.csv")
    finding = train.check(keras_textcls.read(folder / "test_imdb.csv")).named(LEAK)
    return finding.count if finding else 0


def fine_tuning_tables(results: list[Result]) -> list[str]:
    """A table for each set: one line for each contender and recipe."""
    parts = ["## Fine-tuning of all-MiniLM-L6-v2"]
    columns = (
        "contender",
        "epochs",
        "learning rate",
        "seeds",
        "accuracy",
        "macro F1",
        "seconds to train",
        "texts/s",
    )
    by_set = grouped(results, lambda one: one["set"])
    for name in [one for one in FINE_TUNING_SETS if one in by_set]:
        groups = grouped(by_set[name], lambda one: (contender_name(one), *recipe(one)))
        rows = [fine_tuning_line(key, mine) for key, mine in groups.items()]
        sizes = next((one for one in by_set[name] if "failed" not in one), None)
        said = f": {sizes['train_rows']:,} / {sizes['test_rows']:,} texts" if sizes else ""
        parts += [f"### {name}{said}", table(columns, rows)]
    return parts


def recipe(result: Result) -> tuple[str, str]:
    """Epochs and learning rate, as the table has them."""
    settings = result["settings"]
    rate = settings.get("learning_rate")
    return str(settings["epochs"]), "default" if rate is None else f"{rate:g}"


def fine_tuning_line(key: tuple[str, str, str], results: list[Result]) -> list[str]:
    """A contender's line for one recipe."""
    rates = [
        one["train_rows"] * one["settings"]["epochs"] / one["train_s"]
        for one in results
        if "train_s" in one
    ]
    return [
        *key,
        str(len(results)),
        average(results, "accuracy", spread=True),
        average(results, "macro_f1", spread=True),
        seconds(results, "train_s"),
        figure(median(rates)) if rates else "-",
    ]


def markdown(results: list[Result], data: Path, machine: dict[str, Any]) -> str:
    """All tables that there are results for, and what they were measured on."""
    by_part = grouped(results, lambda one: one["part"])
    parts = []
    if "transfer" in by_part:
        parts += transfer_tables(by_part["transfer"])
    if "seed" in by_part:
        parts += seed_tables(by_part["seed"], data)
    if "fine-tuning" in by_part:
        parts += fine_tuning_tables(by_part["fine-tuning"])
    return "\n\n".join([*parts, *failures(results), *footnotes(results, machine)])


def failures(results: list[Result]) -> list[str]:
    """Why a measurement has no result."""
    return [f"- {brief(one)}" for one in results if "failed" in one]


def footnotes(results: list[Result], machine: dict[str, Any]) -> list[str]:
    """Threads, commits and versions."""
    threads = ", ".join(sorted({str(one["threads"]) for one in results}))
    commits = sorted({one["commit"] for one in results})
    commit = ", ".join(one[:9] + one[40:] for one in commits)
    versions = ", ".join(f"{name} {one}" for name, one in machine["versions"].items() if one != "-")
    return [
        "(!): other processes kept a tenth of a core or more busy, so the seconds are too many.",
        f"{machine['cpu']}, {machine['cores']} cores; threads {threads}; commit {commit}; "
        f"{machine['system']}; {versions}.",
    ]
