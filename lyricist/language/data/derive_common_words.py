"""Derives common_words.txt: the words that end lines, the commonest first. Run by hand:

python -m lyricist.language.data.derive_common_words path/to/tokenizer.json corpus/*.jsonl

The words are those of the project's own songs. A byte-level BPE tokenizer learns words in the order
of their frequency, so that the numbers of the default model's tokens are their ranks; many of its
tokens are beginnings of words, which no song holds.
"""

import json
import re
import sys
from pathlib import Path

from lyricist.language.rhyme import is_known
from lyricist.language.safety import banned_forms
from lyricist.language.words import leaves_open, split_words, word_list

#: A token that is a whole word with the space before it; at least three letters, one of them a
#: vowel.
_WORD = re.compile(r"^Ġ((?=[a-z]{3})[b-df-hj-np-tv-xz]*[aeiouy][a-z]*)$")
_HEAD = "# The commonest words that a line may end in, in order; derive_common_words.py made it."
_PER_LINE = 12


def derive(ranks: dict[str, int], sung: set[str]) -> list[str]:
    """The words among the tokens of `ranks` that are `sung` and may end a line, in their order."""
    unfit = word_list("weak_ends") | word_list("leaks") | banned_forms().keys()
    in_order = (_WORD.match(token) for token in sorted(ranks, key=ranks.__getitem__))
    words = (found.group(1) for found in in_order if found)
    fit = (word for word in words if word not in unfit and not leaves_open(word))
    return [word for word in fit if word in sung and is_known(word)]


if __name__ == "__main__":
    vocabulary = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["model"]["vocab"]
    texts = [Path(name).read_text(encoding="utf-8") for name in sys.argv[2:]]
    sung = {word for text in texts for word in split_words(text.replace("\\n", " "))}
    words = derive(vocabulary, sung)
    rows = [" ".join(words[at : at + _PER_LINE]) for at in range(0, len(words), _PER_LINE)]
    target = Path(__file__).with_name("common_words.txt")
    target.write_text("\n".join([_HEAD, *rows, ""]), encoding="utf-8")
    sys.stdout.write(f"{target.name}: {len(words)} words\n")
