"""Words as they are spelled: splitting text, the word lists, and which words are forms of one."""

import re
from functools import cache, lru_cache
from importlib import resources

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*['’]?")
_ENDINGS = ("ings", "ing", "in'", "ers", "ies", "ied", "'s", "er", "es", "ed", "ly", "s", "y")
#: Of so many words is remembered what was found out about them: strangers send any words.
REMEMBERED = 1 << 17
#: A word shorter than this names no topic ("go", "a", "ok").
_SHORTEST_TOPIC = 3


def split_words(text: str) -> list[str]:
    """The words of `text` in lower case; an apostrophe belongs to its word."""
    return [word.replace("’", "'") for word in _WORD.findall(text.lower())]


def written_words(text: str) -> list[str]:
    """The words of `text` as they stand there."""
    return _WORD.findall(text)


@cache
def word_list(name: str) -> frozenset[str]:
    """The entries of data/<name>.txt, separated by spaces; lines that start with # are notes."""
    return frozenset(word for line in _lines(name) for word in line.split())


@cache
def ranked_words(name: str) -> tuple[str, ...]:
    """The same entries in the order of the file."""
    return tuple(word for line in _lines(name) for word in line.split())


@cache
def phrases(name: str) -> frozenset[tuple[str, ...]]:
    """The lines of data/<name>.txt, each split into words."""
    return frozenset(tuple(line.split()) for line in _lines(name))


def is_function_word(word: str) -> bool:
    """Whether `word` has a role in the sentence but no content (the, with, gonna, very)."""
    return word.lower().replace("’", "'") in word_list("function_words")


def leaves_open(word: str) -> bool:
    """Whether `word` needs another one after it, so that no line should end in it (the, with)."""
    return is_function_word(word) and word.lower() not in word_list("closing_words")


def topic_words(prompt: str) -> tuple[str, ...]:
    """The words that say what `prompt` is about, in order, each once; plain Latin letters only."""
    skipped = word_list("function_words") | word_list("request_words")
    words = (word.removesuffix("'s").strip("'") for word in split_words(prompt))
    known = (word for word in words if len(word) >= _SHORTEST_TOPIC and word.isascii())
    return tuple(dict.fromkeys(word for word in known if word not in skipped))


@lru_cache(REMEMBERED)
def stem(word: str) -> str:
    """`word` without its grammatical ending: the same for most forms of one word."""
    word = word.lower().replace("’", "'")
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word.removesuffix(ending)
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "sl":
        word = word[:-1]
    return word.removesuffix("e")


def are_close(first: str, second: str) -> bool:
    """Whether two words are forms of one ("dancer", "dancing") or share most of their letters."""
    if stem(first) == stem(second):
        return True
    start = first.lower()[:5]
    begin_alike = len(start) == 5 and second.lower().startswith(start)
    return begin_alike and abs(len(first) - len(second)) <= 3


def _lines(name: str) -> list[str]:
    file = resources.files("lyricist.language").joinpath(f"data/{name}.txt")
    text = file.read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]
