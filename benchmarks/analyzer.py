"""What the analyzer costs: the backbone alone, all heads, a whole `analyze_one`, and a query.

    python benchmarks/analyzer.py [--threads N] [--rounds N]

One picture at a time, medians; each line runs in a process of its own, so that its memory is its own.
The backbone alone is the shipped graph, cut off before every head (that line needs the package onnx).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def measure(name: str, threads: int, rounds: int) -> dict[str, float]:
    """Time one subject: median and 95th percentile in ms, memory above the imports in MB."""
    from photos_engine.analyzers import SceneAnalyzer, TextEncoder

    before = _resident_mb()
    call = SUBJECTS[name](SceneAnalyzer, TextEncoder, threads)
    for _ in range(3):
        call()
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        call()
        times.append((time.perf_counter() - began) * 1000)
    return {"median": statistics.median(times), "p95": float(np.quantile(times, 0.95)), "memory": _peak_mb() - before}


def _backbone(analyzer: Any, encoder: Any, threads: int) -> Callable[[], object]:
    import onnx

    from photos_engine.analyzers.scene import GRAPH
    from photos_engine.analyzers.sessions.onnx import OnnxSession
    from photos_engine.models.registry import load_manifest

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "backbone.onnx"
        onnx.utils.extract_model(str(load_manifest().path(GRAPH)), str(path), ["image"], ["logits"])
        session = OnnxSession.open(path, threads=threads)
    image = _picture(260)[None]
    return lambda: session.run({"image": image})


def _heads(analyzer: Any, encoder: Any, threads: int) -> Callable[[], object]:
    from photos_engine.analyzers.scene import GRAPH
    from photos_engine.analyzers.sessions.onnx import OnnxSession
    from photos_engine.models.registry import load_manifest

    session = OnnxSession.open(load_manifest().path(GRAPH), threads=threads)
    image = _picture(260)[None]
    return lambda: session.run({"image": image})


def _whole(analyzer: Any, encoder: Any, threads: int) -> Callable[[], object]:
    opened, image = analyzer.open(threads=threads), _picture(1024)
    return lambda: opened.analyze_one(image)


def _query(analyzer: Any, encoder: Any, threads: int) -> Callable[[], object]:
    opened, numbers = encoder.open(threads=threads), iter(range(10**9))
    return lambda: opened.encode([f"two dogs playing on the beach {next(numbers)}"])


SUBJECTS: dict[str, Callable[[Any, Any, int], Callable[[], object]]] = {
    "backbone alone": _backbone,
    "all heads": _heads,
    "analyze_one, 1024 px": _whole,
    "a new query": _query,
}


def _picture(side: int) -> np.ndarray:
    smooth = np.random.default_rng(0).integers(0, 256, (side // 20, side // 20, 3), np.uint8)
    return np.ascontiguousarray(smooth.repeat(20, 0).repeat(20, 1)[:side, :side])


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


_resident_mb = _peak_mb  # right after the imports the peak is what is held


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    table = {}
    for name in SUBJECTS:
        if name == "backbone alone" and importlib.util.find_spec("onnx") is None:
            continue
        with context.Pool(1) as pool:
            table[name] = pool.apply(measure, (name, options.threads, options.rounds))
    if options.json:
        print(json.dumps(table))
        return
    print(f"{options.threads} thread(s)\n{'':24}{'median ms':>10}{'p95 ms':>10}{'memory MB':>11}")
    for name, figures in table.items():
        print(f"{name:24}{figures['median']:10.1f}{figures['p95']:10.1f}{figures['memory']:11.0f}")


if __name__ == "__main__":
    main()
