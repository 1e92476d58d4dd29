"""What songs read, write and delete in Firestore, as it bills that. Pure arithmetic.

The numbers are those of the calls that the code makes: `tests/versequeue/planning` counts them.
Each read is of one document, or a count of up to a thousand, or an answer without any.
"""

import math
from dataclasses import dataclass

from versequeue.config import Settings
from versequeue.rules.batch import JOBS_PER_MESSAGE, ROW_INTERVALS

#: The idempotency record before the transaction and in it, two tallies, the songs that are before,
#: what was measured of the worker; for a file also who waits alone before it.
READS_TO_SUBMIT, READS_TO_SUBMIT_FILE = 6, 7
#: Beside the jobs themselves: the idempotency record, two tallies; a file has its batch as well.
WRITES_BESIDE_JOBS, WRITES_BESIDE_ROWS = 3, 4
#: A job, while it is queued how many are before it, and what was measured of the worker, which is
#: read once for all who look within two seconds; a batch, and its rows by status.
READS_TO_POLL, READS_TO_POLL_FILE = 3, 7
#: The first of those who wait: read for all who look and are behind them, as often as that.
READS_OF_THE_FIRST = JOBS_PER_MESSAGE
#: Questions until a song, or a file, is done: what a page asks of a usual song.
POLLS = 6
#: The claim, and each write of the lines so far: the job, read and written.
CALLS_OF_A_WRITE = 1
#: The end itself and, once a second at most, the worker's measured times; for a row also one count
#: of those that are left.
READS_AT_THE_END, READS_AT_A_ROWS_END, WRITES_AT_THE_END = 2, 3, 2
#: Of the last row: the count again, the batch, the sum of what its rows took, and its change.
READS_AT_A_FILES_END, WRITES_AT_A_FILES_END = 4, 1
#: The five searches of a sweep that finds nothing to do.
READS_TO_SWEEP = 5
#: A look at /metrics: two documents of totals, two counts, the oldest of the queue.
READS_TO_SCRAPE = 5
#: Seconds between two writes of the lines so far: of a song alone, and of a file's row.
PROGRESS_S = Settings.progress_interval_s
ROWS_PROGRESS_S = PROGRESS_S * ROW_INTERVALS


@dataclass(frozen=True)
class StoreCalls:
    """So many calls, of one song or of a day."""

    reads: float = 0.0
    writes: float = 0.0
    deletes: float = 0.0

    def times(self, number: float) -> "StoreCalls":
        """The calls of `number` such."""
        return StoreCalls(self.reads * number, self.writes * number, self.deletes * number)

    def plus(self, other: "StoreCalls") -> "StoreCalls":
        """These and those."""
        return StoreCalls(
            self.reads + other.reads, self.writes + other.writes, self.deletes + other.deletes
        )


def of_a_submission(rows: int) -> StoreCalls:
    """The request that brings `rows` prompts, and what Firestore deletes of it in the end."""
    if rows == 1:
        return StoreCalls(READS_TO_SUBMIT, 1 + WRITES_BESIDE_JOBS, 1 + WRITES_BESIDE_JOBS)
    made = rows + WRITES_BESIDE_ROWS
    reads = READS_TO_SUBMIT_FILE + READS_AT_A_FILES_END
    return StoreCalls(reads, made + WRITES_AT_A_FILES_END, made)


def of_a_poll(rows: int, held_s: float = 0.0) -> StoreCalls:
    """One question how far it is; one that is held is looked after once a second."""
    each = READS_TO_POLL if rows == 1 else READS_TO_POLL_FILE
    return StoreCalls(reads=each * (1 + math.floor(held_s / PROGRESS_S)))


def of_an_attempt(took_s: float, *, is_row: bool) -> StoreCalls:
    """One song written in `took_s` from its claim to its end, one of a file or alone."""
    progress = math.ceil(took_s / (ROWS_PROGRESS_S if is_row else PROGRESS_S))
    shared = CALLS_OF_A_WRITE * (1 + progress)
    read_at_end = READS_AT_A_ROWS_END if is_row else READS_AT_THE_END
    return StoreCalls(shared + read_at_end, shared + WRITES_AT_THE_END)
