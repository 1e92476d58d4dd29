"""What is learned from songs that were written, and the waits that are told from it."""

import random
from dataclasses import replace
from typing import Any

import pytest

from tests.support.api import ApiUnderTest, ManualClock, make_api
from tests.support.samples import NOW, at, queued_job, song_of
from versequeue.config import Settings
from versequeue.ports.store import State
from versequeue.rules.job import Event, Job, Metrics, Stage, Status
from versequeue.rules.options import Effort, ResolvedOptions
from versequeue.rules.outlook import USUAL_SPREAD, Wait, WorkerOutlook, wait_of
from versequeue.rules.structure import RhymeScheme
from versequeue.rules.transitions import claim
from versequeue.rules.waits import BESIDE, LANE_SLOWER, Pace, Work, pass_s, song_s
from versequeue.service import estimates
from versequeue.service.estimates import FirstLines

EFFORTS: tuple[Effort, ...] = ("quick", "quick", "normal", "best")
SCHEMES: tuple[RhymeScheme, ...] = ("AABB", "ABAB", "AAAA", "none")
PACE = Pace({"quick": 0.25}, song_s=1.0, start_s=3.0)
WARM = WorkerOutlook("warm", "m", {"": PACE}, {"": {"quick": 2.0}})


def free(lines: int = 16, **options: Any) -> ResolvedOptions:
    """Lines that need not rhyme: each of them takes as long."""
    return ResolvedOptions(**{"seed": 1, "lines": lines, "rhyme_scheme": "none", **options})


def song(generate_s: float, lines: int = 16, *, cold: bool = False, **options: Any) -> Job:
    """A job that was written alone in so many seconds."""
    return queued_job(
        status=Status.SUCCEEDED,
        attempt=1,
        options=free(lines, **options),
        metrics=Metrics(0.8 if cold else 0.0, cold, 1.2 if cold else 0.0, generate_s),
    )


def learned(*jobs: tuple[Job, FirstLines | None]) -> State:
    state: State = {}
    for job, first in jobs:
        state = estimates.measured(state, job, first, NOW)
    return state


def running(**fields: Any) -> Job:
    """A job of four lines that was claimed a second ago."""
    claimed = (Event(NOW, "claimed", 1),)
    options = free(4)
    some = {"status": Status.RUNNING, "stage": Stage.WRITING, "events": claimed, "options": options}
    return queued_job(**{**some, **fields})


def test_a_song_teaches_a_lines_time_and_the_part_that_is_every_songs() -> None:
    state = learned((song(5.0), FirstLines(1, to_end_s=3.75)))
    pace = estimates.read(state, NOW, 60).pace_of()
    assert pace is not None
    assert pace.line_s == {"quick": 0.25}
    assert pace.song_s == 1.0


def test_what_is_over_in_no_time_is_learned_from_as_well() -> None:
    state = learned(*[(song(seconds), None) for seconds in (0.2, 0.0, 0.0, 0.0, 0.2)])
    pace = estimates.read(state, NOW, 60).pace_of()
    assert pace is not None
    assert 0 <= pace.line_s["quick"] < 0.2


def test_four_lines_tell_nothing_wrong_of_thirty_two() -> None:
    state = learned(*[(song(2.0, 4), FirstLines(1, to_end_s=0.75)) for _ in range(9)])
    outlook = estimates.read(state, NOW, 60)
    job = queued_job(options=free(32))
    assert wait_of(job, outlook, NOW) == Wait(9.0, round(9.0 * estimates.LEAST_SPREAD, 1))


def test_the_start_is_learned_of_a_cold_song_with_the_time_until_its_process_ran() -> None:
    state = learned((song(5.0, cold=True), None))
    outlook = estimates.read(state, NOW, 60)
    assert (pace := outlook.pace_of())
    assert pace.start_s == 2.0
    job = queued_job(options=free())
    warm, cold = (wait_of(job, replace(outlook, worker=w), NOW) for w in ("warm", "cold"))
    assert warm
    assert cold
    assert cold.expected_s - warm.expected_s == 2.0


