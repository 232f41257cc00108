"""How search grows: a library of so many photos, and the index side by side with its twins, in one run.

Embeddings are made of real ones: a photo's, drawn towards another's by up to a half, and a third of its
length of noise, so that neighbourhoods stay as dense as they are. Times are of one thread; `cpu` leaves
out what other programs took of a shared machine, `wall` doesn't.
"""

from __future__ import annotations

import resource
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray
from peers import TEXT_TOWER, TOKENS, graph_of, write_graphs

from photos_engine import PhotosEngine
from photos_engine.index import CompactIndex
from photos_engine.types import EMBEDDING_DIMENSIONS, Decision, FloatArray

PHRASES = (
    "dog on the beach",
    "children playing in water",
    "a red car",
    "sunset over the sea",
    "birthday cake with candles",
    "mountain lake",
    "people at a table",
    "snow on a roof",
    "cat on a sofa",
    "a man riding a bike",
    "night city lights",
    "soccer game",
    "forest path",
    "baby asleep",
    "an old house",
    "two people hugging",
    "train station",
    "flowers in a vase",
    "rain on a window",
    "climbing a rock",
    "a big dog",
    "happy child",
    "two dogs",
)
FACTS = (
    "dog",
    "beach",
    "summer 2022",
    "mountain 2021",
    "christmas",
    "receipts 2022",
    "dog in winter",
    "no people",
    "before 2022",
    "sunset or beach",
    "forest in France",
    "screenshots",
    "city last year",
    "favourites",
    "IMG_01",
    "portrait orientation",
    "food",
    "street at night",
    "Kyoto",
    "snow -dog",
)
COUNT, CHUNK = 50, 50_000
MOST_FOR_LIBRARY = 100_000  # of a million the database alone is 3 GB
MOST_FOR_GRAPH = 1_000_000  # whose graph takes some minutes to build, and 2 GB


def perturbed(real: FloatArray, count: int, seed: int) -> Iterator[FloatArray]:
    """Chunks of embeddings that lie as real ones do."""
    rng = np.random.default_rng(seed)
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        one, other = real[rng.integers(0, len(real), size)], real[rng.integers(0, len(real), size)]
        vectors = unit(one + rng.uniform(0, 0.5, (size, 1)).astype(np.float32) * (other - one))
        noise = rng.standard_normal(vectors.shape, np.float32)
        yield unit(vectors + 0.35 * unit(noise))


def unit(vectors: FloatArray) -> FloatArray:
    normalised: FloatArray = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return normalised


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of questions, each asked once."""

    cpu_ms: FloatArray
    wall_ms: FloatArray

    @classmethod
    def of(cls, asked: Iterable[Any], answer: Callable[[Any], object]) -> Times:
        """Ask, and look at the clocks."""
        cpu, wall = [], []
        for item in asked:
            start, busy = time.perf_counter(), time.process_time()
            answer(item)
            wall.append((time.perf_counter() - start) * 1000)
            cpu.append((time.process_time() - busy) * 1000)
        return cls(np.array(cpu), np.array(wall))

    def __str__(self) -> str:
        figures = (("cpu", self.cpu_ms), ("wall", self.wall_ms))
        return "; ".join(f"{n} {np.median(ms):.1f}, p95 {np.percentile(ms, 95):.1f} ms" for n, ms in figures)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to answer a phrase from the same embeddings: a text tower, an index, and what these cost."""

    name: str
    encode: Times
    search: Times
    recall: float
    disk_mb: float | None = None
    built_s: float | None = None
    opened_s: float | None = None
    more_s: float | None = None

    def row(self) -> dict[str, Any]:
        """Figures for a table, in processor time: a shared machine gives no others."""
        both = self.encode.cpu_ms + self.search.cpu_ms
        return {
            "way": self.name,
            "text p95 ms": round(float(np.percentile(self.encode.cpu_ms, 95)), 1),
            "index p95 ms": round(float(np.percentile(self.search.cpu_ms, 95)), 1),
            "both p50 ms": round(float(np.median(both)), 1),
            "both p95 ms": round(float(np.percentile(both, 95)), 1),
            f"recall at {COUNT}": round(self.recall, 3),
            "disk MB": "" if self.disk_mb is None else round(self.disk_mb),
            "built s": "" if self.built_s is None else round(self.built_s, 1),
            "opened s": "" if self.opened_s is None else round(self.opened_s, 2),
            "1,000 more s": "" if self.more_s is None else round(self.more_s, 2),
        }


