"""One origin for the page and both functions, as the rewrites of the page's host do it."""

import mimetypes
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from werkzeug.security import safe_join
from werkzeug.wrappers import Request, Response

from versequeue.api.origin import check_host
from versequeue.config import Settings
from versequeue.contract.paths import METRICS
from versequeue.errors import WrongHost
from versequeue.local.preview import with_preview

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
PAGE_HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
#: The name that Netlify, Firebase and GitHub Pages know, too.
NOWHERE = "404.html"
INDEX = "index.html"
WsgiApp = Callable[..., Iterable[bytes]]


@dataclass(frozen=True, kw_only=True)
class LocalApp:
    """A WSGI app: the API under /v1, /healthz and /metrics, the page everywhere else."""

    submit: WsgiApp
    results: WsgiApp
    web: Path
    settings: Settings

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith("/v1/") or path in ("/v1", "/healthz", METRICS):
            reads = environ["REQUEST_METHOD"] in ("GET", "HEAD")
            return (self.results if reads else self.submit)(environ, start_response)
        return self._page(Request(environ))(environ, start_response)

    def _page(self, request: Request) -> Response:
        try:
            check_host(request, self.settings)
        except WrongHost as error:
            return _plain(str(error), error.status, {})
        if request.method not in ("GET", "HEAD"):
            return _plain("This is a page; the API is under /v1.", 405, {"Allow": "GET, HEAD"})
        name = request.path.lstrip("/") or INDEX
        found = safe_join(str(self.web), name)
        # Not Path.is_file, which raises for a name that is too long to be one.
        if found is None or not os.path.isfile(found):
            return self._nowhere(request)
        response = _file(found)
        if name == INDEX and "job" in request.args:
            response.set_data(with_preview(response.get_data(), request, self.results))
        response.add_etag()
        return response.make_conditional(request)

    def _nowhere(self, request: Request) -> Response:
        # Whoever asked for a page gets one that leads on; a program gets a line.
        if "text/html" in request.accept_mimetypes.values():
            return _file(self.web / NOWHERE, 404)
        return _plain("There is no such page here.", 404, {})


def _file(path: str | Path, status: int = 200) -> Response:
    kind = _content_type(str(path))
    return Response(Path(path).read_bytes(), status, PAGE_HEADERS, content_type=kind)


def _content_type(path: str) -> str:
    kind = "text/javascript" if path.endswith(".js") else mimetypes.guess_type(path)[0]
    kind = kind or "application/octet-stream"
    textual = kind.startswith("text/") or kind.endswith(("json", "xml"))
    return f"{kind}; charset=utf-8" if textual else kind


def _plain(text: str, status: int, headers: dict[str, str]) -> Response:
    return Response(f"{text}\n", status, {**PAGE_HEADERS, **headers}, mimetype="text/plain")
