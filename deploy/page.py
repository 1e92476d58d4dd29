"""Telling the static page where the functions are.

Two ways: web/config.js names them, which works from any host, or `_redirects` passes /v1 on to
them, so that page and functions share one origin. Knows nothing of what the page does.
"""

import argparse
import re
import sys
from pathlib import Path

from versequeue.api.routes import ROUTES

CONFIG = """\
// Where the two functions live. Empty means the page's own origin, as with `versequeue up` or
// behind rewrites. From a bucket, write the functions' URLs here, without a slash at the end:
// nothing else in this folder has to change.
export const SUBMIT_BASE = "{submit}";
export const RESULTS_BASE = "{results}";
"""


def write_config(web: Path, submit: str = "", results: str = "") -> Path:
    """Write the functions' addresses into the page's config.js; empty: the page's own origin."""
    path = web / "config.js"
    path.write_text(CONFIG.format(submit=submit, results=results), encoding="utf-8")
    return path


def write_rewrites(web: Path, submit: str, results: str) -> Path:
    """Write Netlify's `_redirects`, by which the page's own origin answers for the functions."""
    paths = dict.fromkeys(route.path for route in ROUTES if route.function == "submit")
    rules = [(re.sub(r"<(\w+)>", r":\1", path), submit) for path in paths]
    rules.append(("/v1/*", results))
    lines = [f"{path} {base}{path.replace('*', ':splat')} 200!" for path, base in rules]
    path = web / "_redirects"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def main() -> int:
    """`python -m deploy.page`: point web/ at two functions; exit status 2 if one is no address."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--submit", required=True, help="URL of the submit function")
    parser.add_argument("--results", required=True, help="URL of the results function")
    parser.add_argument("--rewrites", action="store_true", help="write _redirects, one origin")
    parser.add_argument("--web", type=Path, default=Path("web"))
    asked = parser.parse_args()
    submit, results = asked.submit.rstrip("/"), asked.results.rstrip("/")
    for url in (submit, results):
        if not re.fullmatch(r"https?://[a-z0-9.:-]+", url):
            print(f"{url!r} is not the address of a function, as `make deploy` prints it.")
            return 2
    if asked.rewrites:
        print(write_rewrites(asked.web, submit, results))
        submit = results = ""
    print(write_config(asked.web, submit, results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
