"""Carrying commands out with the gcloud of this machine, and what its answers mean."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from deploy.steps import Command

#: What gcloud says of a thing that is there already, and of one that is not.
EXISTS = ("already exists", "already_exists")
MISSING = (
    "not_found",
    "not found",
    "cannot find service",
    "could not be found",
    "does not exist",
    "matched no objects",
)
#: What it says of a thing whose last change is still under way.
BUSY = (
    "aborted",
    "being updated",
    "concurrent policy changes",
    "in progress",
    "please retry in",
    "subject of a conflict",
)
#: What it says of an identity, right or service that was made moments ago and is not known yet.
UNKNOWN_YET = (
    "does not exist",
    "permission_denied",
    "permission denied",
    "does not have permission to access",
    "could not resolve source",
    "not been used in project",
)
#: What it says when it has not heard the service's answer. What it asked for may be done or not.
UNHEARD = (
    "network connectivity issues",
    "problem refreshing your current auth tokens",
    "problem refreshing auth tokens",
    "max retries exceeded",
    "connection reset",
    "connection aborted",
    "unable to find the server",
    "unavailable",
    "timed out",
    "internal error",
)
#: What a refusal means for somebody who wants to go on: phrases in it, and the next step.
NEXT_STEPS = (
    (
        ("do not currently have an active account", "reauthentication"),
        "Sign in first: gcloud auth login",
    ),
    (
        ("projects instance",),
        "The account that gcloud uses sees no such project: gcloud projects list shows those that "
        "it sees, gcloud auth list the account. Use the project's id, and an account that has the "
        "role Owner on it",
    ),
    (
        ("billingaccounts instance",),
        "The account that gcloud uses needs the role Billing Account Costs Manager on the billing "
        "account. Whoever administers that can give it",
    ),
    (
        ("ureq_project_billing_not_found", "billing must be enabled", "billing_disabled"),
        "The project has no billing account. Link one: gcloud billing accounts list, then "
        "gcloud billing projects link PROJECT --billing-account=ID",
    ),
    (
        ("cannot run builds in this region", "quota restrictions"),
        "New projects may build in few regions only. Deploy to one of us-central1, us-west2, "
        "europe-west1, asia-east1, australia-southeast1, southamerica-east1: REGION=us-central1",
    ),
    (
        ("permitted customer", "allowedpolicymember", "requireinvokeriam"),
        "The organization forbids services that anybody may call. Its policy administrator can "
        "allow them for this project: constraints iam.allowedPolicyMemberDomains and "
        "run.managed.requireInvokerIam. Or use a project outside of the organization",
    ),
    (
        ("disableserviceaccountcreation", "service account creation is not allowed"),
        "The organization forbids new service accounts. Its policy administrator can allow them "
        "for this project: constraint iam.disableServiceAccountCreation",
    ),
    (
        ("gcp.resourcelocations",),
        "The organization allows other regions only. Name one of them: REGION=…",
    ),
    (
        ("denied by org policy", "organization policy", "constraints/"),
        "A policy of the organization forbids it. Its policy administrator can make an exception "
        "for this project, or use a project outside of the organization",
    ),
    (
        ("quota exceeded", "resource_exhausted", "quota violated"),
        "The project's quota is used up. Wait a minute if it is a rate; else ask for more under "
        "IAM & Admin, Quotas, or deploy to another region",
    ),
    (
        ("datastore mode",),
        "The project's Firestore database is in Datastore mode. Use a project of its own",
    ),
    (
        ("permission_denied", "permission denied", "does not have permission to access"),
        "The account that gcloud uses needs the role Owner on the project. If it has it since a "
        "few minutes only, wait and run the same command again",
    ),
    (UNHEARD, "The network or the service was away. Run the same command again: it goes on"),
)


@dataclass(frozen=True)
class Answer:
    """How a command ended."""

    returncode: int
    stdout: str = ""
    stderr: str = ""

    @property
    def ok(self) -> bool:
        """Whether the command succeeded."""
        return self.returncode == 0

    @property
    def unheard(self) -> bool:
        """Whether nobody knows what the service has done: its answer did not come."""
        return not self.ok and self.says(UNHEARD)

    @property
    def exists(self) -> bool:
        """Whether the complaint is that the thing is there already."""
        return self.says(EXISTS) and not self.unheard

    @property
    def absent(self) -> bool:
        """Whether the service says that there is no such thing. No other failure means that."""
        return not self.ok and self.says(MISSING) and not self.unheard

    @property
    def busy(self) -> bool:
        """Whether the same command may succeed once another change has ended."""
        return self.says(BUSY)

    @property
    def not_yet(self) -> bool:
        """Whether the same command may succeed once everything that was made is known."""
        return self.busy or self.says(UNKNOWN_YET)

    @property
    def next_step(self) -> str:
        """What somebody can do about the refusal, as a sentence; empty if nobody knows."""
        for phrases, sentence in NEXT_STEPS:
            if self.says(phrases):
                return f"{sentence}."
        return ""

    @property
    def complaint(self) -> str:
        """The error that ended the command, without the warnings and the progress before it."""
        _, error, text = self.stderr.rpartition("ERROR: ")
        return f"{error}{text}".strip()

    def says(self, phrases: tuple[str, ...]) -> bool:
        """Whether the complaint is one of `phrases`."""
        complaint = self.complaint.lower()
        return any(phrase in complaint for phrase in phrases)


#: Runs one command with text on its standard input.
Gcloud = Callable[[Command, str], Answer]


class GcloudMissing(Exception):
    """The Google Cloud CLI is not installed; see https://cloud.google.com/sdk/docs/install."""


def run_gcloud(command: Command, stdin: str = "") -> Answer:
    """Run gcloud without asking anything. Raises GcloudMissing."""
    program = shutil.which("gcloud")
    if program is None:
        raise GcloudMissing(GcloudMissing.__doc__)
    done = subprocess.run(
        [program, *command, "--quiet"], input=stdin, capture_output=True, text=True, check=False
    )
    return Answer(done.returncode, done.stdout, done.stderr)