def measure_index(real: FloatArray, towers: Towers, count: int, folder: Path, *, with_graph: bool) -> None:
    """Print the compact index against all vectors in full, and against a graph of neighbours where that is built."""
    truth = find_exact(real, towers.vectors, count)
    ways = [measure_compact(real, towers, truth, count, folder)]
    vectors = np.concatenate(list(perturbed(real, count, 1)))  # 2 GB for a million
    ways.append(measure_brute_force(vectors, towers))
    del vectors
    if with_graph:
        ways.append(measure_graph(real, towers, truth, count))
    rows = [way.row() for way in ways]
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\n{count:,} embeddings; {peak_mb:,.0f} MiB resident so far, the twins' vectors included\n")
    print("| " + " | ".join(rows[0]) + " |\n|" + " --- |" * len(rows[0]))
    for row in rows:
        print("| " + " | ".join(map(str, row.values())) + " |")
    if not with_graph:
        print("\nHNSW isn't built at this size: `--most-for-graph` was smaller.")


def measure_brute_force(vectors: FloatArray, towers: Towers) -> Way:
    """All vectors in float32, multiplied with the query."""
    search = Times.of(towers.vectors, lambda q: np.argpartition(-(vectors @ q), COUNT)[:COUNT])
    return Way("brute force, float32", towers.ours, search, 1.0, disk_mb=vectors.nbytes / 1e6)


def find_exact(real: FloatArray, queries: FloatArray, count: int) -> NDArray[np.int64]:
    """The numbers of the nearest of all embeddings, (queries, COUNT)."""
    cosines = np.concatenate([queries @ vectors.T for vectors in perturbed(real, count, 1)], axis=1)
    return np.argpartition(-cosines, COUNT, axis=1)[:, :COUNT]


def recall_of(found: Sequence[NDArray[np.int64]], truth: NDArray[np.int64]) -> float:
    """The share of the truth that is found."""
    return statistics.mean(len(np.intersect1d(a, b)) / COUNT for a, b in zip(found, truth, strict=True))


def measure_compact(real: FloatArray, towers: Towers, truth: NDArray[np.int64], count: int, folder: Path) -> Way:
    """The engine's own index, saved and opened again."""
    index, path = CompactIndex("m", EMBEDDING_DIMENSIONS), folder / "index" / "v"
    built = 0.0
    for number, vectors in enumerate(perturbed(real, count, 1)):
        start = time.process_time()
        index.add(np.arange(number * CHUNK, number * CHUNK + len(vectors)), vectors)
        index.save(path)
        built += time.process_time() - start
    size = sum(file.stat().st_size for file in path.parent.iterdir()) / 1e6
    start = time.process_time()
    index = CompactIndex.load(path, "m")
    opened = time.process_time() - start
    queries = towers.vectors[:, None]
    index.search(queries[0], COUNT)
    search = Times.of(queries, lambda q: index.search(q, COUNT))
    recall = recall_of([index.search(q, COUNT)[0][0] for q in queries], truth)
    start = time.process_time()
    index.add(np.arange(count, count + 1000), next(perturbed(real, 1000, 2)))
    index.save(path)
    more = time.process_time() - start
    return Way("ours: int8 rows, coarse codes", towers.ours, search, recall, size, built, opened, more)


def measure_graph(real: FloatArray, towers: Towers, truth: NDArray[np.int64], count: int) -> Way:
    """What Immich's query amounts to: CLIP's text tower, where its shape is at hand, and HNSW in float32."""
    graph = faiss.IndexHNSWFlat(EMBEDDING_DIMENSIONS, 16, faiss.METRIC_INNER_PRODUCT)
    built = 0.0
    for vectors in perturbed(real, count, 1):
        start = time.process_time()
        graph.add(vectors)
        built += time.process_time() - start
    graph.hnsw.efSearch = 100
    queries = towers.vectors[:, None]
    search = Times.of(queries, lambda q: graph.search(q, COUNT))
    recall = recall_of([graph.search(q, COUNT)[1][0] for q in queries], truth)
    size = count * (4 * EMBEDDING_DIMENSIONS + 4 * 2 * 16) / 1e6
    name = "HNSW, our text tower" if towers.clip is None else "HNSW, text tower of CLIP's shape"
    return Way(name, towers.clip or towers.ours, search, recall, size, built)


@dataclass(frozen=True, slots=True)
class Towers:
    """The phrases in the joint space, (n, 512), and what encoding each takes: with ours, with one of CLIP's shape."""

    vectors: FloatArray
    ours: Times
    clip: Times | None


def measure_towers(encode: Callable[[Sequence[str]], FloatArray], peers: Path | None) -> Towers:
    """The text tower in use against one of CLIP ViT-B/32's shape with random weights."""
    encode(["a phrase to open everything"])
    ours = Times.of(PHRASES, lambda text: encode([text]))
    return Towers(encode(PHRASES), ours, None if peers is None else _time_clip(peers))


