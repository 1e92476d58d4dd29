"""The deployment as a process: gcloud is what the path has, visitors ask what is in its file."""

import os
import sys
from pathlib import Path
from typing import Any

from deploy import smoke
from deploy.__main__ import main
from tests.support.gcloud import visitors
from tests.support.gcloud.cloud import Cloud


def fetch(url: str, body: dict[str, Any] | None = None) -> smoke.Fetched:
    """A visitor's request to a service in the file."""
    return visitors.fetch(Cloud.load(Path(os.environ["CLOUD_FILE"])), url, body)


if __name__ == "__main__":
    smoke.fetch = fetch
    sys.exit(main())
