"""What the analyzer costs beside its own backbone and beside its peers: time, memory and size, in one run.

    python benchmarks/analyzer.py [--models DIR] [--threads N] [--rounds N] [--peers FOLDER]

One picture or one query at a time. All subjects are timed in one process, in turns, so that a busy machine
slows all of them alike; with one thread, time is the processor's that the thread got. Memory is that of a
process of its own, above the interpreter with its imports. A head's cost is its own graph's time (the graph,
cut down to backbone and head) less the backbone's, turn by turn. Peers are written to FOLDER (kept; a
temporary one otherwise) by `peers.py`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import multiprocessing
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import peers
from numpy.typing import NDArray

BACKBONE, ALL_HEADS, LIVE, QUERY = "backbone alone", "all heads", "analyze_one, 1024 px", "a new query"
FRAMES = {LIVE: (1024, 1024), "analyze_one, 1080p": (1080, 1920), "analyze_one, 12 MP": (3000, 4000)}  # height, width
LIVE_P95_MS, QUERY_MS, MEMORY_MB, FILE_MB = 25.0, 4.0, 60.0, 16.4
# Ours, peer, the share of the peer's time that ours may take.
BARS = (
    (ALL_HEADS, BACKBONE, 1.35),
    (ALL_HEADS, "CLIP ViT-B/32, image", 1 / 7),
    (ALL_HEADS, "MobileCLIP-S0, image", 1 / 4),
    (QUERY, peers.TEXT_TOWER, 4 / 105),
)


@dataclass(frozen=True, slots=True)
class Subject:
    """A graph with its inputs; without a graph, the analyzer or the encoder as the engine opens them."""

    name: str
    models: Path | None = None
    graph: Path | None = None
    inputs: Mapping[str, NDArray[Any]] | None = None

    def open(self, threads: int) -> Callable[[], object]:
        """Open it; every call of the result is one pass."""
        from photos_engine.analyzers import SceneAnalyzer, TextEncoder
        from photos_engine.analyzers.sessions.onnx import OnnxSession

        if self.name in FRAMES:
            analyzer, image = SceneAnalyzer.open(self.models, threads=threads), picture(*FRAMES[self.name])
            return lambda: analyzer.analyze_one(image)
        if self.name == QUERY:
            encoder, numbers = TextEncoder.open(self.models, threads=threads), iter(range(10**9))
            return lambda: encoder.encode([f"two dogs playing on the beach {next(numbers)}"])
        if self.graph is None or self.inputs is None:
            raise ValueError(f"nothing to open for {self.name!r}")
        session, inputs = OnnxSession.open(self.graph, threads=threads, provider="cpu"), self.inputs
        return lambda: session.run(inputs)


def own_subjects(models: Path | None, folder: Path) -> list[Subject]:
    """The shipped graph and what it is made of; the parts only where the package onnx is there to cut them."""
    from photos_engine.analyzers.preprocess import INPUT_SIDE_PX
    from photos_engine.analyzers.scene import GRAPH
    from photos_engine.models.registry import load_manifest

    manifest, image = load_manifest(models), {"image": picture(INPUT_SIDE_PX, INPUT_SIDE_PX)[None]}
    whole = manifest.path(GRAPH)
    subjects = [Subject(ALL_HEADS, models, whole, image), *(Subject(name, models) for name in (*FRAMES, QUERY))]
    if importlib.util.find_spec("onnx") is None:
        print("backbone alone and single heads skipped: the package onnx is not installed", file=sys.stderr)
        return subjects
    import onnx

    parts = {BACKBONE: ["logits"]} | {f"+ {head}": ["logits", head] for head in manifest.outputs}
    for number, (name, outputs) in enumerate(parts.items()):
        path = folder / f"part{number}.onnx"
        onnx.utils.extract_model(str(whole), str(path), ["image"], outputs)
        subjects.insert(number, Subject(name, models, path, image))
    return subjects


def peer_subjects(folder: Path) -> list[Subject]:
    """The peers that are there, or can be made here."""
    if missing := [name for name in ("torch", "timm", "onnx") if importlib.util.find_spec(name) is None]:
        print(f"CLIP and MobileCLIP skipped: {', '.join(missing)} not installed", file=sys.stderr)
    else:
        subprocess.run([sys.executable, "-W", "ignore", Path(peers.__file__), folder], check=True, stdout=sys.stderr)
    words = np.array([[101, 2048, 6077, 2652, 2006, 1996, 3509, 102]])  # "two dogs playing on the beach", about
    packaged = {"input_ids": words, "attention_mask": np.ones_like(words), "token_type_ids": np.zeros_like(words)}
    inputs: dict[str, dict[str, NDArray[Any]]] = {
        **{name: {"input": np.zeros((1, 3, side, side), np.float32)} for name, (_, side) in peers.IMAGE_TOWERS.items()},
        peers.TEXT_TOWER: {"input": np.ones((1, peers.TOKENS), np.int64)},
        peers.PACKAGED: packaged,
    }
    graphs = {name: peers.graph_of(folder, name) for name in inputs}
    if not graphs[peers.PACKAGED].is_file():
        print(f"{peers.PACKAGED} skipped: {peers.PACKAGE} not installed", file=sys.stderr)
    return [Subject(name, None, path, inputs[name]) for name, path in graphs.items() if path.is_file()]


def take_turns(subjects: list[Subject], threads: int, rounds: int) -> NDArray[np.float64]:
    """Times in ms, (rounds, subjects). Each is called once untimed before, to find the caches as it left them."""
    calls = [subject.open(threads) for subject in subjects]
    clock = time.thread_time if threads == 1 else time.perf_counter
    times = np.empty((rounds, len(calls)))
    for turn in range(-2, rounds):
        for column, call in enumerate(calls):
            call()
            began = clock()
            call()
            if turn >= 0:
                times[turn, column] = (clock() - began) * 1000
    return times


def memory_mb(subject: Subject, threads: int) -> float:
    """What a process's peak grows by, from the imports on."""
    import photos_engine.analyzers.scene
    import photos_engine.analyzers.sessions.onnx  # which the others load not before a model is wanted
    import photos_engine.analyzers.text  # noqa: F401

    before = _peak_mb()
    call = subject.open(threads)
    for _ in range(5):
        call()
    return _peak_mb() - before


