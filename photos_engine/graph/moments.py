"""Moments: photographs taken together in time and place; the smallest thing that the graph knows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from photos_engine.graph.timeline import FloatVector, IntVector, Timeline, distance_km

MAX_GAP_S = 3 * 3600
MAX_STEP_KM = 3.0  # a move within half an hour's pause is a new scene only when it leads elsewhere
MIN_PAUSE_S = 1800
MIN_PHOTOS = 3  # outside of trips and celebrations, fewer is a snapshot and no moment


def find_moments(timeline: Timeline, event: IntVector) -> tuple[IntVector, ...]:
    """Positions of each moment's photos, in time order; `event` numbers what each photo belongs to, -1 nothing.

    A moment never crosses the end of a day or of an event, so that events are made of whole moments.
    """
    if not len(timeline):
        return ()
    gap = np.diff(timeline.utc_s)
    # The nearest known position stands in where a photo has none: it has not moved as far as is known.
    latitude, longitude = _carry_on(timeline.latitude), _carry_on(timeline.longitude)
    step = distance_km(latitude[:-1], longitude[:-1], latitude[1:], longitude[1:])
    moved = np.nan_to_num(step) > MAX_STEP_KM
    cuts = (gap > MAX_GAP_S) | ((gap > MIN_PAUSE_S) & moved) | (np.diff(timeline.day) != 0) | (np.diff(event) != 0)
    edges = [0, *(np.flatnonzero(cuts) + 1).tolist(), len(timeline)]
    groups = (np.arange(start, end) for start, end in pairwise(edges))
    return tuple(g for g in groups if event[g[0]] >= 0 or len(g) >= MIN_PHOTOS)


def _carry_on(values: FloatVector) -> FloatVector:
    """Each NaN replaced by the last number before it."""
    last = np.maximum.accumulate(np.where(np.isnan(values), 0, np.arange(len(values))))
    carried: FloatVector = values[last]
    return carried
