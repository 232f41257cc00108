"""The graph on disk: gzipped lines of JSON with a stamp, written atomically. It is a cache; the store is the truth.

Rows are read block by block, equal texts are kept once, and so is what many edges rest on (a moment's photos): reading
the graph of 500,000 photos takes little more memory than the graph itself.
"""

from __future__ import annotations

import gzip
import json
import logging
import zlib
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from photos_engine.files import write_atomically

if TYPE_CHECKING:  # networkx takes a while to load: only for those who have a graph
    import networkx as nx

GRAPH_VERSION = 4  # raise it whenever the graph built from the same snapshot would differ

_ROWS_A_LINE = 1000
_FACT = ("relation", "weight", "confidence", "reason")
_EVIDENCE = ("provenance", "start", "end")

_log = logging.getLogger(__name__)


def write_graph(graph: nx.MultiDiGraph[str], path: Path) -> None:
    """Put the graph at `path`, whole or not at all. Raises: OSError."""
    number = {node: n for n, node in enumerate(graph)}
    evidence: dict[int, tuple[int, dict[str, Any]]] = {}  # by the provenance that edges share
    edges = []
    for a, b, data in graph.edges(data=True):
        shared = {name: data[name] for name in _EVIDENCE if name in data}
        known, _ = evidence.setdefault(id(data["provenance"]), (len(evidence), shared))
        edges.append([number[a], number[b], known, *(data[name] for name in _FACT)])
    header = {"version": GRAPH_VERSION, "graph": graph.graph}
    rows = (list(graph.nodes(data=True)), [shared for _, shared in evidence.values()], edges)
    buffer = BytesIO()
    # Level 1: the ids are random digits that no level makes much smaller. No time stamp: equal graphs, equal files.
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=1, mtime=0) as file:
        for line in (header, *_as_lines(rows)):
            file.write(json.dumps(line, ensure_ascii=False).encode("utf-8") + b"\n")
    write_atomically(path, buffer.getvalue(), make_folders=True)


def _as_lines(tables: Sequence[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    """Blocks of each table's rows, and an empty one after the last."""
    for rows in tables:
        for start in range(0, len(rows), _ROWS_A_LINE):
            yield rows[start : start + _ROWS_A_LINE]
        yield ()


def read_graph(path: Path, *, model: str, revision: int) -> nx.MultiDiGraph[str] | None:
    """The graph of just this model, revision and version; None, with a line in the log, where there is none."""
    import networkx as nx

    try:
        with gzip.open(path, "rb") as file:
            header = json.loads(file.readline())
            stamp = (header["version"], header["graph"]["model"], header["graph"]["revision"])
            if stamp != (GRAPH_VERSION, model, revision):
                _log.info("graph at %s is stale: it is of %s", path, stamp)
                return None
            return _read_tables(file, header["graph"])
    except FileNotFoundError:
        return None
    except (OSError, EOFError, ValueError, LookupError, TypeError, zlib.error, nx.NetworkXError) as error:
        _log.warning("graph at %s can't be read and will be rebuilt: %s", path, error)
        return None


def _read_tables(file: BinaryIO | gzip.GzipFile, facts: dict[str, Any]) -> nx.MultiDiGraph[str]:
    import networkx as nx

    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(**facts)
    texts: dict[str, str] = {}

    def once(value: Any) -> Any:
        """The value with every text in it that was read before as the one read then."""
        if isinstance(value, str):
            return texts.setdefault(value, value)
        if isinstance(value, list):
            return [once(item) for item in value]
        if isinstance(value, dict):
            return {once(name): once(item) for name, item in value.items()}
        return value

    for node, data in _rows(file):
        graph.add_node(once(node), **once(data))
    nodes = list(graph)
    evidence = [once(shared) for shared in _rows(file)]
    for a, b, n, relation, weight, confidence, reason in _rows(file):
        fact = {"relation": once(relation), "weight": weight, "confidence": confidence, "reason": once(reason)}
        graph.add_edge(nodes[a], nodes[b], **fact, **evidence[n])
    return graph


def _rows(file: BinaryIO | gzip.GzipFile) -> Iterator[Any]:
    """The rows of the next table."""
    while rows := json.loads(file.readline()):
        yield from rows
