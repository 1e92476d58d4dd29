"""Telling the static page where the functions are: in its config.js, or by rules of its host."""

import argparse
import os
import re
import sys
from pathlib import Path

from versequeue.api.routes import ROUTES
from versequeue.config import PAGE_SECRET_HEADER

CONFIG = """\
// Where the two functions live. Empty means the page's own origin, as with `versequeue up` or
// behind rewrites. From a bucket, write the functions' URLs here, without a slash at the end.
export const SUBMIT_BASE = "{submit}";
export const RESULTS_BASE = "{results}";
"""


def write_config(web: Path, submit: str = "", results: str = "") -> Path:
    """Write the functions' addresses into the page's config.js; empty: the page's own origin."""
    path = web / "config.js"
    path.write_text(CONFIG.format(submit=submit, results=results), encoding="utf-8")
    return path


def write_rewrites(netlify: Path, submit: str, results: str, secret: str = "") -> Path:
    """Add to netlify.toml that the page's own origin answers for the functions.

    Rules with a header of their own are possible in that file only. It is read after the build.
    """
    paths = dict.fromkeys(route.path for route in ROUTES if route.function == "submit")
    rules = [(re.sub(r"<(\w+)>", r":\1", path), submit) for path in paths]
    rules.append(("/v1/*", results))
    header = f'headers = {{{PAGE_SECRET_HEADER} = "{secret}"}}\n' if secret else ""
    with netlify.open("a", encoding="utf-8") as file:
        for path, base in rules:
            target = f"{base}{path.replace('*', ':splat')}"
            file.write(f'\n[[redirects]]\nfrom = "{path}"\nto = "{target}"\n')
            file.write(f"status = 200\nforce = true\n{header}")
    return netlify


def main() -> int:
    """`python -m deploy.page`: point web/ at two functions; exit status 2 if one is no address."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--submit", required=True, help="URL of the submit function")
    parser.add_argument("--results", required=True, help="URL of the results function")
    parser.add_argument(
        "--rewrites", type=Path, metavar="NETLIFY.TOML", help="one origin: add rules there"
    )
    parser.add_argument("--web", type=Path, default=Path("web"))
    asked = parser.parse_args()
    submit, results = asked.submit.rstrip("/"), asked.results.rstrip("/")
    for url in (submit, results):
        if not re.fullmatch(r"https?://[a-z0-9.:-]+", url):
            print(f"{url!r} is not the address of a function, as `make deploy` prints it.")
            return 2
    if asked.rewrites:
        secret = os.environ.get("PAGE_SECRET", "")
        if not re.fullmatch(r"[A-Za-z0-9_+/=-]{16,512}", secret):
            print("PAGE_SECRET is not set to what Secret Manager holds as versequeue-page-secret.")
            return 2
        print(write_rewrites(asked.rewrites, submit, results, secret))
        submit = results = ""
    print(write_config(asked.web, submit, results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
