"""A line chart as an SVG text. A library for two pictures would be our largest dependency."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 760, 440
LEFT, RIGHT, TOP, BOTTOM = 76, 44, 76, 56
#: Told apart by lightness too, so that a grey print can still be read.
COLOURS = ("#0b6e99", "#d9730d", "#6940a5", "#0f7b6c", "#ad1a72", "#64473a")
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#222}.title{font-size:16px;font-weight:600}"
    ".grid{stroke:#8884;stroke-width:1}.back{fill:#fff}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.back{fill:#161616}}"
)


@dataclass(frozen=True)
class Series:
    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Axis:
    """One direction of the chart; a logarithmic one has only values above 0."""

    label: str
    least: float
    most: float
    logarithmic: bool = False
    prefix: str = ""

    def share(self, value: float) -> float:
        """Where `value` lies between the ends, 0 to 1; beyond them, the nearer end."""
        low, high = self._scaled(self.least), self._scaled(self.most)
        held = min(max(value, self.least), self.most)
        return (self._scaled(held) - low) / (high - low)

    def ticks(self) -> list[float]:
        """Round values within the ends: powers of ten, or about five steps of 1, 2 or 5."""
        if self.logarithmic:
            first, last = math.ceil(math.log10(self.least)), math.floor(math.log10(self.most))
            return [10.0**power for power in range(first, last + 1)]
        rough = (self.most - self.least) / 5
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * times for times in (1, 2, 5, 10) if power * times >= rough)
        first_step = math.ceil(self.least / step)
        return [step * i for i in range(first_step, math.floor(self.most / step) + 1)]

    def text(self, value: float) -> str:
        return f"{self.prefix}{value:,.0f}" if value >= 10 else f"{self.prefix}{value:,.4g}"

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self.logarithmic else value


def line_chart(title: str, x: Axis, y: Axis, series: Sequence[Series]) -> str:
    """The chart as a whole SVG document, with `title` as its accessible name."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        f'<rect class="back" width="{WIDTH}" height="{HEIGHT}"/>',
        f'<text class="title" x="{LEFT}" y="26">{escape(title)}</text>',
        *_legend(series),
        *_vertical_lines(x),
        *_horizontal_lines(y),
        *(_line(x, y, entry, COLOURS[i % len(COLOURS)]) for i, entry in enumerate(series)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _across(axis: Axis, value: float) -> float:
    return round(LEFT + axis.share(value) * (WIDTH - LEFT - RIGHT), 1)


def _up(axis: Axis, value: float) -> float:
    return round(HEIGHT - BOTTOM - axis.share(value) * (HEIGHT - TOP - BOTTOM), 1)


def _legend(series: Sequence[Series]) -> list[str]:
    parts, at = [], float(LEFT)
    for i, entry in enumerate(series):
        colour = COLOURS[i % len(COLOURS)]
        parts.append(f'<rect x="{at:.0f}" y="42" width="14" height="4" fill="{colour}"/>')
        parts.append(f'<text x="{at + 20:.0f}" y="49">{escape(entry.name)}</text>')
        at += 36 + 7 * len(entry.name)
    return parts


def _vertical_lines(axis: Axis) -> list[str]:
    parts, end = [], HEIGHT - BOTTOM
    for value in axis.ticks():
        at = _across(axis, value)
        parts.append(f'<line class="grid" x1="{at}" x2="{at}" y1="{TOP}" y2="{end}"/>')
        parts.append(_text(at, end + 18, "middle", axis.text(value)))
    return [*parts, _text((LEFT + WIDTH) / 2, HEIGHT - 12, "middle", axis.label)]


def _horizontal_lines(axis: Axis) -> list[str]:
    parts = []
    for value in axis.ticks():
        at = _up(axis, value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at}" y2="{at}"/>')
        parts.append(_text(LEFT - 8, at + 4, "end", axis.text(value)))
    return [*parts, f'<text x="8" y="{TOP - 8}">{escape(axis.label)}</text>']


def _text(x: float, y: float, anchor: str, text: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'


def _line(x: Axis, y: Axis, series: Series, colour: str) -> str:
    points = " ".join(f"{_across(x, across)},{_up(y, up)}" for across, up in series.points)
    return f'<polyline fill="none" stroke="{colour}" stroke-width="2.5" points="{points}"/>'
