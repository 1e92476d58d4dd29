"""Deploying to projects of every kind: to a song, or to a sentence with the next step."""

import pytest

from tests.support.gcloud.machine import Machine

Heard = pytest.CaptureFixture[str]


def test_a_fresh_project_comes_to_a_song_and_a_second_run_makes_nothing_anew(
    machine: Machine, capsys: Heard
) -> None:
    assert machine.deploy() == 0
    assert capsys.readouterr().out.endswith("succeeded\nla\n")
    made = machine.cloud.remaining()
    machine.cloud.ran.clear()

    assert machine.deploy() == 0

    assert machine.cloud.remaining() == made
    again = [line for line in machine.cloud.ran if " create " in line]
    assert {line.split(" create ")[0] for line in again} == {
        "beta services identity",
        "firestore indexes composite",
    }
    assert not any("versions add" in line for line in machine.cloud.ran)


def test_what_was_deployed_is_removed_to_the_last_thing_and_removing_again_is_no_error(
    machine: Machine,
) -> None:
    assert machine.deploy() == 0

    assert machine.destroy() == 0
    assert machine.cloud.remaining() == {}
    assert machine.destroy() == 0


def test_rights_and_services_that_take_seven_minutes_to_be_known_are_waited_for(
    machine: Machine, capsys: Heard
) -> None:
    machine.cloud.iam_spread_s = 420.0
    machine.cloud.api_spread_s = 120.0

    assert machine.deploy() == 0

    heard = capsys.readouterr().out
    assert "not yet, trying for 480 s" in heard
    assert "could not resolve source" in heard or "does not exist" in heard


def test_the_builder_has_its_right_before_anything_slow_is_made(machine: Machine) -> None:
    assert machine.deploy() == 0

    granted = next(n for n, line in enumerate(machine.cloud.ran) if "roles/run.builder" in line)
    database = next(n for n, line in enumerate(machine.cloud.ran) if "databases create" in line)
    built = next(n for n, line in enumerate(machine.cloud.ran) if "--source=" in line)
    assert granted < database < built


def test_an_owner_without_billing_rights_gets_a_song_and_is_told_of_the_missing_alert(
    machine: Machine, capsys: Heard
) -> None:
    machine.cloud.has_billing_rights = False

    assert machine.deploy() == 0

    heard = capsys.readouterr().out
    assert "left out. Nothing mails you" in heard
    assert "does not have permission to access billingAccounts instance" in heard
    assert "needs the role Billing Account Costs Manager on the billing account" in heard
    assert heard.endswith("la\n")
    assert "billing budgets" in machine.cloud.ran[-1]  # nothing that matters comes after it
    assert machine.destroy() == 0
    assert machine.cloud.remaining() == {}


def test_a_budget_of_nothing_asks_for_no_alert(machine: Machine) -> None:
    machine.cloud.has_billing_rights = False

    assert machine.deploy("--budget=0") == 0

    assert not any(line.startswith("billing") for line in machine.cloud.ran)


