"""Measure one contender, or one library's matrix rate, in a process of its own.

``python _measure.py REQUEST.json`` prints one line of JSON and nothing else on its standard
output: what libraries print goes to the standard error.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import traceback
from pathlib import Path
from statistics import median
from typing import Any

import _machine
from _peers import FIT_BATCH, PREDICT_BATCH, Contender, Runner, all_contenders

COLD_ROWS = 1000
SLOW_COLD_ROWS = {"predict": 2 * PREDICT_BATCH, "fit": 2 * FIT_BATCH}
MINIMUM_ROWS = 1000


def find(name: str, task: str) -> Contender:
    """The contender of that name and task."""
    return next(one for one in all_contenders() if (one.name, one.task) == (name, task))


def timed(runner: Runner, texts: list[str], labels: list[str], passes: int = 1) -> float:
    """Seconds that ``passes`` calls on all the texts take."""
    start = time.perf_counter()
    for _ in range(passes):
        runner.run(texts, labels)
    return time.perf_counter() - start


Clocks = tuple[float, float, float | None]


def clocks() -> Clocks:
    """Wall seconds, processor seconds of this process, processor seconds of the machine."""
    return time.perf_counter(), time.process_time(), _machine.system_busy_seconds()


def cores_busy(before: Clocks, after: Clocks) -> tuple[float, float | None]:
    """Cores that this process and that all others kept busy between two readings."""
    wall = after[0] - before[0]
    own = (after[1] - before[1]) / wall
    if before[2] is None or after[2] is None:
        return own, None
    return own, max(0.0, (after[2] - before[2]) / wall - own)


def rows_to_measure(rate: float, seconds: float, contender: Contender, available: int) -> int:
    """How many rows take about ``seconds``: whole batches, and 1,000 or more where it is fast.

    Grouping by length works better on many rows than on few, so the floor keeps contenders
    that group comparable.
    """
    batch = FIT_BATCH if contender.task == "fit" else PREDICT_BATCH
    floor = batch if contender.slow else MINIMUM_ROWS
    wanted = max(floor, round(rate * seconds / batch) * batch)
    if contender.slow and available > batch:
        available -= available % batch  # A smaller last batch would be compiled anew.
    return min(available, wanted)


def measure(request: dict[str, Any]) -> dict[str, Any]:
    """Load, time the first call, warm up on the rows to measure, then time the repeats."""
    contender = find(request["contender"], request["task"])
    texts, labels, seconds = request["texts"], request["labels"], request["seconds"]
    start = time.perf_counter()
    runner = contender.build(contender.task, Path(request["model"]), request["names"])
    load = time.perf_counter() - start

    cold_rows = SLOW_COLD_ROWS[contender.task] if contender.slow else COLD_ROWS
    cold_rows = min(cold_rows, len(texts))
    before = clocks()
    cold = timed(runner, texts[:cold_rows], labels[:cold_rows])
    _, cold_others = cores_busy(before, clocks())
    again = timed(runner, texts[:cold_rows], labels[:cold_rows])

    rows = rows_to_measure(cold_rows / again, seconds, contender, len(texts))
    texts, labels = texts[:rows], labels[:rows]
    warm = again * rows / cold_rows
    if not contender.slow:
        # Every shape that the measured calls use must have been compiled before them.
        warm = timed(runner, texts, labels)
    passes = max(1, round(seconds / warm))
    result = repeat(runner, texts, labels, passes, request["repeats"])
    return result | {
        "load_s": load,
        "cold_s": cold,
        "cold_rows": cold_rows,
        "cold_others_busy": cold_others,
        "startup_s": max(0.0, cold - cold_rows / result["texts_per_s"]),
        "limit": runner.limit,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def repeat(
    runner: Runner, texts: list[str], labels: list[str], passes: int, repeats: int
) -> dict[str, Any]:
    """Steady-state texts per second: the median of the repeats, each of them, cores busy.

    ``others_busy`` is how many cores other processes kept busy meanwhile: a figure taken
    beside a busy neighbour is too low.
    """
    before = clocks()
    times = [timed(runner, texts, labels, passes) for _ in range(repeats)]
    busy, others = cores_busy(before, clocks())
    rates = [len(texts) * passes / one for one in times]
    return {
        "texts_per_s": median(rates),
        "rates": rates,
        "rows": len(texts),
        "passes": passes,
        "cores_busy": busy,
        "others_busy": others,
    }


def thread_facts() -> dict[str, int]:
    """The threads that the libraries in this process say they use."""
    facts = {"processors": len(_machine.available_cores())}
    if "torch" in sys.modules:
        facts["torch"] = sys.modules["torch"].get_num_threads()
    if "tensorflow" in sys.modules:
        threading = sys.modules["tensorflow"].config.threading
        facts["tensorflow"] = threading.get_intra_op_parallelism_threads()
    return facts


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """The measurement asked for, or the reason why there is none."""
    _machine.keep_to_cores(request["threads"])
    try:
        if request["kind"] == "matmul":
            return {"flops_per_s": _machine.matmul_rate(request["library"])}
        return measure(request) | {"threads": thread_facts()}
    except Exception as error:  # A contender's failure is a row of the table.
        traceback.print_exc()
        lines = str(error).strip().splitlines() or [""]
        return {"failed": f"{type(error).__name__}: {lines[0]}"[:200]}


def main() -> None:
    """Answer the request in the file named on the command line."""
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    print(json.dumps(answer(request)), file=output, flush=True)


if __name__ == "__main__":
    main()
