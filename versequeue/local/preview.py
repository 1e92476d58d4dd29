"""What a link to a song shows elsewhere: its title and first lines, in the page's `og:` properties.

Whoever shows a preview runs no script of the page, so that the server has to say it in the HTML.
"""

import json
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from html import escape
from typing import Any

from werkzeug.wrappers import Request, Response

from versequeue.contract import paths
from versequeue.contract.paths import path_of

MOST_TITLE, MOST_LINES, MOST_LINE = 100, 2, 100
#: What a request for a page may say that would be meant for a job here.
_NOT_PASSED = ("HTTP_PREFER", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_RANGE")


def with_preview(html: bytes, request: Request, results: Callable[..., Iterable[bytes]]) -> bytes:
    """`html` with the song in it that its address names, if that is written and may be read.

    It is read as the caller reads it, from the app of the results function.
    """
    job_id = request.args.get("job", "")
    song = _song(request, results, job_id) if re.fullmatch(r"job_\w{1,64}", job_id) else None
    if not song:
        return html
    title, lines = song
    shown = {"og:title": title[:MOST_TITLE], "og:description": " / ".join(lines)}
    text = html.decode()
    for name, words in shown.items():
        before, mark, rest = text.partition(f'<meta property="{name}" content="')
        if mark:
            text = before + mark + escape(words, quote=True) + rest[rest.index('"') :]
    return text.encode("utf-8", "replace")


def _song(
    request: Request, results: Callable[..., Iterable[bytes]], job_id: str
) -> tuple[str, list[str]] | None:
    environ: dict[str, Any] = {
        **{name: value for name, value in request.environ.items() if name not in _NOT_PASSED},
        "PATH_INFO": path_of(paths.JOB, job_id),
        "QUERY_STRING": "",
        "REQUEST_METHOD": "GET",
    }
    answer = Response.from_app(results, environ, buffered=True)
    with suppress(ValueError, LookupError, TypeError, AttributeError):
        output = json.loads(answer.get_data())["output"]
        lines = [line for part in output["sections"] for line in part["lines"]][:MOST_LINES]
        return str(output["title"]), [str(line)[:MOST_LINE] for line in lines]
    return None
