"""One origin for the page and both functions: which of them a request goes to.

In the cloud the same is done by the rewrites of the page's host.
"""

import mimetypes
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from werkzeug.security import safe_join
from werkzeug.wrappers import Request, Response

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
WsgiApp = Callable[..., Iterable[bytes]]


class LocalApp:
    """A WSGI app: the API under /v1 and /healthz, the page everywhere else."""

    def __init__(self, *, submit: WsgiApp, results: WsgiApp, web: Path) -> None:
        self._submit = submit
        self._results = results
        self._web = web

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request."""
        path = environ.get("PATH_INFO", "")
        if path.startswith("/v1/") or path in ("/v1", "/healthz"):
            reads = environ["REQUEST_METHOD"] in ("GET", "HEAD")
            return (self._results if reads else self._submit)(environ, start_response)
        return self._page(Request(environ))(environ, start_response)

    def _page(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return _plain("This is a page; the API is under /v1.", 405, {"Allow": "GET, HEAD"})
        name = request.path.lstrip("/") or "index.html"
        found = safe_join(str(self._web), name)
        # Not Path.is_file, which raises for a name that is too long to be one.
        if found is None or not os.path.isfile(found):
            return _plain("There is no such page here.", 404, {})
        response = Response(
            Path(found).read_bytes(), content_type=_content_type(found), headers=_page_headers()
        )
        response.add_etag()
        return response.make_conditional(request)


def _content_type(path: str) -> str:
    kind = "text/javascript" if path.endswith(".js") else mimetypes.guess_type(path)[0]
    kind = kind or "application/octet-stream"
    textual = kind.startswith("text/") or kind.endswith(("json", "xml"))
    return f"{kind}; charset=utf-8" if textual else kind


def _page_headers() -> dict[str, str]:
    return {
        "Content-Security-Policy": PAGE_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": "no-cache",
    }


def _plain(text: str, status: int, headers: dict[str, str]) -> Response:
    return Response(f"{text}\n", status, {**_page_headers(), **headers}, mimetype="text/plain")
