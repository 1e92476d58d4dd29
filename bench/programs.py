"""Small programs that serve like one of our functions, each run in a process of its own.

Owns their texts and the environment that they get. Knows nothing of what they are measured for.
"""

import os
import subprocess
import sys
from pathlib import Path

#: Makes `client` of the function `name`, as functions-framework serves it.
CLIENT = """
import functions_framework
client = functions_framework.create_app("{name}", "{name}_fn/main.py", "http").test_client()
"""
#: Asks `count` times; `i` is which time it is.
ASK = """
for i in range({count}):
    {ask}
"""
SUBMIT = 'assert client.post("/v1/jobs", json={"prompt": f"rain {i}"}).status_code == 202'


def get(job_id: str) -> str:
    """The statement that asks for a job."""
    return f'assert client.get("/v1/jobs/{job_id}").status_code == 200'


def words_of(program: str, data_dir: Path, *arguments: str) -> list[str]:
    """The words of the last line that `program` prints. Raises RuntimeError if it fails."""
    env = {
        **os.environ,
        "PYTHONPATH": os.getcwd(),
        "VERSEQUEUE_DATA_DIR": str(data_dir),
        "VERSEQUEUE_LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, env=env, timeout=300, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-300:])
    return done.stdout.splitlines()[-1].split()