def _time_clip(peers: Path) -> Times:
    import onnxruntime

    if not graph_of(peers, TEXT_TOWER).is_file():
        write_graphs(peers)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    tower = onnxruntime.InferenceSession(str(graph_of(peers, TEXT_TOWER)), options, providers=["CPUExecutionProvider"])
    ids = np.ones((1, TOKENS), np.int64)
    tower.run(None, {"input": ids})
    return Times.of(PHRASES, lambda _: tower.run(None, {"input": ids}))


def measure_library(library: Path, count: int, folder: Path) -> None:
    """Text queries of a library of so many photos, each asked for the first time, as a person meets them."""
    big = folder / "library"
    shutil.copytree(library, big, ignore=shutil.ignore_patterns("thumbnails", "index", "lock"))
    multiply(big / "library.sqlite", count)
    with PhotosEngine.open(big) as engine:
        print(f"library of {count:,}: prepared in {Times.of([0], lambda _: engine.tidy())}")
    with PhotosEngine.open(big) as engine:
        for kind, text in (("tag   ", "a photo of a tree"), ("phrase", "a phrase to open everything")):
            print(f"  first {kind} {Times.of([text], engine.search)}")
        asked = Times.of((*PHRASES, *FACTS), engine.search)
        print(f"  all          {asked}")
        print(f"  phrases      {Times(asked.cpu_ms[: len(PHRASES)], asked.wall_ms[: len(PHRASES)])}")
        print(f"  facts, tags  {Times(asked.cpu_ms[len(PHRASES) :], asked.wall_ms[len(PHRASES) :])}")
        typed = [text[:end] for text in FACTS for end in range(1, len(text), 3)]
        engine.suggest("a")
        print(f"  suggestions  {Times.of(typed, engine.suggest)}")
        engine.decide(engine.search("dog", limit=1).results[0].photo, Decision.FAVOURITE)
        print(f"  after a decision {Times.of(['dog'], engine.search)}")


def multiply(database: Path, count: int) -> None:
    """Fill a library with copies of its photos, each with times, names and an embedding of its own."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        highest, photos = connection.execute("SELECT max(id), count(*) FROM photo").fetchone()
        blobs = connection.execute("SELECT embedding FROM analysis").fetchall()
        real = unit(np.stack([np.frombuffer(blob, "<f2").astype(np.float32) for (blob,) in blobs]))
        for turn in range(1, count // photos):
            shift = turn * (highest + 1)
            for table, changes in {
                "photo": {
                    "id": f"id + {shift}",
                    "content_hash": f"printf('%06x', {turn}) || substr(content_hash, 7)",
                    "taken_utc": f"taken_utc - {turn * 7 * 86_400}",
                },
                "file": {
                    "id": f"id + {turn * 1_000_000}",
                    "path": f"CAST(CAST(path AS TEXT) || '{turn}.jpg' AS BLOB)",
                    "photo_id": f"photo_id + {shift}",
                },
                "tag": {"photo_id": f"photo_id + {shift}"},
                "analysis": {"photo_id": f"photo_id + {shift}"},
                "photo_text": {"rowid": f"rowid + {shift}"},
            }.items():
                columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
                columns += ["rowid"] if table == "photo_text" else []
                key = "rowid" if table == "photo_text" else "id" if table == "photo" else "photo_id"
                values = ", ".join(changes.get(column, column) for column in columns)
                of_the_first = f"{key} <= {highest}" + (" AND id < 1000000" if table == "file" else "")
                connection.execute(
                    f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table} WHERE {of_the_first}"
                )
        keys = [key for (key,) in connection.execute("SELECT photo_id FROM analysis WHERE photo_id > ?", (highest,))]
        rows = np.concatenate(list(perturbed(real, len(keys), 3))).astype("<f2")
        connection.executemany(
            "UPDATE analysis SET embedding = ? WHERE photo_id = ?",
            ((row.tobytes(), key) for row, key in zip(rows, keys, strict=True)),
        )
        connection.execute("UPDATE setting SET value = CAST(value AS INTEGER) + 1 WHERE name = 'revision'")
        connection.commit()


def measure_scale(library: Path, counts: Sequence[int], peers: Path | None, most_for_graph: int) -> None:
    """Print everything: for indexes of these sizes, and for a library of the smallest, or of as many as fit a disk."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with PhotosEngine.open(library) as engine:
            real = engine.snapshot().embeddings
            towers = measure_towers(engine._models.words(engine.status().model).encode, peers)
        measure_library(library, min(*counts, MOST_FOR_LIBRARY), folder)
        shutil.rmtree(folder / "library")
        for count in counts:
            measure_index(real, towers, count, folder, with_graph=count <= most_for_graph)
            shutil.rmtree(folder / "index")
