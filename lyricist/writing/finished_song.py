"""The song that the sung sections make: how it rhymes, and what else could stand in its places."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lyricist.language.metrics import RHYMELESS, rhyme_score, sung_relations
from lyricist.language.rhyme import RhymeKind
from lyricist.songs import Effort, Section, Song
from lyricist.writing.alternatives import alternatives
from lyricist.writing.song_plan import PlannedPart
from lyricist.writing.take import Sung


@dataclass(frozen=True)
class SungPart:
    """A section that is done: its lines as they are shown, and how they came about."""

    plan: PlannedPart
    lines: tuple[str, ...]
    sung: Sequence[Sung]


def finished_song(
    title: str, sections: Sequence[SungPart], tokens: int, effort: Effort, *, explicit: bool
) -> Song:
    """The song of these sections, a chorus as often as it is sung."""
    own = {section.plan.name: section for section in sections}
    written = [sung.line for section in own.values() for sung in section.sung if sung.line]
    offered = alternatives(
        [(section.plan.scheme, section.sung) for section in own.values()], explicit
    )
    others = dict(zip(own, offered, strict=True))
    schemes = [section.plan.scheme for section in sections]
    relations = sung_relations([(section.plan.scheme, section.lines) for section in sections])
    return Song(
        title,
        tuple(
            Section(each.plan.name, each.lines, each.plan.scheme, others[each.plan.name])
            for each in sections
        ),
        schemes[0] if len({*schemes}) == 1 else "",
        rhyme_score([*relations.values()]),
        tokens,
        finished=True,
        effort=effort,
        readability=float(np.mean([line.judgement for line in written])),
        slant=_pairs(relations, RhymeKind.SLANT),
        missed=_pairs(relations, *RHYMELESS),
    )


def _pairs(
    relations: Mapping[tuple[int, int], RhymeKind], *kinds: RhymeKind
) -> tuple[tuple[int, int], ...]:
    """Those of the pairs that are of one of the kinds, their lines counted from 1."""
    return tuple((one + 1, other + 1) for (one, other), kind in relations.items() if kind in kinds)
