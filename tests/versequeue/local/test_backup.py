"""The advice on backups in docs/operate.md, carried out as it stands there."""

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

from tests.support.paths import ROOT
from tests.support.samples import NOW, queued_job
from tests.support.waiting import wait_until
from tests.support.written import examples
from versequeue.backends.sqlite_store import SqliteStore

BACKUP, RESTORE = (
    next(each.text for each in examples(ROOT / "docs" / "operate.md", "sh") if word in each.text)
    for word in (".backup(", "cp -p backup.sqlite3")
)


def run(command: str, folder: Path) -> None:
    here = command.replace(".venv/bin/python", sys.executable)
    subprocess.run(["sh", "-ec", here], cwd=folder, check=True, timeout=60)


def ids(path: Path) -> set[str]:
    connection = sqlite3.connect(path)
    found = {row[0] for row in connection.execute("SELECT id FROM jobs")}
    connection.close()
    return found


def test_a_backup_of_a_server_that_is_writing_has_all_that_was_accepted(tmp_path: Path) -> None:
    path = tmp_path / ".versequeue" / "store.sqlite3"
    store = SqliteStore(path)
    accepted: list[str] = []
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            job = queued_job(f"job_{len(accepted)}")
            store.create([job], now=NOW)
            accepted.append(job.id)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        wait_until(lambda: len(accepted) > 20, 30)
        before = set(accepted)
        run(BACKUP, tmp_path)
        had = len(accepted)
        wait_until(lambda: len(accepted) > had, 30, what="a write after the backup")
    finally:
        over.set()
        writer.join()
    backup = tmp_path / "backup.sqlite3"
    assert before <= ids(backup)
    assert backup.stat().st_mode & 0o077 == 0
    store.close()

    run(RESTORE, tmp_path)
    restored = SqliteStore(path)
    assert all(restored.get_job(job_id) for job_id in before)
    restored.close()


def test_a_backup_of_a_store_that_is_not_there_fails(tmp_path: Path) -> None:
    try:
        run(BACKUP, tmp_path)
    except subprocess.CalledProcessError:
        return
    raise AssertionError("an empty backup was made")
