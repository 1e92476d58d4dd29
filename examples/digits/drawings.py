"""Drawings, (16, 16) with 1 where there is ink: read from text, and made up to learn from."""

import re
from pathlib import Path

import numpy as np

#: By digit, how people write it: strokes of points, each its x and y in a square of 9 by 9.
WAYS = [line.split("/") for line in Path(__file__).with_name("ways.txt").read_text().splitlines()]


def read(text: str) -> np.ndarray:
    """The drawing of 16 rows, each of four hex digits. Raises ValueError if `text` is none."""
    if not re.fullmatch(r"[0-9a-f]{4}( [0-9a-f]{4}){15}", text):
        raise ValueError("A drawing is 16 rows, each of four hex digits, with spaces between.")
    return np.array([[*f"{int(row, 16):016b}"] for row in text.split()], np.float32)


def draw(digit: int, random: np.random.Generator) -> np.ndarray:
    """`digit` as one more person might draw it."""
    turn, slant = random.normal(0, (0.12, 0.15))
    shape = np.array([[np.cos(turn), slant - np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    shape *= random.uniform((0.7, 1.0), (1.6, 1.9))[:, np.newaxis]
    place, pen = random.normal(7.5, 0.7, 2), random.uniform(0.5, 1.9)
    cells, (y, x) = np.zeros((16, 16), np.float32), np.mgrid[:16, :16, :1][:2]
    for stroke in random.choice(WAYS[digit]).split("|"):
        points = np.array([[*map(int, point)] for point in stroke.split()]) - 4
        points = (points + random.normal(0, 0.25, points.shape)) @ shape.T + place
        for _ in range(2):  # a hand draws curves: each corner is cut, and cut again
            cut = [points[:-1] + (points[1:] - points[:-1]) * at for at in (0.25, 0.75)]
            points = np.vstack([points[:1], np.stack(cut, 1).reshape(-1, 2), points[-1:]])
        steps = np.linspace(points[:-1], points[1:], 8).reshape(-1, 2)
        cells[np.hypot(x - steps[:, 0], y - steps[:, 1]).min(axis=2) < pen] = 1
    return cells
