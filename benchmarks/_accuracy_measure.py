"""Measure one contender of the accuracy benchmark on a list of jobs, in a process of its own.

``python _accuracy_measure.py REQUEST.json`` prints a line of JSON for each job and nothing else
on its standard output: what libraries print goes to the standard error.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import _machine
from _accuracy_contenders import CONTENDERS
from _accuracy_tasks import fine_tuning_task, metrics, seed_task, transfer_task
from _measure import clocks, cores_busy

TASKS = {"transfer": transfer_task, "seed": seed_task, "fine-tuning": fine_tuning_task}


def measure(job: dict[str, Any], data: Path) -> dict[str, Any]:
    """Train and test; the metrics, the seconds, and the cores that were busy."""
    task = TASKS[job["part"]](data, job["set"], job["settings"]["seed"])
    before = clocks()
    scores, seconds = CONTENDERS[job["contender"]].solve(task, job["settings"])
    own, others = cores_busy(before, clocks())
    return metrics(task, scores) | seconds | {"cores_busy": own, "others_busy": others}


def answer(job: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """The job with its results, or with the reason why there are none."""
    try:
        results = measure(job, Path(request["data"]))
    except Exception as error:  # A contender's failure is a cell of the table.
        traceback.print_exc()
        lines = str(error).strip().splitlines() or [""]
        results = {"failed": f"{type(error).__name__}: {lines[0]}"[:200]}
    return job | results | {"ended_utc": time.strftime("%Y-%m-%d %H:%M", time.gmtime())}


def main() -> None:
    """Answer the request in the file named on the command line."""
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    _machine.keep_to_cores(request["threads"])
    for job in request["jobs"]:
        print(json.dumps(answer(job, request)), file=output, flush=True)


if __name__ == "__main__":
    main()
