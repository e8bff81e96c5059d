"""Where the nodes of a graph go, and how the lines between them run: plain geometry, the same for the same graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Free space kept around a node, in drawing units.
MARGIN = 22.0


class Point(NamedTuple):
    x: float
    y: float


class Bow(NamedTuple):
    """A quadratic curve: start, control point, end."""

    start: Point
    control: Point
    end: Point

    def at(self, t: float) -> Point:
        """The point at 0..1 along the curve."""
        a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t * t
        return Point(*(a * s + b * m + c * e for s, m, e in zip(self.start, self.control, self.end, strict=True)))


def spread(start: Floats, sizes: Floats, edges: Sequence[tuple[int, int, float]]) -> Floats:
    """Centres of the nodes of a graph, shape (n, 2).

    Nodes are moved until the distance between any two is near the length of the shortest way between them (stress
    majorization: Gansner, Koren and North, "Graph drawing by stress majorization", 2004), then until none overlap.

    Args:
        start: first guess of the centres, shape (n, 2); where things are in the picture keeps its meaning here.
        sizes: width and height of each node, shape (n, 2).
        edges: pairs of node indices and the length that a line between them should have.
    """
    wanted = _distances(len(start), edges)
    weights = np.divide(1.0, wanted**2, out=np.zeros_like(wanted), where=wanted > 0)
    total = weights.sum(1, keepdims=True)
    places = _apart(start)
    for _ in range(150 if len(start) > 1 else 0):
        away = places[:, None] - places[None]
        far = np.maximum(np.hypot(away[..., 0], away[..., 1]), 1e-6)
        pull = weights * wanted / far
        places = (weights @ places + (pull[..., None] * away).sum(1)) / total
    return _separated(places, sizes)


def _apart(places: Floats) -> Floats:
    """The places with those that coincide moved a little, each its own way, so that they can part."""
    turn = np.arange(len(places)) * 2.4
    moved: Floats = places + np.stack([np.cos(turn), np.sin(turn)], 1)
    return moved


def _distances(count: int, edges: Sequence[tuple[int, int, float]]) -> Floats:
    """Length of the shortest way between all nodes (Floyd and Warshall); unconnected ones are put well apart."""
    ways = np.full((count, count), np.inf)
    np.fill_diagonal(ways, 0.0)
    for a, b, length in edges:
        if a != b:
            ways[a, b] = ways[b, a] = max(length, ways[a, b] if np.isfinite(ways[a, b]) else 0.0)
    for k in range(count):
        ways = np.minimum(ways, ways[:, k, None] + ways[None, k])
    longest = ways[np.isfinite(ways)].max(initial=0.0)
    return np.where(np.isfinite(ways), ways, max(240.0, 0.55 * longest))


def _separated(places: Floats, sizes: Floats) -> Floats:
    """The places with overlapping nodes pushed apart along the shorter way."""
    places = places.copy()
    room = (sizes[:, None] + sizes[None]) / 2 + MARGIN
    for _ in range(200):
        away = places[:, None] - places[None]
        inside = room - np.abs(away)
        np.einsum("iij->ij", inside)[:] = -1.0
        hit = np.all(inside > 0.5, axis=-1)
        if not hit.any():
            break
        across = inside[..., 0] > inside[..., 1]  # push along y where that is shorter
        push = np.where(np.stack([~across, across], -1), inside, 0.0) * np.where(away >= 0, 1.0, -1.0)
        push[np.tril_indices(len(places))] = 0.0  # each pair once; equal places part by the order of the nodes
        push = np.where(hit[..., None], push, 0.0) / 2.2
        places += push.sum(1) - push.sum(0)
    return places


def border(centre: Point, size: tuple[float, float], toward: Point) -> Point:
    """Where the line from the centre of a rectangle toward a point leaves it."""
    dx, dy = toward.x - centre.x, toward.y - centre.y
    scale = max(abs(dx) / (size[0] / 2), abs(dy) / (size[1] / 2), 1e-9)
    return Point(centre.x + dx / scale, centre.y + dy / scale)


def bow(a: Point, a_size: tuple[float, float], b: Point, b_size: tuple[float, float]) -> Bow:
    """A line from one node to another that leans to its left, so that there and back are two lines.

    A node joined to itself gets a loop over its upper right corner.
    """
    if a == b:
        x, y = a.x + a_size[0] / 2, a.y - a_size[1] / 2
        return Bow(Point(x - 24, y), Point(x + 34, y - 54), Point(x, y + 8))
    dx, dy = b.x - a.x, b.y - a.y
    length = float(np.hypot(dx, dy))
    lean = min(30.0, 0.16 * length) / length
    control = Point(a.x + dx / 2 + dy * lean, a.y + dy / 2 - dx * lean)
    return Bow(border(a, a_size, control), control, border(b, b_size, control))
