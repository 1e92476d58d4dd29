"""The tables of the SQLite store, how they came to be, and the statements that fill them."""

from versequeue.ports.store import IdempotencyRecord
from versequeue.rules.batch import Batch
from versequeue.rules.job import Job
from versequeue.rules.tally import Tally

_FIRST = (
    """CREATE TABLE jobs (
        id TEXT PRIMARY KEY, status TEXT NOT NULL, batch_id TEXT, position INTEGER NOT NULL,
        client TEXT NOT NULL, created_at TEXT NOT NULL, due_at TEXT, expires_at TEXT NOT NULL,
        body TEXT NOT NULL)""",
    "CREATE INDEX jobs_due ON jobs (due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX jobs_queued ON jobs (created_at) WHERE status = 'queued'",
    # With the status, so that a batch is counted from the index alone.
    "CREATE INDEX jobs_batch ON jobs (batch_id, position, status) WHERE batch_id IS NOT NULL",
    "CREATE INDEX jobs_created ON jobs (created_at)",
    "CREATE INDEX jobs_client ON jobs (client, created_at)",
    "CREATE INDEX jobs_expires ON jobs (expires_at)",
    """CREATE TABLE batches (
        id TEXT PRIMARY KEY, due_at TEXT, expires_at TEXT NOT NULL, body TEXT NOT NULL)""",
    "CREATE INDEX batches_due ON batches (due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX batches_expires ON batches (expires_at)",
    "CREATE TABLE records (key TEXT PRIMARY KEY, expires_at TEXT NOT NULL, body TEXT NOT NULL)",
    "CREATE INDEX records_expires ON records (expires_at)",
    "CREATE TABLE states (name TEXT PRIMARY KEY, body TEXT NOT NULL)",
)
# With all that is asked for, so that a place in the queue is counted from the index alone.
# SQLite looks the status up even where the index is of one status only.
_WIDER_QUEUED = (
    "DROP INDEX jobs_queued",
    "CREATE INDEX jobs_queued ON jobs (created_at, batch_id, status) WHERE status = 'queued'",
)
# Webhooks of what has ended are looked for apart from what has not, so that neither is in the
# other's way. Nothing is searched by its client any more: what one has used is in its tally.
_WEBHOOKS_APART = (
    "ALTER TABLE jobs ADD COLUMN notify_at TEXT",
    "UPDATE jobs SET notify_at = due_at, due_at = NULL"
    " WHERE due_at IS NOT NULL AND status NOT IN ('queued', 'running')",
    "CREATE INDEX jobs_notify ON jobs (notify_at) WHERE notify_at IS NOT NULL",
    "ALTER TABLE batches ADD COLUMN notify_at TEXT",
    "UPDATE batches SET notify_at = due_at, due_at = NULL"
    ' WHERE due_at IS NOT NULL AND instr(body, \'"finished_at":"\')',
    "CREATE INDEX batches_notify ON batches (notify_at) WHERE notify_at IS NOT NULL",
    "DROP INDEX jobs_client",
    "CREATE TABLE tallies (key TEXT PRIMARY KEY, expires_at TEXT NOT NULL, body TEXT NOT NULL)",
    "CREATE INDEX tallies_expires ON tallies (expires_at)",
)
# The rows of a file that have ended since somebody looked. What ended before is found by position.
_ENDED = (
    "ALTER TABLE jobs ADD COLUMN finished_at TEXT",
    "CREATE INDEX jobs_ended ON jobs (batch_id, finished_at)"
    " WHERE batch_id IS NOT NULL AND finished_at IS NOT NULL",
)
# What a file's songs have cost is the sum of what each took.
_WORKER_TIME = ("ALTER TABLE jobs ADD COLUMN worker_s REAL",)
# A client's jobs by time, and what is written now.
_LISTS = (
    "CREATE INDEX jobs_client ON jobs (client, created_at, id)",
    "CREATE INDEX jobs_running ON jobs (created_at, status) WHERE status = 'running'",
)
# Later jobs that wait for company.
_HELD = ("CREATE INDEX jobs_held ON jobs (created_at) WHERE status = 'held'",)
#: What leads from each version of the file to the next: a file is given those that it lacks.
SCHEMA = (_FIRST, _WIDER_QUEUED, _WEBHOOKS_APART, _ENDED, _WORKER_TIME, _LISTS, _HELD)
#: What is deleted once it is past its retention.
EXPIRING = ("jobs", "batches", "records", "tallies")
TABLE: dict[type, str] = {Job: "jobs", Batch: "batches"}
SELECT: dict[type, str] = {
    Job: "SELECT body FROM jobs WHERE id = ?",
    Batch: "SELECT body FROM batches WHERE id = ?",
    IdempotencyRecord: "SELECT body FROM records WHERE key = ?",
    Tally: "SELECT body FROM tallies WHERE key = ?",
}
#: The values are named as `versequeue.backends.document_store.index_fields` names them.
INSERT: dict[type, str] = {
    Job: "INSERT INTO jobs (id, status, batch_id, position, client, created_at, due_at,"
    " notify_at, finished_at, worker_s, expires_at, body) VALUES (:name, :status, :batch_id,"
    " :position, :client, :created_at, :due_at, :notify_at, :finished_at, :worker_s, :expires_at,"
    " :body)",
    Batch: "INSERT INTO batches (id, due_at, notify_at, expires_at, body)"
    " VALUES (:name, :due_at, :notify_at, :expires_at, :body)",
    IdempotencyRecord: "INSERT OR REPLACE INTO records (key, expires_at, body)"
    " VALUES (:name, :expires_at, :body)",
    Tally: "INSERT OR REPLACE INTO tallies (key, expires_at, body)"
    " VALUES (:name, :expires_at, :body)",
}
#: Only what a change may touch: SQLite writes the index of every column that is named here.
UPDATE: dict[type, str] = {
    Job: "UPDATE jobs SET status = :status, due_at = :due_at, notify_at = :notify_at,"
    " finished_at = :finished_at, worker_s = :worker_s, expires_at = :expires_at, body = :body"
    " WHERE id = :name",
    Batch: "UPDATE batches SET due_at = :due_at, notify_at = :notify_at,"
    " expires_at = :expires_at, body = :body WHERE id = :name",
}
