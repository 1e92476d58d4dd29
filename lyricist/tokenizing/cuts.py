"""How byte-level BPE cuts text into words before it merges, by llama.cpp's names of the cuts.

The expressions are those of the models' own tokenizer.json files.
"""

from dataclasses import dataclass

from tokenizers import Regex, normalizers, pre_tokenizers

from lyricist.errors import BuildError

#: Words with the sign before them, runs of signs with line ends after them, line ends, white space.
_LETTERS = r"[^\r\n\p{L}\p{N}]?\p{L}+"
_CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_SPACE = r"\s*[\r\n]+|\s+(?!\S)|\s+"
_SIGNS = r" ?[^\s\p{L}\p{N}]+[\r\n]*"
_LLAMA3 = rf"{_CONTRACTIONS}|{_LETTERS}|\p{{N}}{{1,3}}|{_SIGNS}|{_SPACE}"
_QWEN2 = rf"{_CONTRACTIONS}|{_LETTERS}|\p{{N}}|{_SIGNS}|{_SPACE}"
#: Words end where a capital begins the next one.
_UPPER, _LOWER = r"\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}", r"\p{Ll}\p{Lm}\p{Lo}\p{M}"
_SIGN = r"[^\r\n\p{L}\p{N}]?"
_CAMEL = (rf"{_SIGN}[{_UPPER}]*[{_LOWER}]+", rf"{_SIGN}[{_UPPER}]+[{_LOWER}]*")
_SIGNS_AND_SLASHES = r" ?[^\s\p{L}\p{N}]+[\r\n/]*"
_TEKKEN = rf"{_CAMEL[0]}|{_CAMEL[1]}|\p{{N}}|{_SIGNS_AND_SLASHES}|{_SPACE}"
_GPT4O = (
    rf"{_CAMEL[0]}{_CONTRACTIONS}?|{_CAMEL[1]}{_CONTRACTIONS}?|\p{{N}}{{1,3}}"
    rf"|{_SIGNS_AND_SLASHES}|{_SPACE}"
)
ByteLevel = pre_tokenizers.ByteLevel
PreTokenizer = pre_tokenizers.PreTokenizer


@dataclass(frozen=True)
class Cut:
    """One way to cut text, and what else differs between the tokenizers that cut so."""

    #: "" for GPT-2's own.
    expression: str = ""
    single_digits: bool = False
    #: A word that is a token is not merged from its parts, which might end elsewhere.
    whole_words: bool = False
    #: Characters are composed first (Unicode's form C).
    composes: bool = False
    #: Texts begin with the first token even where the file does not say so.
    adds_bos: bool = False

    def pre_tokenizer(self) -> PreTokenizer:
        """The cut as the `tokenizers` package makes it."""
        if self.expression:
            split = pre_tokenizers.Split(Regex(self.expression), behavior="isolated")
            whole = ByteLevel(add_prefix_space=False, use_regex=False)
            return pre_tokenizers.Sequence([split, whole])
        words = ByteLevel(add_prefix_space=False, use_regex=True)
        if self.single_digits:
            digits = pre_tokenizers.Digits(individual_digits=True)
            return pre_tokenizers.Sequence([digits, words])
        return words

    def normalizer(self) -> normalizers.Normalizer | None:
        """What is done to a text before it is cut."""
        return normalizers.NFC() if self.composes else None


_GPT2, _DIGITS = Cut(), Cut(single_digits=True)
_LLAMA3_CUT = Cut(_LLAMA3, whole_words=True, adds_bos=True)
CUTS = {
    **dict.fromkeys(("gpt-2", "default", "mpt", "olmo", "phi-2"), _GPT2),
    **dict.fromkeys(("smollm", "starcoder", "refact", "command-r", "codeshell"), _DIGITS),
    **dict.fromkeys(("llama-bpe", "llama3", "llama-v3", "falcon3"), _LLAMA3_CUT),
    "qwen2": Cut(_QWEN2, composes=True),
    "stablelm2": Cut(_QWEN2),
    **dict.fromkeys(("dbrx", "smaug-bpe", "glm4"), Cut(_LLAMA3)),
    "tekken": Cut(_TEKKEN, whole_words=True, adds_bos=True),
    **dict.fromkeys(("gpt-4o", "llama4"), Cut(_GPT4O)),
}


def cut_named(name: str) -> Cut:
    """The cut that llama.cpp calls `name`; BuildError if it is not known."""
    if name not in CUTS:
        raise BuildError(f"The tokenizer cuts text in a way that is not known: {name!r}.")
    return CUTS[name]
