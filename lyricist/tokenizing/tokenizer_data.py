"""What a tokenizer is made of."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TokenizerData:
    """What a byte-level BPE tokenizer is made of; ids are positions in `tokens`."""

    tokens: tuple[str, ...]
    merges: tuple[tuple[str, str], ...]
    #: Ids that are markup such as <|im_end|>, never written text.
    special: tuple[int, ...]
    end_of_text: int
    #: How text is cut before merging, as llama.cpp names it.
    pre_tokenizer: str