def picture(height: int, width: int) -> NDArray[np.uint8]:
    """Coloured squares of 20 px."""
    squares = np.random.default_rng(0).integers(0, 256, (-(-height // 20), -(-width // 20), 3), np.uint8)
    return np.ascontiguousarray(squares.repeat(20, 0).repeat(20, 1)[:height, :width])


def _peak_mb() -> float:
    """The most memory that this process has held. Linux's own counter would begin with the parent's."""
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def measure(subjects: list[Subject], threads: int, rounds: int) -> dict[str, dict[str, float]]:
    """Least, median and 95th percentile in ms, memory and file in MB, of every subject."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1, maxtasksperchild=1) as pool:
        memory = [pool.apply(memory_mb, (subject, threads)) for subject in subjects]
        times = pool.apply(take_turns, (subjects, threads, rounds))
    names = [subject.name for subject in subjects]
    table: dict[str, dict[str, float]] = {}
    for column, subject in enumerate(subjects):
        own = times[:, column]
        least, median, high = map(float, np.quantile(own, (0, 0.5, 0.95)))
        figures = {"least": least, "median": median, "p95": high, "memory": memory[column]}
        if BACKBONE in names and (subject.name.startswith("+ ") or subject.name == ALL_HEADS):
            figures["added"] = float(np.median(own - times[:, names.index(BACKBONE)]))
        if subject.graph is not None and not subject.name.startswith(("+ ", BACKBONE)):
            figures["file"] = subject.graph.stat().st_size / 1e6
        table[subject.name] = figures
    for ours, peer, _ in BARS:
        if ours in names and peer in names:
            ratio = np.median(times[:, names.index(ours)] / times[:, names.index(peer)])
            table[ours][f"of {peer}"] = float(ratio)
    return table


def show(table: dict[str, dict[str, float]], threads: int) -> None:
    """Print the table, then every bar."""
    columns = {
        "least": "least ms", "median": "median ms", "p95": "p95 ms", "added": "added ms", "memory": "memory MB",
        "file": "file MB",
    }  # fmt: skip
    print(f"{threads} thread(s)\n{'':28}" + "".join(f"{title:>11}" for title in columns.values()))
    for name, figures in table.items():
        print(f"{name:28}" + "".join(f"{figures[k]:11.1f}" if k in figures else " " * 11 for k in columns))
    print()
    judged = [
        (f"{ours} / {peer}", table[ours].get(f"of {peer}"), bar) for ours, peer, bar in BARS
    ] + [
        (f"{LIVE}, p95 ms", table[LIVE]["p95"], LIVE_P95_MS),
        (f"{QUERY}, ms", table[QUERY]["median"], QUERY_MS),
        (f"{ALL_HEADS}, memory MB", table[ALL_HEADS]["memory"], MEMORY_MB),
        (f"{ALL_HEADS}, file MB", table[ALL_HEADS]["file"], FILE_MB),
    ]  # fmt: skip
    for label, value, bar in judged:
        if value is not None:
            print(f"{label:44}{value:8.3f}  at most {bar:6.3f}  {'holds' if value <= bar else 'FAILS'}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, help="folder of another model than the installed one")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--peers", type=Path, help="keep the peers' graphs here (0.7 GB)")
    parser.add_argument("--no-peers", action="store_true", help="only the analyzer and the encoder")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        subjects = own_subjects(options.models, folder)
        if not options.no_peers:
            subjects += peer_subjects(options.peers or folder)
        table = measure(subjects, options.threads, options.rounds)
    if options.json:
        print(json.dumps(table))
    else:
        show(table, options.threads)


if __name__ == "__main__":
    main()
