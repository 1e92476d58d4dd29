"""Whoever asks for many songs gets them, behind those who ask for a few."""

from functools import partial
from pathlib import Path

from tests.support.api import ApiUnderTest, make_api
from tests.support.inspected_queue import InspectedQueue
from versequeue.backends.sqlite_store import SqliteStore
from versequeue.config import ACK_DEADLINE_S
from versequeue.local.dispatcher import TOPICS, go_together, joined
from versequeue.ports.queue import Topic
from versequeue.rules.batch import JOBS_PER_MESSAGE
from versequeue.rules.job import Stage
from versequeue.rules.options import ResolvedOptions
from versequeue.rules.waits import Work
from versequeue.service.callers import Submission
from versequeue.service.jobs import SONGS_THAT_GO_FIRST
from versequeue.service.sweep import sweep

MANY = 30


def ask(api: ApiUnderTest, client: str) -> str:
    return api.jobs.submit("rain", ResolvedOptions(seed=1), Submission(client)).found.id


def ask_later(api: ApiUnderTest, client: str) -> str:
    api.clock.pass_s(0.01)
    return ask(api, client)


def named(api: ApiUnderTest, topic: Topic) -> list[str]:
    return [job_id for message in api.messages(topic) for job_id in message["job_ids"]]


def test_of_many_songs_of_one_client_only_the_first_go_before_others() -> None:
    api = make_api()
    many = [ask(api, "many") for _ in range(MANY)]
    few = ask(api, "few")
    assert named(api, Topic.JOBS) == [*many[:SONGS_THAT_GO_FIRST], few]
    assert named(api, Topic.BULK) == many[SONGS_THAT_GO_FIRST:]
    api.clock.pass_s(61)
    later = ask(api, "many")
    assert named(api, Topic.JOBS) == [later]


def test_a_visitors_place_does_not_count_songs_that_give_way(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.sqlite3")
    for api in (make_api(), make_api(store=store)):
        many = [ask_later(api, "many") for _ in range(MANY)]
        few = ask_later(api, "few")
        with_right_of_way = len(named(api, Topic.JOBS))
        assert with_right_of_way < MANY
        assert api.jobs.queue_position(api.jobs.get(few)) == with_right_of_way
        assert api.jobs.queue_position(api.jobs.get(many[-1])) == MANY
    store.close()


def test_what_gives_way_does_so_when_it_is_sent_again() -> None:
    api = make_api()
    last = [ask(api, "many") for _ in range(MANY)][-1]
    for topic in Topic:
        api.messages(topic)
    attempt = api.worker_side.claim(last, Stage.WRITING)
    assert attempt
    attempt.hand_back("The worker was asked to stop.")
    api.clock.pass_s(120)
    sweep(api.store, api.queue, api.clock)
    assert last in named(api, Topic.BULK)
    assert len(named(api, Topic.JOBS)) == SONGS_THAT_GO_FIRST


def test_one_who_asks_for_a_few_waits_for_one_pass_of_one_who_asks_for_many(tmp_path: Path) -> None:
    api = make_api()
    queue = InspectedQueue(tmp_path / "queue.sqlite3", api.clock)
    api.jobs.queue = queue
    for _ in range(100):
        ask(api, "many")
    few = ask(api, "few")
    passes = []
    fits = partial(go_together, lambda _: Work(16))
    while taken := queue.lease_together(TOPICS, api.clock(), ACK_DEADLINE_S, fits):
        passes.append(joined(taken)["job_ids"])
        queue.ack_all(taken)
    assert any(few in each for each in passes[:2])
    assert max(map(len, passes[2:])) == JOBS_PER_MESSAGE, "they are written together, too"
    queue.close()
