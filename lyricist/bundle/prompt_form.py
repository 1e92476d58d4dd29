"""What stands around the texts that a model is told: its makers' markup for a conversation.

It is rendered when a bundle is built (`lyricist.tokenizing`), so that a worker only joins texts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

#: Characters of each text. The longest known is Llama 3.1's with its tools, at some 1,000.
MOST_MARKUP = 20_000


@dataclass(frozen=True)
class PromptForm:
    """The texts around a system's text and a user's, special tokens written out."""

    #: Before the system's text; of a model that is no assistant, before everything.
    before: str
    #: Between the system's text and the user's; and after the user's, where the answer begins.
    between: str = ""
    after: str = ""
    #: False for a model that only goes on with a text: it is told the topic and nothing else.
    is_chat: bool = True
    #: Whether it was taught to write around given lines, so that it is told which those are.
    tells_given: bool = False

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "PromptForm":
        """Reads the fields of a manifest; KeyError, TypeError or ValueError if they are no form."""
        texts = [fields[name] for name in ("before", "between", "after")]
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("what stands around a prompt is not text")
        if max(map(len, texts)) > MOST_MARKUP:
            raise ValueError(f"what stands around a prompt is longer than {MOST_MARKUP}")
        before, between, after = texts
        flags = bool(fields["is_chat"]), bool(fields.get("tells_given", False))
        return cls(before, between, after, *flags)


#: The form of SmolLM2, Qwen and many others, and the token that tells of it.
CHAT_ML = PromptForm(
    before="<|im_start|>system\n",
    between="<|im_end|>\n<|im_start|>user\n",
    after="<|im_end|>\n<|im_start|>assistant\n",
)
_CHAT_ML_START = "<|im_start|>"
#: Nothing but the topic.
PLAIN = PromptForm(before="", is_chat=False)


def form_without_template(token_to_id: Callable[[str], int | None]) -> PromptForm:
    """The form of a model of which only the vocabulary is known: ChatML if it has its markup."""
    return PLAIN if token_to_id(_CHAT_ML_START) is None else CHAT_ML
