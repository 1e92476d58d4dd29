"""What a draft is worth that says again what the model was shown."""

from typing import cast

import numpy as np

from lyricist.engine.port import Engine
from lyricist.lines.draft import Draft, Ending, Seen
from lyricist.lines.draft_writer import DraftWriter
from lyricist.lines.figures import Place
from lyricist.lines.history import History
from lyricist.lines.judge import Judge
from lyricist.lines.next_token import Voice
from lyricist.lines.topic import SongTopic
from lyricist.vocabulary.lexicon import Lexicon
from lyricist.vocabulary.word_table import derive_word_table

TEXTS = ["\n", ",", " coffee", " window", " pane", " train", " old", " rain"]
LEXICON = Lexicon(derive_word_table(TEXTS), lambda text: [TEXTS.index(text)])
SEEN = Seen(np.zeros(len(TEXTS), np.float32), Place(-1.0, 1.0, -1.0))
RAIN = next(at for at, token in enumerate(LEXICON.end_words) if LEXICON.words[token] == "rain")


def score(history: History, *words: str) -> float:
    """Of these words and "rain", all as likely as any."""
    draft = Draft(0, 0, LEXICON, np.random.default_rng(0))
    for word in words:
        draft.seen.append(SEEN)
        draft.append(TEXTS.index(f" {word}"), -1.0, 0)
    draft.seen.append(SEEN)
    topic = SongTopic("", LEXICON, explicit=False)
    writer = DraftWriter(
        cast(Engine, None), LEXICON, Judge.without_head(), Voice(1, 1, False), history, topic
    )
    ending = Ending(len(words), int(LEXICON.end_words[RAIN]), (7,), -1.0, 0.0, 7)
    line = writer.line(draft, ending, SEEN)
    assert line
    return line.score


def test_a_draft_that_copies_an_example_stands_behind_any_other() -> None:
    shown = History()
    shown.add_example(["cold", "coffee", "on", "the", "window", "pane"])
    copied, own = ("old", "coffee", "window", "pane"), ("old", "coffee", "window", "train")
    assert score(shown, *copied) < score(shown, *own) - 10
    assert score(History(), *copied) == score(History(), *own)
