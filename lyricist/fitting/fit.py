"""Fits the judge's weights to rated drafts, and says how well they tell better from worse.

Two ridge regressions (Hoerl and Kennard 1970) of what the drafts of one place differ in, added
together: one on the figures, one on the hidden states. How good a place is altogether is not asked.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lyricist.arrays import BoolArray, DoubleArray, IntArray
from lyricist.fitting.reading import ReadDrafts
from lyricist.lines.figures import NAMES

#: How much large weights cost, in each of the two.
FIGURES_RIDGE, STATES_RIDGE = 30.0, 5000.0
#: What the two are worth in their sum: of three mixtures the one with most held-out pairs right.
FIGURES_SHARE, STATES_SHARE = 0.7, 0.7
#: Drafts of one place are a pair to be told apart if their ratings differ by so much.
CLEARLY_BETTER = 2.0
_DIGITS = 6


@dataclass(frozen=True)
class Fit:
    """Weights, to be added to a bias."""

    bias: float
    #: (figures,), (layers * width,)
    figures: DoubleArray
    head: DoubleArray


def fit(drafts: ReadDrafts, figures_share: float, states_share: float) -> Fit:
    """The weights of both parts at these shares; their mean judgement is the mean rating."""
    figures = figures_share * _ridge(drafts.figures, drafts, FIGURES_RIDGE)
    head = states_share * _ridge(drafts.states, drafts, STATES_RIDGE)
    judged = drafts.figures @ figures + drafts.states @ head
    return Fit(float(drafts.ratings.mean() - judged.mean()), figures, head)


def held_out(drafts: ReadDrafts) -> Mapping[str, float]:
    """Share of pairs told apart rightly, each prompt judged by a fit to all the other prompts."""
    figures = np.zeros(len(drafts.ratings))
    states = np.zeros(len(drafts.ratings))
    for prompt in np.unique(drafts.prompts):
        own = drafts.prompts == prompt
        others = _only(drafts, ~own)
        figures[own] = drafts.figures[own] @ _ridge(others.figures, others, FIGURES_RIDGE)
        states[own] = drafts.states[own] @ _ridge(others.states, others, STATES_RIDGE)
    judged = FIGURES_SHARE * figures + STATES_SHARE * states
    return {
        "likelihoods": pairs_right(_likelihood_score(drafts.figures), drafts),
        "figures": pairs_right(figures, drafts),
        "states": pairs_right(states, drafts),
        "figures and states": pairs_right(judged, drafts),
    }


def pairs_right(values: DoubleArray, drafts: ReadDrafts) -> float:
    """Of the pairs of one place that the rater told apart clearly, the share in whose better draft
    `values` are higher; equal ones count half."""
    right = pairs = 0.0
    for place in np.unique(drafts.places):
        own = drafts.places == place
        better = np.subtract.outer(drafts.ratings[own], drafts.ratings[own]) >= CLEARLY_BETTER
        apart = np.subtract.outer(values[own], values[own])[better]
        right += float(np.sum(apart > 0) + np.sum(apart == 0) / 2)
        pairs += len(apart)
    return right / pairs


def fields_of_any(drafts: ReadDrafts, ratings_sha256: str) -> dict[str, Any]:
    """What data/judge.json of the lines' room holds of any model, in `without_head`."""
    found = fit(drafts, 1.0, 0.0)
    return {
        **_about(drafts, ratings_sha256),
        "bias": _rounded(found.bias),
        "figures": _by_name(found.figures),
    }


def fields_with_head(
    drafts: ReadDrafts, ratings_sha256: str, model_sha256: str, layers: tuple[int, ...]
) -> dict[str, Any]:
    """What it holds of the one model that has a head, in `with_head`."""
    found = fit(drafts, FIGURES_SHARE, STATES_SHARE)
    return {
        **_about(drafts, ratings_sha256),
        "model_sha256": model_sha256,
        "layers": list(layers),
        "bias": _rounded(found.bias),
        "figures": _by_name(found.figures),
        "head": [_rounded(weight) for weight in found.head],
    }


def write_judge(fields: Mapping[str, Any], path: Path) -> None:
    """Writes the judge's weights, the many of its head in lines of eight. OSError as usual."""
    head = fields["with_head"]["head"]
    others = {**fields, "with_head": {**fields["with_head"], "head": "HEAD"}}
    rows = [", ".join(map(repr, head[at : at + 8])) for at in range(0, len(head), 8)]
    text = json.dumps(others, indent=1).replace('"HEAD"', "[\n" + ",\n".join(rows) + "]")
    path.write_text(text + "\n", encoding="utf-8")


def _about(drafts: ReadDrafts, ratings_sha256: str) -> dict[str, Any]:
    shares = {name: round(share, 3) for name, share in held_out(drafts).items()}
    return {"ratings_sha256": ratings_sha256, "drafts": len(drafts.ratings), "held_out": shares}


def _ridge(columns: DoubleArray, drafts: ReadDrafts, cost: float) -> DoubleArray:
    """(columns,): the weights of `columns`, both sides taken from the mean of their place."""
    own = _centred(columns, drafts.places)
    spread: DoubleArray = own.std(axis=0) + 1e-9
    scaled: DoubleArray = own / spread
    wanted = scaled.T @ _centred(drafts.ratings[:, np.newaxis], drafts.places)[:, 0]
    costs = cost * np.eye(scaled.shape[1])
    weights: DoubleArray = np.linalg.solve(scaled.T @ scaled + costs, wanted) / spread
    return weights


def _centred(columns: DoubleArray, places: IntArray) -> DoubleArray:
    """`columns` less their mean over the drafts of the same place."""
    numbers = np.unique(places, return_inverse=True)[1]
    sums = np.zeros((numbers.max() + 1, columns.shape[1]))
    np.add.at(sums, numbers, columns)
    means: DoubleArray = sums / np.bincount(numbers)[:, np.newaxis]
    return columns - means[numbers]


def _only(drafts: ReadDrafts, chosen: BoolArray) -> ReadDrafts:
    return ReadDrafts(*(getattr(drafts, name)[chosen] for name in ReadDrafts.__dataclass_fields__))


def _likelihood_score(figures: DoubleArray) -> DoubleArray:
    """What lines were judged by before there was a judge: weights set by hand."""
    weights = {
        "mean likelihood before the end": 1.0,
        "end": 0.35,
        "stop": 0.4,
        "syllables off the target, negative": 0.12,
    }
    score: DoubleArray = figures @ np.array([weights.get(name, 0.0) for name in NAMES])
    return score


def _by_name(figures: DoubleArray) -> dict[str, float]:
    return dict(zip(NAMES, map(_rounded, figures), strict=True))


def _rounded(number: float) -> float:
    return float(f"{number:.{_DIGITS}g}")