def test_where_rights_for_everybody_are_forbidden_the_public_services_ask_for_none(
    machine: Machine, capsys: Heard
) -> None:
    machine.cloud.allows_everybody = False

    assert machine.deploy() == 0

    assert "refused, so another way is tried" in capsys.readouterr().out
    public = {name for name, kept in machine.cloud.of("run services").items() if "unasked" in kept}
    assert public == {"versequeue-submit", "versequeue-results"}
    assert machine.deploy() == 0


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        ({"allows_everybody": False, "allows_unasked": False}, "run.managed.requireInvokerIam"),
        ({"allows_identities": False}, "constraint iam.disableServiceAccountCreation"),
        ({"billing": ""}, "gcloud billing projects link PROJECT --billing-account=ID"),
        ({"builds_here": False}, "us-central1, us-west2, europe-west1, asia-east1"),
        ({"processors": 5.0}, "ask for more under IAM & Admin, Quotas"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_cannot_work_ends_in_a_sentence_with_the_next_step(
    machine: Machine, capsys: Heard, condition: dict[str, object], sentence: str
) -> None:
    for name, value in condition.items():
        setattr(machine.cloud, name, value)

    assert machine.deploy() == 1

    assert sentence in capsys.readouterr().err


def test_a_project_that_is_not_ones_own_is_one_sentence(machine: Machine, capsys: Heard) -> None:
    machine.cloud.project = "somebody-elses"

    assert machine.deploy("--project=song-shop") == 1

    heard = capsys.readouterr()
    assert "gcloud projects describe song-shop" in heard.err
    assert "gcloud projects list shows those that it sees" in heard.err
    assert len(machine.cloud.ran) == 1


def test_a_projects_number_names_the_same_project(machine: Machine) -> None:
    assert machine.deploy() == 0
    made = machine.cloud.remaining()

    assert machine.deploy(f"--project={machine.cloud.number}") == 0

    assert machine.cloud.remaining() == made
    of_number = f"@{machine.cloud.number}.iam"
    assert not any(of_number in line for line in machine.cloud.ran)


def test_a_region_that_is_none_is_found_out_before_anything_is_made(
    machine: Machine, capsys: Heard
) -> None:
    assert machine.deploy("--region=europe-west99") == 1

    assert "Firestore has no region europe-west99" in capsys.readouterr().err
    assert machine.cloud.remaining() == {}


def test_a_deployment_that_is_elsewhere_is_not_taken_for_a_removed_one(
    machine: Machine, capsys: Heard
) -> None:
    assert machine.deploy() == 0

    assert machine.destroy("--region=us-central1") == 1

    assert "with REGION=europe-west1." in capsys.readouterr().err
    assert machine.destroy() == 0
    assert machine.cloud.remaining() == {}


def test_a_field_whose_indexes_are_being_changed_is_told_to_expire_once_that_is_done(
    machine: Machine, capsys: Heard
) -> None:
    machine.cloud.field_change_s = 90.0

    assert machine.deploy() == 0

    heard = capsys.readouterr().out
    assert "underlying data changed" in heard
    for group in ("jobs", "batches", "records", "tallies"):
        kept = machine.cloud.of("fields")[f"{group}.expires_at"]["flags"]
        assert {"--disable-indexes", "--enable-ttl"} <= kept.keys()


def test_after_a_return_to_an_older_version_a_deployment_serves_the_newest(
    machine: Machine,
) -> None:
    assert machine.deploy() == 0
    back = "run services update-traffic versequeue-submit --to-revisions=1=100"
    assert machine.gcloud(back).ok

    assert machine.deploy() == 0

    for service in machine.cloud.of("run services").values():
        assert (service["traffic"], service["serving"]) == ("latest", service["newest"])


def test_batches_are_written_by_the_image_that_was_built_for_visitors(machine: Machine) -> None:
    assert machine.deploy() == 0

    services = machine.cloud.of("run services")
    assert services["versequeue-bulk"]["printed"] == services["versequeue-worker"]["printed"]
    assert "services/versequeue-bulk" not in machine.cloud.of("uploads")


def test_a_secret_without_a_value_is_given_one(machine: Machine) -> None:
    assert machine.deploy() == 0
    for secret in machine.cloud.of("secrets").values():
        secret["versions"] = 0  # the second of gcloud's two calls had failed

    assert machine.deploy() == 0

    assert {kept["versions"] for kept in machine.cloud.of("secrets").values()} == {1}


def test_a_database_that_was_deleted_minutes_ago_is_made_once_its_name_is_free(
    machine: Machine, capsys: Heard
) -> None:
    assert machine.deploy() == 0
    assert machine.destroy() == 0

    assert machine.deploy() == 0

    assert "Please retry in" in capsys.readouterr().out


def test_uploaded_sources_are_deleted_after_a_week(machine: Machine) -> None:
    assert machine.deploy() == 0

    bucket = machine.cloud.of("storage buckets")["run-sources-song-shop-europe-west1"]
    assert bucket["flags"]["--lifecycle-file"][0].endswith("deploy/uploads-lifecycle.json")


def test_each_step_is_announced_before_it_begins(machine: Machine, capsys: Heard) -> None:
    machine.cloud.builds_here = False

    assert machine.deploy() == 1

    last = capsys.readouterr().out.splitlines()[-1]
    assert last.endswith("Service versequeue-submit")


def test_a_cap_hears_of_the_budget_and_may_do_nothing_but_end_the_costs(machine: Machine) -> None:
    assert machine.deploy("--cap") == 0

    (budget,) = machine.cloud.of("billing budgets").values()
    topic = "projects/song-shop/topics/budget"
    assert budget["flags"]["--notifications-rule-pubsub-topic"] == [topic]
    push = machine.cloud.of("pubsub subscriptions")["budget-push"]["flags"]
    assert push["--push-endpoint"][0].startswith("https://versequeue-cap-")
    member = "serviceAccount:versequeue-cap@song-shop.iam.gserviceaccount.com"
    assert [right.split()[-1] for right in machine.cloud.rights if member in right] == [
        "roles/billing.projectManager"
    ]
    assert machine.destroy() == 0
    assert machine.cloud.remaining() == {}