def test_a_claimed_song_has_only_the_loading_left_of_a_cold_start() -> None:
    state = learned((song(5.0, cold=True), None))
    outlook = estimates.read(state, NOW, 60)
    claim = (Event(NOW, "claimed", 1, "loading_model"),)
    loading = running(stage=Stage.LOADING_MODEL, events=claim, options=free())
    assert wait_of(loading, outlook, at(0.2)) == Wait(6.0, 8.4)


@pytest.mark.parametrize(
    "state",
    [
        {"pace": [0.1, 0.2]},
        {"pace": {"line_s": [0.1, 0.2]}},
        {"pace": {"line_s": {"quick": ["0.1"]}}},
        {"pace": {"line_s": {"quick": [0.1]}, "over": [{"of": 1.0}] * 5}},
        {"pace": {"line_s": {"quick": [0.1]}, "over": [1.0] * 5}},
        {"pace": {"line_s": {"quick": [0.1]}, "slowness": 0.0}},
        {"pass": {"at": "2026-01-01T00:00:00Z", "ends_s": {"job_1": 1.0}}},
        {"pass": {"spans_s": {"job_1": [1.0]}}},
        {"pass": {"spans_s": {"job_1": None}}},
        {"lanes": 0},
        {"seen_at": "2026-01-01T00:00:00", "stopped_at": 7},
    ],
)
def test_what_another_version_noted_of_the_worker_in_another_form_is_measured_anew(
    state: State,
) -> None:
    job = song(5.0)
    for stored in (state, {**learned((job, None)), **state}):
        found = estimates.sound(stored)
        outlook = estimates.read(found, NOW, 60)
        wait_of(queued_job(), outlook, NOW, [queued_job()], 1)
        begun = estimates.begun(found, [job])
        pace = estimates.read(estimates.measured(begun, job, None, NOW), NOW, 60).pace_of()
        assert pace is not None
        assert pace.line_s["quick"] > 0


def test_a_machine_that_turned_slower_is_noticed_whatever_was_written_on_it() -> None:
    state = learned((song(5.0), None), (song(20.0, effort="best"), None))
    best = queued_job(options=free(effort="best"))
    for _ in range(6):
        state = estimates.measured(state, song(15.0), None, NOW)
    slowed = wait_of(best, estimates.read(state, NOW, 60), NOW)
    assert slowed
    assert 50 < slowed.expected_s <= 60
    for _ in range(6):
        state = estimates.measured(state, song(5.0), None, NOW)
    back = wait_of(best, estimates.read(state, NOW, 60), NOW)
    assert back
    assert back.expected_s == pytest.approx(20, rel=0.2)


def test_songs_that_take_longer_than_expected_widen_what_is_told_of_their_effort() -> None:
    steady = learned(*[(song(5.0), FirstLines(1, 3.75)) for _ in range(8)])
    assert estimates.read(steady, NOW, 60).spreads[""] == {"quick": estimates.LEAST_SPREAD}
    mixed = learned(*[(song(took), None) for took in (5, 5, 10, 5, 12, 5, 5, 9)])
    assert estimates.read(mixed, NOW, 60).spreads[""]["quick"] > 1.5
    best = queued_job(options=free(effort="best"))
    told = wait_of(best, estimates.read(mixed, NOW, 60), NOW)
    assert told
    assert told.at_most_s == pytest.approx(told.expected_s * USUAL_SPREAD, abs=0.1)


def test_the_document_stays_small_however_many_songs_there_were() -> None:
    state = learned(*[(song(5.0), FirstLines(1, 3.75)) for _ in range(100)])
    assert len(str(state)) < 1000


def test_a_document_of_an_older_version_is_read_and_not_believed() -> None:
    old: State = {"seen_at": None, "cold_s": [2.0], "warm_s": [1.0], "line_s": [0.1]}
    assert estimates.read(old, NOW, 60).pace_of() is None
    assert estimates.measured(old, song(5.0), None, NOW)["line_s"] == [0.1]


