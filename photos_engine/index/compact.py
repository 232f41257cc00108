"""The index in use: eight bits a dimension, and before them a coarse look at four bits for every four dimensions.

Rows are int8 (512 bytes a photo), mapped from disk and multiplied in float32, which agrees with the full
vectors to 0.0004 of cosine. Up to `COARSE_FROM` vectors all of them are looked at. Beyond, faiss' fast-scan
product quantizer (64 bytes a photo, in memory) names candidates, and the rows of these alone are read: text
is far from every picture, so that what a code of signs loses there would be the whole difference.

On disk: `NAME` has the keys, says what is valid and is replaced last; `NAME.*.rows` only ever grows, so that
adding a thousand photos to a million writes a thousand rows; `NAME.codes` has the coarse codes. What is
removed is marked, and left out when the rows are next written anew, to a file of another name.
"""

from __future__ import annotations

import json
import os
import threading
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from photos_engine.errors import VectorIndexError, WrongModel
from photos_engine.files import write_atomically
from photos_engine.index.protocol import Keys, require_dimensions
from photos_engine.types import FloatArray

Rows = NDArray[np.int8]

COARSE_FROM = 20_000
"""Vectors from which a coarse look pays: below, all rows are read in the time of encoding the query."""
_CANDIDATES_PER_RESULT, _LEAST_CANDIDATES, _ROWS_PER_CANDIDATE = 10, 1_000, 250
"""How many rows are read. Of a million made from a life's embeddings, the 50 nearest to 15 phrases are among 1,000
candidates in 93 %, 2,000 in 97.9 %, 4,000 in 99.3 %; of 100,000 among 1,000 in 99.7 %. See benchmarks/search.py."""
_TRAINED_ON = 10_000  # for each part of the vectors faiss takes 4,096 of them
_MOST_REMOVED = 0.25
"""Share of marked rows from which the index is written anew."""
_FORMAT = "photos-engine vectors 2"
_GONE = -1
_ROWS_AT_ONCE = 65_536


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """What a search holds on to while others change the index.

    keys (n,) int64, `_GONE` for a removed row. stored (m, d) int8 on disk, m <= n; added: the rows after these.
    coarse: faiss' codes of all n rows, or None for a small index. present: how many are not removed.
    """

    keys: Keys
    stored: Rows
    added: Rows
    coarse: Any = None
    present: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "present", int(np.count_nonzero(self.keys != _GONE)))

    def there(self) -> NDArray[np.int64]:
        """The numbers of all rows that are not removed, ascending."""
        return np.flatnonzero(self.keys != _GONE)

    def rows(self, numbers: NDArray[np.int64]) -> FloatArray:
        """Rows by their ascending numbers, (len(numbers), d) float32, L2-normalised."""
        vectors = self._raw(numbers)
        vectors /= _lengths(vectors)[:, None]
        return vectors

    def cosines(self, numbers: NDArray[np.int64], query: FloatArray) -> FloatArray:
        """Of a normalised query with rows by their ascending numbers, (len(numbers),) float32."""
        vectors = self._raw(numbers)
        cosines: FloatArray = (vectors @ query) / _lengths(vectors)
        return cosines

    def _raw(self, numbers: NDArray[np.int64]) -> FloatArray:
        split = int(np.searchsorted(numbers, len(self.stored)))
        raw = np.empty((len(numbers), self.stored.shape[1]), np.float32)
        raw[:split] = self.stored[numbers[:split]]
        raw[split:] = self.added[numbers[split:] - len(self.stored)]
        return raw


