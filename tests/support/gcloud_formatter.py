"""Gives services' answers to the formatter of this machine's gcloud, and tells what comes out.

Started with the Python that comes with gcloud. Reads a JSON list of answers from standard input,
each with its `url`, `code` and `body`; writes a JSON list of texts. Imports nothing of ours.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Format every answer on standard input; the one argument is the folder of the SDK."""
    library = Path(sys.argv[1]) / "lib"
    sys.path[:0] = [str(library), str(library / "third_party")]
    print(json.dumps([text_of(answer) for answer in json.load(sys.stdin)]))


def text_of(answer: dict[str, Any]) -> str:
    """What gcloud prints for a service's answer, after its own head."""
    errors = importlib.import_module("apitools.base.py.exceptions")
    exceptions = importlib.import_module("googlecloudsdk.api_lib.util.exceptions")
    response = {"status": str(answer["code"]), "content-type": "application/json"}
    content = json.dumps({"error": answer["body"]}).encode()
    return str(exceptions.HttpException(errors.HttpError(response, content, answer["url"])))


if __name__ == "__main__":
    main()
