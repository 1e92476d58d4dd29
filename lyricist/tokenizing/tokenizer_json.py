"""A tokenizer.json as its makers wrote it, made fit for texts that go on.

What it does to the start of a text, to its length and to its end is taken out; the tokens of a text
are those that its makers meant.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tokenizers import Tokenizer

from lyricist.errors import BuildError, is_panic
from lyricist.tokenizing.tokenizer_source import TokenizerJson
from lyricist.tokenizing.whole_tokenizer import Spaces, WholeTokenizer

#: Gemma 3's has 33 MB, the largest known.
MOST_JSON_BYTES = 64 << 20
KINDS = ("BPE", "Unigram")
#: So many merges take most of the time that a tokenizer takes to be read.
MANY_MERGES = 200_000


def tokenizer_of_json(source: TokenizerJson, vocabulary_size: int) -> WholeTokenizer:
    """The tokenizer; BuildError if it is none, is too large or of a kind that writes no text.

    Tokens that were added beyond `vocabulary_size` are left out: the network never says them.
    """
    if len(source.content) > MOST_JSON_BYTES:
        raise BuildError(f"The tokenizer.json is larger than {MOST_JSON_BYTES >> 20} MB.")
    try:
        fields = json.loads(source.content)
        kind = _kind_of(fields["model"])
        if kind not in KINDS:
            raise BuildError(f"The tokenizer.json is of kind {kind!r}, not one of {KINDS}.")
        whole = _without_ends(fields, vocabulary_size)
        spaces, adds_bos = _spaces_of(fields), _begins_with_markup(fields)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise _no_tokenizer(error) from error
    return WholeTokenizer(read_tokenizer(json.dumps(whole).encode()), spaces, adds_bos)


def read_tokenizer(content: bytes) -> Tokenizer:
    """The tokenizer in the bytes of a tokenizer.json; BuildError if there is none."""
    try:
        return Tokenizer.from_buffer(content)
    except BaseException as error:
        if isinstance(error, Exception) or is_panic(error):
            raise _no_tokenizer(error) from error
        raise


def written(tokenizer: Tokenizer) -> str:
    """The tokenizer.json that a bundle keeps.

    Where there are many merges each is one text, as in older files, and not a list of two: Gemma's
    510,000 are read in 0.2 s less.
    """
    text: str = tokenizer.to_str()
    fields = json.loads(text)
    merges = fields["model"].get("merges") or ()
    if len(merges) < MANY_MERGES or any(" " in part for merge in merges for part in merge):
        return text
    fields["model"]["merges"] = [" ".join(merge) for merge in merges]
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def _no_tokenizer(error: BaseException) -> BuildError:
    return BuildError(f"The tokenizer.json is no tokenizer: {str(error)[:200]}.")


def _kind_of(model: Mapping[str, Any]) -> str:
    """Old files do not name it: only BPE has merges."""
    return str(model.get("type") or ("BPE" if "merges" in model else "unknown"))


def _without_ends(fields: Mapping[str, Any], vocabulary_size: int) -> dict[str, Any]:
    added = [token for token in fields.get("added_tokens") or () if token["id"] < vocabulary_size]
    normalizer = _without_prefix_space(fields.get("normalizer"))
    return {
        **fields,
        "added_tokens": added,
        "normalizer": normalizer,
        "pre_tokenizer": _without_prefix_space(fields.get("pre_tokenizer")),
        "decoder": _without_prefix_space(fields.get("decoder")),
        "post_processor": None,
        "truncation": None,
        "padding": None,
    }


def _without_prefix_space(step: Any) -> Any:
    """A step of the tokenizer, or a sequence of them, that neither adds nor takes a first space."""
    if step is None:
        return None
    for name in ("normalizers", "pretokenizers", "decoders"):
        if name in step:
            steps = map(_without_prefix_space, step[name])
            return {**step, name: [each for each in steps if each is not None]}
    match step["type"]:
        case "Prepend":
            return None
        case "Strip" if step.get("content") == " ":  # of a decoder; a normalizer's has no content
            return None
        case "Metaspace":
            return {**step, "prepend_scheme": "never", "add_prefix_space": False}
        case "ByteLevel":
            return {**step, "add_prefix_space": False}
    return step


def _spaces_of(fields: Mapping[str, Any]) -> Spaces:
    for step in [*_steps(fields.get("normalizer")), *_steps(fields.get("pre_tokenizer"))]:
        match step["type"], step.get("prepend_scheme"):
            case ("Prepend", _) | ("Metaspace", "always"):
                return Spaces.ALWAYS
            case ("Metaspace", "first"):
                return Spaces.FIRST
            case ("Metaspace", None) | ("ByteLevel", _) if step.get("add_prefix_space"):
                return Spaces.ALWAYS
    return Spaces.NEVER


def _steps(step: Any) -> Iterator[Mapping[str, Any]]:
    if step is not None:
        inner = step.get("normalizers") or step.get("pretokenizers")
        if inner is None:
            yield step
        for each in inner or ():
            yield from _steps(each)


def _begins_with_markup(fields: Mapping[str, Any]) -> bool:
    """Whether its makers put a special token before every text."""
    processor = fields.get("post_processor") or {}
    steps = processor.get("processors") or [processor]
    return any(
        "SpecialToken" in step["single"][0]
        for step in steps
        if step.get("type") == "TemplateProcessing" and step.get("single")
    )
