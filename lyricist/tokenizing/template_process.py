"""Renders a chat template in a process of its own, which its parent ends when it takes too long.

Run by file, without the package around it: reads JSON from stdin, writes JSON to stdout.
"""

import json
import resource
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from jinja2 import TemplateError, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

MOST_SECONDS, MOST_MEMORY_BYTES = 5, 1 << 30
#: Of what one conversation becomes: more than three times the markup that a bundle takes.
MOST_CHARACTERS = 100_000


class Generation(Extension):
    """`{% generation %}`, by which some templates mark what the assistant says; ignored here."""

    tags = {"generation"}  # noqa: RUF012 - so the base class has it

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def refuse(message: str) -> None:
    """`raise_exception` of a template: it cannot say this conversation."""
    raise TemplateError(message)


def day(form: str) -> str:
    """`strftime_now` of a template: always the day that Llama's names where it has no clock, so
    that a bundle does not depend on when it was built."""
    return datetime(2024, 7, 26, tzinfo=UTC).strftime(form)


def rendered(template: str, conversations: list[dict[str, Any]]) -> list[dict[str, str]]:
    """For each set of variables the text, or why there is none."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[Generation, "jinja2.ext.loopcontrols"],
    )
    environment.globals.update(raise_exception=refuse, strftime_now=day)
    environment.filters["tojson"] = lambda value, **_: json.dumps(value, ensure_ascii=False)
    compiled = environment.from_string(template)
    return [_result(compiled.render, variables) for variables in conversations]


def _result(render: Callable[..., str], variables: dict[str, Any]) -> dict[str, str]:
    try:
        text = render(**variables)
    except Exception as error:  # noqa: BLE001 - a template may fail in any way
        return {"error": f"{type(error).__name__}: {error}"[:200]}
    if len(text) > MOST_CHARACTERS:
        return {"error": f"it says more than {MOST_CHARACTERS} characters"}
    return {"text": text}


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    asked = json.load(sys.stdin)
    try:
        answer: Any = rendered(asked["template"], asked["conversations"])
    except Exception as error:  # noqa: BLE001 - one that does not even compile
        answer = [{"error": f"{type(error).__name__}: {error}"[:200]}]
    json.dump(answer, sys.stdout)