def test_nothing_is_told_where_nothing_was_measured_or_the_song_has_ended() -> None:
    assert wait_of(queued_job(), WorkerOutlook(), NOW) is None
    assert wait_of(song(1.0), WARM, NOW) is None


def test_a_waiting_row_leaves_it_to_its_batch_to_tell() -> None:
    assert wait_of(queued_job(batch_id="batch_1"), WARM, NOW) is None


def test_a_song_that_is_written_has_its_lines_left_and_the_most_is_told_beside() -> None:
    assert wait_of(running(), WARM, at(1)) == Wait(1.0, 2.0)
    two = running(preview=("one", "two"), shown_at=at(1.5))
    assert [wait_of(two, WARM, at(seconds)) for seconds in (1.5, 1.7)] == [
        Wait(0.5, 1.0),
        Wait(0.3, 0.6),
    ]
    late, later = (wait_of(running(preview=("one",)), WARM, at(s)) for s in (10, 60))
    assert late
    assert later
    assert 1.0 < late.expected_s < later.expected_s


def test_a_song_of_several_is_told_the_end_that_its_place_in_the_pass_gives_it() -> None:
    long = running(id="job_2", options=free(), together=2)
    state = learned((song(5.0), FirstLines(1, 3.75)))
    state = estimates.begun(state, [running(together=2), long])
    outlook = estimates.read(state, NOW, 60)
    waits = [wait_of(job, outlook, NOW) for job in (running(together=2), long)]
    short_s = 2.0 * (1 + BESIDE)
    assert [wait.expected_s for wait in waits if wait] == [round(short_s, 1), round(short_s + 3, 1)]


def test_a_song_that_ended_sooner_than_expected_holds_nobody_up() -> None:
    app = make_api(Settings(hash_key="test", worker="the only one"))
    app.write(app.submit(options={"lines": 16}), ("la",) * 16)  # a second
    long = app.submit(options={"lines": 64})
    [attempt] = app.worker_side.claim_all([long], Stage.WRITING)
    app.clock.pass_s(1)
    attempt.cancel()
    waiting = app.client.get(f"/v1/jobs/{app.submit()}").get_json()
    assert waiting["eta_seconds"] == 1.0


def test_passes_of_several_that_take_longer_correct_the_next_ones() -> None:
    state = learned((song(5.0), FirstLines(1, 3.75)))
    pair = [replace(song(13.6), id=name, together=2) for name in ("job_1", "job_2")]
    state = estimates.begun(state, pair)
    state = estimates.measured(state, pair[0], None, at(13.6))
    pace = estimates.read(state, NOW, 60).pace_of()
    assert pace is not None
    assert pace.shared == pytest.approx(13.6 / (5.0 * (1 + BESIDE)), abs=0.01)


def test_two_songs_on_two_lanes_correct_no_pass_of_eight() -> None:
    state = learned((song(5.0), FirstLines(1, 3.75)))
    state = {**state, "lanes": 2}
    pair = [replace(song(5.0), id=name, together=2) for name in ("job_1", "job_2")]
    state = estimates.begun(state, pair)
    state = estimates.measured(state, pair[0], None, at(5.0))
    pace = estimates.read(state, NOW, 60).pace_of()
    assert pace is not None
    assert pace.correction(2) == pytest.approx(1 / LANE_SLOWER["quick"], abs=0.01)
    assert pace.correction(8) == 1.0
    works = [Work(4)] * 2
    assert pass_s(works, pace) == pytest.approx(song_s(works[0], pace), abs=0.01)


