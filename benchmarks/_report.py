"""The Markdown report of a throughput run."""

from __future__ import annotations

from typing import Any

from _peers import BACKENDS, FIT_BATCH, PREDICT_BATCH

Row = dict[str, Any]

TITLES = {
    "predict": "Predict: texts in, class scores or embeddings out",
    "fit": f"Fit: one epoch at batch size {FIT_BATCH}, texts in",
}
RIVALS = {
    "predict": ("transformers-pipeline", "sentence-transformers"),
    "fit": ("trainer-padding", "trainer-grouped"),
}
COLUMNS = (
    "contender",
    "texts/s",
    "lowest to highest",
    "useful GFLOP/s",
    "of the machine's rate",
    "rows x passes x repeats",
    "mean tokens",
    "first call, s (rows)",
    "start-up, s",
    "cores busy: own + others'",
    "peak memory, MiB",
)


def table(columns: tuple[str, ...], rows: list[list[str]]) -> str:
    """A Markdown table, its first column to the left and the others to the right."""
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def figure(value: float) -> str:
    """A number to three significant digits, never in exponent form."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def machine_rate(report: Row) -> float:
    """The highest matrix rate measured, in FLOP/s; zero where none was."""
    rates = [one["flops_per_s"] for one in report["matmul"] if "flops_per_s" in one]
    return max(rates, default=0.0)


def share(row: Row, rate: float) -> str:
    """Useful operations per second as a share of the machine's rate."""
    return f"{100 * row['useful_flops_per_s'] / rate:.1f}%" if rate else "-"


DISTURBED = 0.1


def mark(others: float | None) -> str:
    """An exclamation mark where other processes kept a tenth of a core or more busy."""
    return " (!)" if others is not None and others >= DISTURBED else ""


def contender_line(row: Row, rate: float) -> list[str]:
    """A contender's line of the table of its task."""
    if "failed" in row:
        reason = row["failed"].replace("|", "/")
        return [row["contender"], f"failed: {reason}", *["-"] * (len(COLUMNS) - 2)]
    others = "?" if row["others_busy"] is None else f"{row['others_busy']:.2f}"
    return [
        row["contender"],
        figure(row["texts_per_s"]) + mark(row["others_busy"]),
        f"{figure(min(row['rates']))} to {figure(max(row['rates']))}",
        figure(row["useful_flops_per_s"] / 1e9),
        share(row, rate),
        f"{row['rows']:,} x {row['passes']} x {len(row['rates'])}",
        figure(row["mean_tokens"]),
        f"{figure(row['cold_s'])} ({row['cold_rows']:,})" + mark(row["cold_others_busy"]),
        figure(row["startup_s"]),
        f"{row['cores_busy']:.2f} + {others}",
        f"{row['peak_mib']:,.0f}",
    ]


def ratio_lines(rows: list[Row], task: str) -> list[list[str]]:
    """For each backend of ours: its texts/s over those of each peer."""
    rates = {row["contender"]: row.get("texts_per_s", 0.0) for row in rows}
    lines = []
    for backend in BACKENDS:
        ours = rates.get(f"keras-textcls-{backend}", 0.0)
        peers = [rates.get(name, 0.0) for name in (f"keras-hub-{backend}", *RIVALS[task])]
        cells = [f"{ours / peer:.2f}" if ours and peer else "-" for peer in peers]
        lines.append([f"keras-textcls-{backend}", *cells])
    return lines


def head(report: Row) -> str:
    """Hardware, versions, commit, texts and threads."""
    machine, texts = report["machine"], report["texts"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    return "\n".join(
        [
            "# Throughput",
            "",
            f"- Machine: {machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB "
            f"of memory; {machine['system']}; load {machine['load_at_start']} at the start",
            f"- Threads: {machine['threads']} for every contender; no GPU; float32",
            f"- Date: {machine['time_utc']} UTC; took {report['seconds_taken'] / 60:.0f} minutes",
            f"- Commit: {machine['commit']}",
            f"- Versions: {versions}",
            f"- Model: {report['model']}",
            f"- Texts: {texts['source']}, {texts['rows']:,} rows in a seeded order, "
            f"{texts['mean_tokens']:.1f} tokens on average (with special tokens), median "
            f"{texts['median_tokens']:.0f}, 95% at most {texts['p95_tokens']}, longest "
            f"{texts['longest']}",
        ]
    )


def matmul_section(report: Row) -> str:
    """Each library's matrix rate, before and after the contenders."""
    if not report["matmul"]:
        return "## Matrix rate\n\nNot measured."
    lines = []
    for one in report["matmul"]:
        rate = one.get("flops_per_s")
        cell = figure(rate / 1e9) if rate else f"failed: {one['failed']}"
        lines.append([one["library"], one["when"], cell])
    title = "## Matrix rate: float32, square matrices of 2,048"
    best = f"The machine's rate is the highest of these: {figure(machine_rate(report) / 1e9)} "
    return f"{title}\n\n{table(('library', 'when', 'GFLOP/s'), lines)}\n\n{best}GFLOP/s."


def task_section(report: Row, task: str) -> str:
    """The table of a task and, where ours ran, the ratios to each peer."""
    rows = [row for row in report["results"] if row["task"] == task]
    if not rows:
        return ""
    lines = [contender_line(row, machine_rate(report)) for row in rows]
    parts = [f"## {TITLES[task]}", table(COLUMNS, lines)]
    if any(row["contender"].startswith("keras-textcls") for row in rows):
        columns = ("texts/s of ours over", "keras-hub, same backend", *RIVALS[task])
        parts.append(table(columns, ratio_lines(rows, task)))
    return "\n\n".join(parts)


NOTES = f"""## How to read it

- Texts per second is the median of the repeats after a warm-up; tokenization is included.
- Useful GFLOP/s counts real tokens only, truncated at the contender's own limit, and no
  padding; the formula is in `benchmarks/_texts.py`. Training counts as three times the
  forward pass.
- The first call excludes imports and loading of weights and includes compilation. Its number
  of rows is smaller for Keras Hub; the start-up column takes the steady-state time of these
  rows away from it and so can be compared.
- Cores busy: by the contender itself and by all other processes while it was measured. (!)
  marks a figure taken while others kept a tenth of a core or more busy: it is too low (a time
  too high), by far more than their share where threads wait for one another. Measure it again.
- Peers predict in batches of {PREDICT_BATCH}. sentence-transformers returns embeddings and has
  no classification head; the others return class scores."""


def markdown(report: Row) -> str:
    """The whole report."""
    tasks = [task_section(report, task) for task in ("predict", "fit")]
    parts = [head(report), matmul_section(report), *tasks, NOTES]
    return "\n\n".join(part for part in parts if part) + "\n"
