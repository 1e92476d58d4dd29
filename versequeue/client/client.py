"""The Python client: songs and files of prompts from a VerseQueue server, with types."""

import json
import random
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Self, Unpack, cast

import requests

from versequeue.client import heads
from versequeue.client.errors import JobNotSuccessful, UnexpectedAnswer
from versequeue.client.files import PromptFile, Source, as_sent, batch_params
from versequeue.client.polling import follow
from versequeue.client.reading import Asked, read_answer
from versequeue.client.songs import WrittenSong, given_but
from versequeue.client.transport import Call, Transport, json_answer
from versequeue.client.types import (
    Batch,
    CheckedFile,
    Job,
    Jobs,
    Models,
    Overview,
    Rhymes,
    Row,
    ServerStatus,
)
from versequeue.contract import paths
from versequeue.contract.paths import path_of
from versequeue.contract.server_views import ModelView
from versequeue.rules.options import MAX_TITLE_CHARACTERS, SongOptions
from versequeue.rules.terms import JobTerms

DEFAULT_URL = "http://127.0.0.1:8080"


class Client:
    """One server. Keep it as long as you like; close it, or use it in a `with`."""

    def __init__(
        self,
        url: str = DEFAULT_URL,
        api_key: str | None = None,
        *,
        timeout_s: float = 30.0,
        retry_for_s: float = 60.0,
        retry_unheard_for_s: float = 10.0,
        session: requests.Session | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """A failed call is tried again for `retry_for_s`. Raises ValueError if `url` is none.

        `retry_unheard_for_s`: as long as nobody has ever answered there, no longer than this.
        """
        session = session or heads.session()
        self._transport = Transport(
            url, api_key, timeout_s, retry_for_s, retry_unheard_for_s, session, clock, sleep, jitter
        )

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.session.close()

    def write(
        self,
        prompt: str,
        options: SongOptions | None = None,
        *,
        timeout_s: float | None = None,
        **more: Unpack[SongOptions],
    ) -> WrittenSong:
        """Have a song written and wait for it. Raises JobNotSuccessful or WaitTimeout.

        Here and below an option is given by name or in `options`; the one given by name wins.
        """
        return self.song_of(self.submit(prompt, options, **more), timeout_s=timeout_s)

    def song_of(self, job: Job | str, *, timeout_s: float | None = None) -> WrittenSong:
        """The song of a job, waited for. Raises JobNotSuccessful or WaitTimeout."""
        done = self.wait(job, timeout_s=timeout_s)
        if done.status != "succeeded" or done.output is None:
            raise JobNotSuccessful(done)
        return WrittenSong.of(done.output, done, self)

    def rewrite(self, job: Job | str, numbers: Iterable[int], **more: Unpack[SongOptions]) -> Job:
        """Queue the job's song again, with the lines of these numbers anew; the first is 1.

        All others stay, the title, and all options but the seed. Raises JobNotSuccessful where
        there is no song yet, and ValueError for a line that it does not have.
        """
        before = self.get(job)
        if before.output is None:
            raise JobNotSuccessful(before)
        options = {name: value for name, value in before.options.items() if name != "seed"}
        if before.title:
            options["title"] = before.title[:MAX_TITLE_CHARACTERS]
        given = given_but(before.output, numbers)
        return self.submit(before.prompt, cast(SongOptions, options), given=given, **more)

    def submit(
        self,
        prompt: str,
        options: SongOptions | None = None,
        *,
        given: Sequence[str | None] | None = None,
        terms: JobTerms | None = None,
        metadata: Mapping[str, str] | None = None,
        webhook: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        **more: Unpack[SongOptions],
    ) -> Job:
        """Queue one song. One call makes one job, however often it has to be tried.

        `given`: for each line of the song the text that it is to have, or None: it is written.
        `terms` say when it is to be written, such as `{"when": "later"}`, which costs less.
        """
        said = {
            "options": {**(options or {}), **more},
            "given": list(given) if given and any(given) else None,
            "metadata": metadata,
            "webhook": webhook,
        }
        body = {"prompt": prompt, **{name: value for name, value in said.items() if value}}
        body |= as_sent(terms)
        headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        return self._ask(Job, Call("POST", paths.JOBS, headers, json=body))

    def get(self, job: Job | str) -> Job:
        """The job as it is now; it is named by its id, or by what was told of it."""
        return self._ask(Job, Call("GET", path_of(paths.JOB, _id_of(job))))

    def jobs(self, *, page: int = 20) -> Iterator[Job]:
        """The jobs of your API key, the newest first, asked for `page` at a time as they are read.

        A server without keys lists none, and raises ApiError.
        """
        params = {"limit": str(page)}
        while True:
            found = self._ask(Jobs, Call("GET", paths.JOBS, params=params))
            for document in found.raw.get("data") or ():
                yield read_answer(Job, document)
            if not found.next_cursor or found.next_cursor == params.get("cursor"):
                return
            params = {**params, "cursor": found.next_cursor}

    def wait(
        self,
        job: Job | str,
        *,
        on_update: Callable[[Job], None] | None = None,
        timeout_s: float | None = None,
    ) -> Job:
        """The job once it is done; `on_update` sees each change. Raises WaitTimeout."""
        path = path_of(paths.JOB, _id_of(job))
        return follow(self._transport, Job, path, on_update, timeout_s)

    def cancel(self, job: Job | str) -> Job:
        """Ask for the job's end; safe to repeat, and a finished job stays as it is."""
        return self._ask(Job, Call("POST", path_of(paths.CANCEL_JOB, _id_of(job))))

    def redeliver(self, job: Job | str) -> Job:
        """Have the job's last webhook event sent again, under the same `webhook-id`."""
        return self._ask(Job, Call("POST", path_of(paths.REDELIVER, _id_of(job))))

    def submit_batch(
        self,
        source: Source,
        options: SongOptions | None = None,
        *,
        terms: JobTerms | None = None,
        metadata: Mapping[str, str] | None = None,
        webhook: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        **more: Unpack[SongOptions],
    ) -> Batch:
        """Queue a file by its path, or rows; a row's options and terms win over those for all.

        A row is a prompt, or `{"prompt", "custom_id"?, "options"?}` with terms beside these.

        The idempotency key is made from all of this: sent again within a day, the same file is the
        same batch (`replayed`), never a second one.
        """
        file = PromptFile.of(source)
        asked = {**(options or {}), **more, **as_sent(terms)}
        params = batch_params(asked, metadata or {}, webhook or {})
        key = idempotency_key or file.idempotency_key(params)
        headers = {"Idempotency-Key": key, "Content-Type": file.media_type}
        return self._ask(Batch, Call("POST", paths.BATCHES, headers, params, body=file.content))

    def check_file(
        self,
        source: Source,
        options: SongOptions | None = None,
        *,
        terms: JobTerms | None = None,
        **more: Unpack[SongOptions],
    ) -> CheckedFile:
        """What would be wrong with this file or these rows in `submit_batch`; queues nothing."""
        file = PromptFile.of(source)
        params = batch_params({**(options or {}), **more, **as_sent(terms)}, {}, {})
        headers = {"Content-Type": file.media_type}
        call = Call("POST", paths.CHECK_FILE, headers, params, body=file.content)
        return self._ask(CheckedFile, call)

    def get_batch(self, batch: Batch | str) -> Batch:
        """The batch as it is now."""
        return self._ask(Batch, Call("GET", path_of(paths.BATCH, _id_of(batch))))

    def wait_batch(
        self,
        batch: Batch | str,
        *,
        on_update: Callable[[Batch], None] | None = None,
        timeout_s: float | None = None,
    ) -> Batch:
        """The batch once all its rows are done. Raises WaitTimeout."""
        path = path_of(paths.BATCH, _id_of(batch))
        return follow(self._transport, Batch, path, on_update, timeout_s)

    def cancel_batch(self, batch: Batch | str) -> Batch:
        """Ask for the end of every row that is not done."""
        return self._ask(Batch, Call("POST", path_of(paths.CANCEL_BATCH, _id_of(batch))))

    def retry_failed(self, batch: Batch | str) -> Batch:
        """Queue the failed rows again."""
        return self._ask(Batch, Call("POST", path_of(paths.RETRY_FAILED, _id_of(batch))))

    def results(self, batch: Batch | str) -> Iterator[Row]:
        """One row per input row, in input order; the batch may still be running."""
        for line in self._transport.lines(_results(batch, "jsonl")):
            try:
                document = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise UnexpectedAnswer("A row of the results is not JSON.") from error
            yield read_answer(Row, document)

    def results_file(self, batch: Batch | str, file_format: str) -> Iterator[bytes]:
        """The results as the bytes of a `jsonl`, `csv` or `txt` file, piece by piece."""
        return self._transport.chunks(_results(batch, file_format))

    def status(self) -> ServerStatus:
        """Whether a worker is awake, and what a new job has to wait for."""
        return self._ask(ServerStatus, Call("GET", paths.STATUS))

    def overview(self) -> Overview:
        """The whole service: for its own machine, or for a key of its owner's."""
        return self._ask(Overview, Call("GET", paths.OVERVIEW))

    def models(self) -> tuple[ModelView, ...]:
        """The models that the option `model` can name, the default one first."""
        return self._ask(Models, Call("GET", paths.MODELS)).data

    def rhymes(self, word: str) -> Rhymes:
        """The words that rhyme with `word`. Raises ApiError (`not-found`) where it is not known."""
        return self._ask(Rhymes, Call("GET", path_of(paths.RHYMES, word)))

    def warm_up(self) -> None:
        """Wake a worker, so that it is ready when the first prompt comes."""
        self._transport.send(Call("POST", paths.WARM_UP))

    def _ask(self, cls: type[Asked], call: Call) -> Asked:
        response = self._transport.send(call)
        replayed = response.headers.get("Idempotent-Replayed") == "true"
        return read_answer(cls, json_answer(response), replayed=replayed)


def _id_of(found: Job | Batch | str) -> str:
    return found if isinstance(found, str) else found.id


def _results(batch: Batch | str, file_format: str) -> Call:
    path = path_of(paths.RESULTS, _id_of(batch))
    return Call("GET", path, params={"format": file_format}, stream=True)
