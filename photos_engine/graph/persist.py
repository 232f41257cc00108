"""The graph on disk: gzipped JSON with a stamp, written atomically. It is a cache; the store is the truth."""

from __future__ import annotations

import gzip
import json
import logging
import zlib
from pathlib import Path

import networkx as nx

from photos_engine.files import write_atomically

GRAPH_VERSION = 2  # raise it whenever the graph built from the same snapshot would differ

_log = logging.getLogger(__name__)


def write_graph(graph: nx.MultiDiGraph[str], path: Path) -> None:
    """Put the graph at `path`, whole or not at all. Raises: OSError."""
    content = {
        "version": GRAPH_VERSION,
        "graph": graph.graph,
        "nodes": list(graph.nodes(data=True)),
        "edges": list(graph.edges(data=True)),
    }
    # Level 1: the ids are random digits that no level makes much smaller. No time stamp: equal graphs, equal files.
    packed = gzip.compress(json.dumps(content, ensure_ascii=False).encode("utf-8"), compresslevel=1, mtime=0)
    write_atomically(path, packed, make_folders=True)


def read_graph(path: Path, *, model: str, revision: int) -> nx.MultiDiGraph[str] | None:
    """The graph of just this model, revision and version; None, with a line in the log, where there is none."""
    try:
        content = json.loads(gzip.decompress(path.read_bytes()))
        stamp = (content["version"], content["graph"]["model"], content["graph"]["revision"])
        if stamp != (GRAPH_VERSION, model, revision):
            _log.info("graph at %s is stale: it is of %s", path, stamp)
            return None
        graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(**content["graph"])
        graph.add_nodes_from((node, data) for node, data in content["nodes"])
        graph.add_edges_from((a, b, data) for a, b, data in content["edges"])
    except FileNotFoundError:
        return None
    except (OSError, EOFError, ValueError, KeyError, TypeError, zlib.error, nx.NetworkXError) as error:
        _log.warning("graph at %s can't be read and will be rebuilt: %s", path, error)
        return None
    return graph
