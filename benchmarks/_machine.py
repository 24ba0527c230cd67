"""The machine, the package versions and the threads of a benchmark run."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (
    "keras-textcls",
    "keras",
    "keras-hub",
    "tensorflow",
    "tensorflow-text",
    "jax",
    "jaxlib",
    "torch",
    "transformers",
    "sentence-transformers",
    "accelerate",
    "tokenizers",
    "numpy",
)
MATMUL_LIBRARIES = ("torch", "tensorflow", "jax")
MATMUL_SIZE = 2048
MATMUL_BLOCKS = 5
MATMUL_BLOCK_SECONDS = 0.5


def available_cores() -> list[int]:
    """The processors this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def keep_to_cores(threads: int) -> int:
    """Keep this process to its first ``threads`` processors; return how many it has now."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, available_cores()[:threads])
    return len(available_cores())


def child_environment(threads: int, backend: str | None) -> dict[str, str]:
    """The environment of a contender: processor only, ``threads`` threads in every library.

    XLA takes its number of threads from the processors the process may run on, which
    ``keep_to_cores`` sets. A compilation cache of JAX would make cold times warm, so a set
    one is taken out. The checkout goes first on the path, so that it need not be installed.
    """
    env = dict(os.environ)
    for name in ("JAX_COMPILATION_CACHE_DIR", "KERAS_BACKEND", "TF_XLA_FLAGS", "XLA_FLAGS"):
        env.pop(name, None)
    for name in ("OMP", "MKL", "OPENBLAS", "RAYON"):
        env[f"{name}_NUM_THREADS"] = str(threads)
    env["TF_NUM_INTRAOP_THREADS"] = env["TF_NUM_INTEROP_THREADS"] = str(threads)
    env.update(CUDA_VISIBLE_DEVICES="", JAX_PLATFORMS="cpu", TF_CPP_MIN_LOG_LEVEL="3")
    env.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error")
    if backend:
        env["KERAS_BACKEND"] = backend
    paths = [str(ROOT / "src"), str(ROOT), env.get("PYTHONPATH", "")]
    env["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    return env


def system_busy_seconds() -> float | None:
    """Processor seconds the whole machine has worked or lost since its start, if it says."""
    try:
        fields = Path("/proc/stat").read_text(encoding="ascii").split(None, 9)
    except OSError:
        return None
    user, nice, system, _idle, _wait, interrupts, soft, stolen = map(int, fields[1:9])
    ticks = user + nice + system + interrupts + soft + stolen
    return ticks / os.sysconf("SC_CLK_TCK")


def describe(threads: int) -> dict[str, Any]:
    """Processor, cores, memory, load, versions and commit, for the report's head."""
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count() or 0,
        "threads": threads,
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load_at_start": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "time_utc": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
        "commit": git_commit(),
        "versions": {name: package_version(name) for name in PACKAGES},
    }


def cpu_model() -> str:
    """The processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    facts = dict(line.partition(":")[::2] for line in lines if ":" in line)
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    name = facts.get("model name") or platform.processor() or platform.machine()
    if "cpu family" in facts:
        name += f" (family {facts['cpu family']}, model {facts.get('model', '?')})"
    return name


def package_version(name: str) -> str:
    """The installed version of a package, or a dash."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "-"


def git_commit() -> str:
    """The checkout's commit, marked when files differ from it; 'unknown' without one."""
    try:
        commit = git("rev-parse", "HEAD")
        return commit + (" with changes" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def git(*arguments: str) -> str:
    """What a git command on the checkout prints."""
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def matmul_rate(library: str) -> float:
    """The best of some blocks of square float32 matrix products with a library, in FLOP/s."""
    product = MATMULS[library]()
    product()
    best = 0.0
    for _ in range(MATMUL_BLOCKS):
        count, start = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - start) < MATMUL_BLOCK_SECONDS:
            product()
            count += 1
        best = max(best, count * 2 * MATMUL_SIZE**3 / elapsed)
    return best


def torch_matmul() -> Callable[[], Any]:
    """A product of two fixed matrices with PyTorch."""
    import torch

    left = torch.rand(MATMUL_SIZE, MATMUL_SIZE)
    return lambda: left @ left


def tensorflow_matmul() -> Callable[[], Any]:
    """A product of two fixed matrices with TensorFlow."""
    import tensorflow as tf

    left = tf.random.uniform((MATMUL_SIZE, MATMUL_SIZE))
    return lambda: tf.matmul(left, left)


def jax_matmul() -> Callable[[], Any]:
    """A product of two fixed matrices with JAX, compiled."""
    import jax

    left = jax.random.uniform(jax.random.key(0), (MATMUL_SIZE, MATMUL_SIZE))
    product = jax.jit(lambda matrix: matrix @ matrix)
    return lambda: product(left).block_until_ready()


MATMULS = {"torch": torch_matmul, "tensorflow": tensorflow_matmul, "jax": jax_matmul}
