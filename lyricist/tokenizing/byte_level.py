"""Builds tokenizer.json from a GGUF file's vocabulary, and the tiny preset's smaller one."""

from dataclasses import replace

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

from lyricist.errors import BuildError
from lyricist.tokenizing.tokenizer_data import TokenizerData

_END_TOKENS = ("<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "</s>")
#: How Llama 3 cuts text before merging: contractions in any case, words with the sign before them,
#: numbers of at most three digits, runs of signs, line ends, white space.
LLAMA3_CUTS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
ByteLevel = pre_tokenizers.ByteLevel
PreTokenizer = pre_tokenizers.PreTokenizer


def build_tokenizer(data: TokenizerData) -> Tokenizer:
    """A byte-level BPE tokenizer; BuildError if its way of cutting text is not known."""
    ids = {token: index for index, token in enumerate(data.tokens)}
    if len(ids) != len(data.tokens):
        raise BuildError("The model's vocabulary holds a token twice.")
    tokenizer = Tokenizer(models.BPE(vocab=ids, merges=list(data.merges)))
    tokenizer.pre_tokenizer = _pre_tokenizer(data.pre_tokenizer)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(
        [AddedToken(data.tokens[index], normalized=False, special=True) for index in data.special]
    )
    if tokenizer.get_vocab_size() != len(data.tokens):
        raise BuildError("The model's special tokens are not part of its vocabulary.")
    return tokenizer


def _pre_tokenizer(name: str) -> PreTokenizer:
    cut_words = ByteLevel(add_prefix_space=False, use_regex=True)
    match name:
        case "smollm" | "starcoder" | "refact" | "command-r":
            digits = pre_tokenizers.Digits(individual_digits=True)
            return pre_tokenizers.Sequence([digits, cut_words])
        case "gpt-2" | "default" | "mpt" | "olmo":
            return cut_words
        case "llama-bpe" | "llama3" | "llama-v3":
            cut = pre_tokenizers.Split(Regex(LLAMA3_CUTS), behavior="isolated")
            whole = ByteLevel(add_prefix_space=False, use_regex=False)
            return pre_tokenizers.Sequence([cut, whole])
        case _:
            raise BuildError(f"The tokenizer cuts text in a way that is not known: {name!r}.")


def first_merges(data: TokenizerData, merges: int) -> TokenizerData:
    """The smaller tokenizer that only ever learned the first `merges` merges.

    Merges stand in the order of their frequency, and each joins two tokens that exist before it,
    so what remains is whole: markup, the single bytes and the commonest words.
    """
    kept_merges = data.merges[:merges]
    learned = {left + right for left, right in kept_merges}
    made_later = {left + right for left, right in data.merges} - learned
    kept = [index for index, token in enumerate(data.tokens) if token not in made_later]
    new_id = {old: new for new, old in enumerate(kept)}
    return replace(
        data,
        tokens=tuple(data.tokens[index] for index in kept),
        merges=kept_merges,
        special=tuple(new_id[index] for index in data.special),
        end_of_text=new_id[data.end_of_text],
    )


def end_tokens_of(data: TokenizerData) -> tuple[str, ...]:
    """The texts of the special tokens after which the model has nothing more to say."""
    special = [data.tokens[index] for index in data.special]
    own = data.tokens[data.end_of_text]
    return tuple(dict.fromkeys([own, *(token for token in _END_TOKENS if token in special)]))