class CompactIndex:
    """Nearest neighbours among int8 vectors, memory-mapped once saved."""

    def __init__(self, model: str, dimensions: int, *, coarse_from: int = COARSE_FROM) -> None:
        self.model = model
        self.dimensions = dimensions
        self._coarse_from = coarse_from
        empty = np.empty((0, dimensions), np.int8)
        self._state = _State(np.empty(0, np.int64), empty, empty)
        self._saved: bytes | None = None  # what this index last read or wrote of itself
        self._rows_name = ""
        self._changing = threading.Lock()
        self._scanning = threading.Lock()  # faiss crashes when codes change under a search

    def __len__(self) -> int:
        return self._state.present

    def keys(self) -> Keys:
        """Every key in the index, ascending."""
        keys = self._state.keys
        return np.sort(keys[keys != _GONE])

    def add(self, keys: Keys, vectors: FloatArray) -> None:
        """Put vectors in, in place of those that had the same keys."""
        require_dimensions(vectors, self.dimensions)
        if not len(keys):
            return
        with self._changing:
            old = self._state
            marked = np.where(np.isin(old.keys, keys), _GONE, old.keys)
            new = _State(
                np.concatenate([marked, np.asarray(keys, np.int64)]),
                old.stored,
                np.concatenate([old.added, _as_rows(vectors)]),
            )
            with self._scanning:
                self._state = _State(new.keys, new.stored, new.added, self._with_codes(old.coarse, new, vectors))

    def remove(self, keys: Keys) -> None:
        """Take vectors out; unknown keys are passed over."""
        with self._changing:
            old = self._state
            self._state = _State(np.where(np.isin(old.keys, keys), _GONE, old.keys), old.stored, old.added, old.coarse)

    def _with_codes(self, coarse: Any, state: _State, vectors: FloatArray) -> Any:
        """The coarse codes with those of vectors that were just added; made when there are enough for them."""
        if coarse is not None:
            coarse.add(np.ascontiguousarray(vectors, np.float32))
            return coarse
        count = len(state.keys)
        if count < self._coarse_from:
            return None
        import faiss  # a tenth of a second, which a small index does without

        coarse = faiss.IndexPQFastScan(self.dimensions, self.dimensions // 4, 4, faiss.METRIC_INNER_PRODUCT)
        coarse.pq.cp.min_points_per_centroid = 1  # below what faiss likes it would write to stderr
        sample = np.unique(np.linspace(0, count - 1, min(count, _TRAINED_ON)).astype(np.int64))
        coarse.train(state.rows(sample))
        for start in range(0, count, _ROWS_AT_ONCE):
            coarse.add(state.rows(np.arange(start, min(start + _ROWS_AT_ONCE, count))))
        return coarse

    def search(self, queries: FloatArray, count: int) -> tuple[Keys, FloatArray]:
        """The `count` nearest for each query, best first."""
        require_dimensions(queries, self.dimensions)
        state = self._state
        k = max(min(count, state.present), 0)
        keys = np.empty((len(queries), k), np.int64)
        scores = np.empty(keys.shape, np.float32)
        for number, query in enumerate(queries if k else ()):
            rows, scores[number] = self._nearest_rows(state, query, k)
            keys[number] = state.keys[rows]
        return keys, scores

    def nearest(self, query: FloatArray, count: int) -> tuple[Keys, FloatArray]:
        """The `count` nearest to one query, best first, with their vectors."""
        require_dimensions(query[None], self.dimensions)
        state = self._state
        k = max(min(count, state.present), 0)
        rows = self._nearest_rows(state, query, k)[0] if k else np.empty(0, np.int64)
        ascending, places = np.unique(rows, return_inverse=True)
        return state.keys[rows], state.rows(ascending)[places]

    def _nearest_rows(self, state: _State, query: FloatArray, k: int) -> tuple[NDArray[np.int64], FloatArray]:
        """The numbers of the k nearest rows, and their cosines, best first."""
        rows = state.there() if state.coarse is None else self._candidates(state, query, k)
        cosines = np.concatenate(
            [state.cosines(rows[i : i + _ROWS_AT_ONCE], query) for i in range(0, len(rows), _ROWS_AT_ONCE)]
        )
        best = np.argpartition(-cosines, k - 1)[:k]
        best = best[np.argsort(-cosines[best], kind="stable")]
        return rows[best], cosines[best]

    def _candidates(self, state: _State, query: FloatArray, k: int) -> NDArray[np.int64]:
        """Row numbers worth reading, ascending, at least k of them; those removed don't count."""
        wanted = max(_LEAST_CANDIDATES, _CANDIDATES_PER_RESULT * k, state.present // _ROWS_PER_CANDIDATE)
        wanted += wanted * (len(state.keys) - state.present) // state.present
        if wanted >= state.present // 2:
            return state.there()
        with self._scanning:
            _, found = state.coarse.search(query[None].astype(np.float32), wanted)
        rows = np.sort(found[0])
        rows = rows[(rows >= 0) & (rows < len(state.keys))]  # codes may have grown since
        rows = rows[state.keys[rows] != _GONE]
        return rows if len(rows) >= k else state.there()

    # --- on disk ---

    def save(self, path: Path) -> None:
        """Write the index at and beside `path`, so that whoever reads meanwhile sees the old one or the new."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._changing, FileLock(f"{path}.lock"):
            state = self._state
            removed = len(state.keys) - len(self)
            # Another process may have saved since: then these rows are not those on disk any more.
            is_same = self._saved is not None and self._saved == _read_line(path)
            is_grown = is_same and removed <= _MOST_REMOVED * len(state.keys)
            if is_grown:
                rows_path = path.with_name(self._rows_name)
                _append_rows(rows_path, state)
            else:
                state = self._rewritten(state)
                rows = state.added.tobytes()
                self._rows_name = f"{path.name}.{zlib.crc32(rows):08x}.rows"
                rows_path = path.with_name(self._rows_name)
                write_atomically(rows_path, rows)
            codes = b"" if state.coarse is None else _write_codes(state.coarse)
            write_atomically(path.with_name(f"{path.name}.codes"), codes)
            self._saved = json.dumps(self._header(state, codes)).encode()
            write_atomically(path, self._saved + b"\n" + state.keys.tobytes())
            mapped = _mapped(rows_path, len(state.keys), self.dimensions)
            self._state = _State(state.keys, mapped, mapped[:0], state.coarse)
            for old in set(path.parent.glob(f"{path.name}.*.rows")) - {rows_path}:
                old.unlink(missing_ok=True)  # whoever has it mapped keeps it

    def _header(self, state: _State, codes: bytes) -> dict[str, object]:
        return {
            "format": _FORMAT,
            "model": self.model,
            "dimensions": self.dimensions,
            "rows": len(state.keys),
            "rows_file": self._rows_name,
            "keys_crc32": zlib.crc32(state.keys.tobytes()),
            "codes_crc32": zlib.crc32(codes),
        }

    def _rewritten(self, state: _State) -> _State:
        """The same index without removed rows, none of it on disk."""
        there = state.there()
        if len(there) == len(state.keys) and not len(state.stored):
            return state
        split = int(np.searchsorted(there, len(state.stored)))
        rows = np.concatenate([state.stored[there[:split]], state.added[there[split:] - len(state.stored)]])
        anew = _State(state.keys[there], np.empty((0, self.dimensions), np.int8), rows)
        return _State(anew.keys, anew.stored, anew.added, self._with_codes(None, anew, np.empty((0, 0), np.float32)))

    @classmethod
    def load(cls, path: Path, model: str) -> Self:
        """Read what `save` wrote. Rows are mapped, not read, and known to be whole by their number alone."""
        try:
            line, _, body = path.read_bytes().partition(b"\n")
            header = json.loads(line)
            if header["format"] != _FORMAT:
                raise VectorIndexError(f"{path} is of another format")
            codes = path.with_name(f"{path.name}.codes").read_bytes()
            if (zlib.crc32(body), zlib.crc32(codes)) != (header["keys_crc32"], header["codes_crc32"]):
                raise VectorIndexError(f"{path} is damaged")
            index = cls(header["model"], header["dimensions"])
            stored = _mapped(path.with_name(header["rows_file"]), header["rows"], index.dimensions)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise VectorIndexError(f"{path} is no vector index: {error}") from error
        if index.model != model:
            raise WrongModel(f"{path} was made from {index.model}, not {model}")
        coarse = _read_codes(codes) if codes else None
        index._state = _State(np.frombuffer(body, np.int64), stored, stored[:0], coarse)
        index._saved, index._rows_name = line, header["rows_file"]
        return index


def _write_codes(coarse: Any) -> bytes:
    import faiss

    return bytes(faiss.serialize_index(coarse))


def _read_codes(codes: bytes) -> Any:
    """As faiss reads its own bytes, unguarded: their checksum has to be right."""
    import faiss

    return faiss.deserialize_index(np.frombuffer(codes, np.uint8))


def _read_line(path: Path) -> bytes | None:
    """What a saved index says of itself; None where there is none."""
    try:
        with path.open("rb") as file:
            return file.readline().rstrip(b"\n")
    except OSError:
        return None


def _as_rows(vectors: FloatArray) -> Rows:
    """Vectors at eight bits, each by its own largest number: (n, d) int8; only directions are kept."""
    largest = np.maximum(np.abs(vectors).max(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    rows: Rows = np.rint(vectors * (np.float32(127) / largest)).astype(np.int8)
    return rows


def _lengths(vectors: FloatArray) -> FloatArray:
    lengths: FloatArray = np.maximum(np.sqrt(np.einsum("ij,ij->i", vectors, vectors)), np.float32(1.0))
    return lengths


def _append_rows(path: Path, state: _State) -> None:
    """Write the rows that were added behind those that lie there: what else lies behind them is of a killed run."""
    with path.open("r+b") as file:
        file.truncate(state.stored.size)
        file.seek(0, os.SEEK_END)
        state.added.tofile(file)
        file.flush()
        os.fsync(file.fileno())


def _mapped(path: Path, count: int, dimensions: int) -> Rows:
    """The first `count` rows of a file. Raises: OSError, ValueError for a file that has fewer."""
    if not count:
        return np.empty((0, dimensions), np.int8)
    # As a plain array: whatever is taken of a `memmap` is one again, which costs as much as reading it.
    return np.asarray(np.memmap(path, np.int8, mode="r", shape=(count, dimensions)))