def test_a_queued_song_waits_for_what_is_written_and_for_those_before_it() -> None:
    app = make_api(Settings(hash_key="test", worker="the only one"))
    app.write(app.submit(), ("la",) * 16)  # a second
    first = app.submit(options={"lines": 64})
    assert app.worker_side.claim(first, Stage.WRITING)
    app.clock.pass_s(1)
    second = app.submit(options={"lines": 32})
    told = [app.client.get(f"/v1/jobs/{each}").get_json() for each in (first, second)]
    assert [job["eta_seconds"] for job in told] == [3.8, 5.8]
    app.clock.pass_s(1)
    third = app.client.get(f"/v1/jobs/{app.submit(options={'lines': 32})}").get_json()
    assert third["queue_position"] == 2
    assert third["eta_seconds"] == pytest.approx(3.75 + 2.0 * (1 + BESIDE), abs=0.1)
    assert third["eta_at_most_seconds"] == pytest.approx(third["eta_seconds"] * 1.4, abs=0.1)


@pytest.mark.parametrize(("worker", "reads"), [("", 1), ("the only one", 2)])
def test_only_where_passes_are_noted_it_is_looked_whether_one_has_just_begun(
    worker: str, reads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_api(Settings(hash_key="test", worker=worker))
    if worker:
        app.worker_side.show_stopped()
    app.write(app.submit(), ("la",) * 16)
    job_id = app.submit()
    app.clock.pass_s(3)  # what was read before is not kept for ever
    read, asked = app.store.get_state, []

    def get_state(name: str) -> State:
        asked.append(name)
        app.clock.pass_s(0.01)
        return read(name)

    monkeypatch.setattr(app.store, "get_state", get_state)
    app.client.get(f"/v1/jobs/{job_id}")
    assert asked == [estimates.WORKER_DOCUMENT] * reads


def test_the_status_tells_the_wait_for_a_usual_song_and_the_start_before_it() -> None:
    app = make_api()
    app.write(app.submit(options={"lines": 4}), ("la",) * 4)
    job_id = app.submit()
    app.clock.pass_s(2)
    attempt = app.worker_side.claim(job_id, Stage.LOADING_MODEL)
    assert attempt
    song = song_of(*["la"] * 16)
    attempt.succeed(song, Metrics(2.0, cold_start=True, model_load_s=1.0, generate_s=4.0))
    app.clock.pass_s(3)  # what was read before is not kept for ever
    waits = app.client.get("/v1/status").get_json()["expected_wait_seconds"]
    assert (waits["cold"], waits["warm"]) == (7.0, 4.0)
    for effort, seconds in waits["efforts"].items():
        job_id = app.submit(options={"effort": effort})
        job = app.client.get(f"/v1/jobs/{job_id}").get_json()
        assert job["eta_seconds"] == seconds, "what was told before is told of the job"
        app.client.post(f"/v1/jobs/{job_id}/cancel")
    assert list(waits["efforts"]) == ["quick", "normal", "best"]


def test_the_status_tells_what_a_new_song_waits_for_and_so_does_its_job() -> None:
    app = make_api(Settings(hash_key="test", worker="the only one"))
    app.write(app.submit(), ("la",) * 16)  # a second
    app.clock.pass_s(3)  # what was read before is not kept for ever
    assert queue_s(app) == 0
    first, _second = [app.submit(options={"lines": lines}) for lines in (64, 32)]
    app.clock.pass_s(1)
    assert queue_s(app) == pytest.approx(4 + 2 * BESIDE, abs=0.1), "both in one pass"
    assert app.worker_side.claim(first, Stage.WRITING)
    app.clock.pass_s(3)
    left_s = 3.75  # no line is shown yet
    assert queue_s(app) == pytest.approx(left_s + 2, abs=0.1), "what is written, then who waits"
    job = app.client.get(f"/v1/jobs/{app.submit()}").get_json()
    assert job["eta_seconds"] == pytest.approx(left_s + 1 + BESIDE, abs=0.1), "with who waits"


def test_an_interrupted_song_is_written_by_itself_before_those_that_came_after_it() -> None:
    app = make_api(Settings(hash_key="test", worker="the only one"))
    app.write(app.submit(), ("la",) * 16)  # a second
    app.clock.pass_s(3)
    interrupted = app.submit(options={"lines": 64})
    assert app.worker_side.claim(interrupted, Stage.WRITING)
    app.clock.pass_s(1)
    app.worker_side.free(interrupted)
    app.worker_side.show_stopped()
    app.clock.pass_s(3)
    assert queue_s(app) == pytest.approx(4, abs=0.1)
    job_id = app.submit()
    told = [app.client.get(f"/v1/jobs/{job_id}").get_json()["eta_seconds"]]
    assert app.worker_side.claim(interrupted, Stage.WRITING)
    app.clock.pass_s(0.2)
    told.append(app.client.get(f"/v1/jobs/{job_id}").get_json()["eta_seconds"])
    assert told == [pytest.approx(4 + 1, abs=0.3)] * 2, "not beside it, and not forgotten at once"


def queue_s(app: ApiUnderTest) -> float:
    """What the status says that a new song waits for others."""
    seconds: float = app.client.get("/v1/status").get_json()["expected_wait_seconds"]["queue"]
    return seconds


def test_a_batch_is_told_when_it_is_submitted() -> None:
    app = make_api()
    app.write(app.submit(), ("la",) * 16)
    rows = "rain\n" * 9
    batch = app.client.post("/v1/batches", data=rows, content_type="text/plain").get_json()
    assert batch["eta_seconds"] == pytest.approx(1 + 7 * BESIDE + 1, abs=0.1)


def test_a_file_waits_for_a_song_that_was_claimed_a_moment_ago() -> None:
    app = make_api(Settings(hash_key="test", worker="the only one"))
    for lines in (16, 64):
        app.write(app.submit(options={"lines": lines}), ("la",) * lines)
    now, single = app.clock(), app.submit(options={"lines": 64})
    app.store.update_job(
        single,
        lambda job: claim(job, now, "w", lease_s=30, attempt_limit_s=60, stage=Stage.WRITING),
    )
    rows = app.client.post("/v1/batches?lines=16", data="one\ntwo", content_type="text/plain")
    own_s = 1 + BESIDE
    assert rows.get_json()["eta_seconds"] == pytest.approx(4 + own_s, abs=0.1)


def test_on_a_day_of_mixed_songs_the_told_wait_is_near_the_real_one() -> None:
    """A worker that takes songs of every kind, each a little longer or shorter than the last."""
    rng = random.Random(3)
    state: State = {}
    clock = ManualClock(NOW)
    near = told = 0
    for number in range(300):
        effort: Effort = rng.choice(EFFORTS)
        chorus = rng.random() < 0.4
        lines = rng.choice((4, 8, 12, 16, 24, 32))
        scheme: RhymeScheme = rng.choice(SCHEMES)
        options = ResolvedOptions(
            seed=1,
            lines=lines,
            effort=effort,
            structure="song" if chorus else "verse",
            rhyme_scheme=scheme,
        )
        job = queued_job(options=options, created_at=clock(), attempt=1)
        wait = wait_of(job, estimates.read(state, clock(), 900), clock())
        written = lines * 3 // 4 if chorus else lines
        line_s = {"quick": 0.13, "normal": 0.35, "best": 0.6}[effort] * rng.uniform(0.8, 1.25)
        line_s *= 0.6 if scheme == "none" else 1.0
        took_s = 0.4 + written * line_s
        if number >= 20 and wait:
            told += 1
            near += 0.7 <= wait.expected_s / took_s <= 1.3
        clock.pass_s(took_s + rng.expovariate(1 / 60))
        parts = [("Verse 1", written - 2), ("Chorus", 2)] if chorus else [("Verse 1", written)]
        output = {"sections": [{"name": name, "lines": ["la"] * n} for name, n in parts]}
        done = replace(
            job,
            status=Status.SUCCEEDED,
            output=output,
            metrics=Metrics(0.0, False, 0.0, took_s),
        )
        first = FirstLines(1, took_s - 0.4 - line_s)
        state = estimates.measured(state, done, first, clock())
    assert told > 250
    assert near / told >= 0.9, f"{near} of {told}"
