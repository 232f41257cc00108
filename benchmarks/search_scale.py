"""How search grows: a library of so many photos, and the index side by side with its twins, in one run.

Embeddings are made of real ones: a photo's, drawn towards another's by up to a half, and a third of its
length of noise, so that neighbourhoods stay as dense as they are. Times are of one thread; `cpu` leaves
out what other programs took of a shared machine, `wall` doesn't.
"""

from __future__ import annotations

import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import faiss
import numpy as np
from peers import TEXT_TOWER, TOKENS, graph_of, write_graphs

from photos_engine import PhotosEngine
from photos_engine.index import CompactIndex
from photos_engine.types import EMBEDDING_DIMENSIONS, FloatArray

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
MOST_FOR_HNSW = 100_000  # a graph of a million takes a quarter of an hour to build


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


def timed(asked: Sequence[str] | Sequence[FloatArray], answer: Callable[..., object]) -> str:
    """Milliseconds of each, asked once: median and 95th percentile."""
    wall, cpu = [], []
    for item in asked:
        start, busy = time.perf_counter(), time.process_time()
        answer(item)
        wall.append((time.perf_counter() - start) * 1000)
        cpu.append((time.process_time() - busy) * 1000)
    figures = (
        f"{name} {statistics.median(ms):.1f}, p95 {np.percentile(ms, 95):.1f} ms"
        for name, ms in (("cpu", cpu), ("wall", wall))
    )
    return "; ".join(figures)


def measure_index(real: FloatArray, queries: FloatArray, count: int, folder: Path) -> None:
    """The compact index against all vectors in full, and against a graph of neighbours where that is feasible."""
    index, path = CompactIndex("m", EMBEDDING_DIMENSIONS), folder / "index" / "v"
    exact: list[FloatArray] = []
    busy = 0.0
    for number, vectors in enumerate(perturbed(real, count, 1)):
        exact.append(queries @ vectors.T)
        start = time.process_time()
        index.add(np.arange(number * CHUNK, number * CHUNK + len(vectors)), vectors)
        index.save(path)
        busy += time.process_time() - start
    size = sum(file.stat().st_size for file in path.parent.iterdir()) / 1e6
    start = time.perf_counter()
    index = CompactIndex.load(path, "m")
    print(
        f"{count:,} embeddings: built in {busy:.1f} s cpu, {size:.0f} MB, opened in {time.perf_counter() - start:.2f} s"
    )
    truth = np.argsort(-np.concatenate(exact, axis=1), axis=1)[:, :COUNT]
    index.search(queries[:1], COUNT)
    print(f"  compact      {timed(list(queries[:, None]), lambda q: index.search(q, COUNT))}")
    found = [index.search(q[None], COUNT)[0][0] for q in queries]
    shares = [len(set(a.tolist()) & set(b.tolist())) / COUNT for a, b in zip(found, truth, strict=True)]
    print(f"  recall at {COUNT}: {statistics.mean(shares):.3f}, the worst query {min(shares):.2f}")
    start = time.process_time()
    index.add(np.arange(count, count + 1000), next(perturbed(real, 1000, 2)))
    index.save(path)
    print(f"  1,000 more in {time.process_time() - start:.2f} s cpu")
    if count <= MOST_FOR_HNSW:
        measure_twins(real, queries, count)


def measure_twins(real: FloatArray, queries: FloatArray, count: int) -> None:
    """Brute force in float32, and a graph of neighbours."""
    vectors = np.concatenate(list(perturbed(real, count, 1)))
    print(f"  brute force  {timed(list(queries), lambda q: np.argpartition(-(vectors @ q), COUNT)[:COUNT])}")
    graph = faiss.IndexHNSWFlat(EMBEDDING_DIMENSIONS, 16, faiss.METRIC_INNER_PRODUCT)
    start = time.process_time()
    graph.add(vectors)
    built = time.process_time() - start
    graph.hnsw.efSearch = 100
    took = timed(list(queries[:, None]), lambda q: graph.search(q, COUNT))
    print(f"  hnsw         {took}; built in {built:.0f} s cpu")


def measure_text_towers(engine: PhotosEngine, peers: Path) -> None:
    """The text tower in use against one of CLIP ViT-B/32's shape with random weights."""
    import onnxruntime

    write_graphs(peers)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    tower = onnxruntime.InferenceSession(str(graph_of(peers, TEXT_TOWER)), options, providers=["CPUExecutionProvider"])
    ids = np.ones((1, TOKENS), np.int64)
    print(f"text towers: CLIP's shape {timed(PHRASES, lambda _: tower.run(None, {'input': ids}))}")


def measure_library(library: Path, count: int, folder: Path) -> None:
    """Text queries of a library of so many photos, each asked for the first time, as a person meets them."""
    big = folder / "library"
    shutil.copytree(library, big, ignore=shutil.ignore_patterns("thumbnails", "index", "lock"))
    multiply(big / "library.sqlite", count)
    with PhotosEngine.open(big) as engine:
        start = time.perf_counter()
        engine.search("a phrase to open everything", limit=1)
        print(f"library of {count:,}: ready in {time.perf_counter() - start:.1f} s")
        print(f"  phrases      {timed(PHRASES, engine.search)}")
        print(f"  facts, tags  {timed(FACTS, engine.search)}")
        print(f"  the same     {timed(FACTS, engine.search)}")
        typed = [text[:end] for text in FACTS for end in range(1, len(text), 3)]
        engine.suggest("a")
        print(f"  suggestions  {timed(typed, engine.suggest)}")


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


def measure_scale(library: Path, counts: Sequence[int], peers: Path | None) -> None:
    """Print everything, for libraries and indexes of these sizes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with PhotosEngine.open(library) as engine:
            real = engine.snapshot().embeddings
            encode = engine._models.words(engine.status().model).encode
            encode(PHRASES[:1])
            print(f"text towers: ours {timed(PHRASES[1:], lambda text: encode([text]))}")
            queries = encode(PHRASES)
            if peers is not None:
                measure_text_towers(engine, peers)
        measure_library(library, min(counts), folder)
        for count in counts:
            measure_index(real, queries, count, folder)
            shutil.rmtree(folder / "index")
