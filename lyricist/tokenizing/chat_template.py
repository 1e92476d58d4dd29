"""What a model is told around a prompt, found out by rendering its makers' chat template once.

A template is a stranger's program: it runs in jinja2's sandbox, in a process with bounds.
"""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from lyricist.bundle.prompt_form import MOST_MARKUP, PromptForm
from lyricist.errors import BuildError

#: Llama 3.1's, with its tools, has 4 KB.
MOST_TEMPLATE_BYTES = 200_000
#: Wall clock for all conversations together; the process counts its own seconds beside it.
MOST_SECONDS = 10
_PROCESS = Path(__file__).with_name("template_process.py")
#: Texts that no template holds; what stands around them is the markup.
_SYSTEM, _USER = "SystemOfThisConversation", "UserOfThisConversation"
#: Where a template has no place for a system's text it begins the user's.
_JOINED = f"{_SYSTEM}\n\n{_USER}"
_THOUGHTS_BEGIN = re.compile(r"<think>\s*$")


def form_of_template(template: str, bos: str, eos: str) -> PromptForm:
    """The markup of a model with that template; BuildError if it cannot be found out.

    Without its bos, unless the template writes it.
    """
    if len(template.encode(errors="replace")) > MOST_TEMPLATE_BYTES:
        raise BuildError(f"The chat template has more than {MOST_TEMPLATE_BYTES} bytes.")
    results = _results(template, bos, eos)
    for result in results:
        form = _form(result.get("text", ""))
        if form is not None:
            return form
    why = results[0].get("error", "what it is told does not stand in what it says")
    raise BuildError(f"The chat template cannot be used ({why}).")


def _form(text: str) -> PromptForm | None:
    if text.count(_SYSTEM) != 1 or text.count(_USER) != 1:
        return None
    before, _, rest = text.partition(_SYSTEM)
    between, user, after = rest.partition(_USER)
    if not user or max(len(before), len(between), len(after)) > MOST_MARKUP:
        return None
    if _THOUGHTS_BEGIN.search(after):  # a song is written without thinking aloud
        after = f"{after.rstrip()}\n\n</think>\n\n"
    return PromptForm(before, between, after)


def _conversations(bos: str, eos: str) -> list[dict[str, Any]]:
    """With a system's text and without, as texts and as lists of parts: the first that works."""
    spoken = [(("system", _SYSTEM), ("user", _USER)), (("user", _JOINED),)]
    return [
        {
            "messages": [{"role": role, "content": part(text)} for role, text in messages],
            "add_generation_prompt": True,
            "enable_thinking": False,
            "bos_token": bos,
            "eos_token": eos,
            "tools": None,
            "documents": None,
        }
        for part in (lambda text: text, lambda text: [{"type": "text", "text": text}])
        for messages in spoken
    ]


@lru_cache(maxsize=16)
def _results(template: str, bos: str, eos: str) -> Sequence[dict[str, str]]:
    asked = {"template": template, "conversations": _conversations(bos, eos)}
    try:
        done = subprocess.run(  # noqa: S603 - this package's own file
            [sys.executable, "-I", str(_PROCESS)],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=MOST_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise BuildError(f"The chat template took longer than {MOST_SECONDS} s.") from error
    if done.returncode:
        raise BuildError(
            "The chat template ran out of time or memory: it loops, or it makes too much of it."
        )
    found: list[dict[str, str]] = json.loads(done.stdout)
    return found
