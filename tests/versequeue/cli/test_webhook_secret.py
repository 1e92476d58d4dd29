"""`versequeue webhook-secret`: a receiver's own secret, made from the owner's."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.support.receivers import answer, receiver
from versequeue.cli.main import main
from versequeue.webhooks.sender import WebhookSender

OWNERS = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"type":"job.succeeded"}'


def secret_for(url: str, owners: str = OWNERS) -> str:
    done = CliRunner().invoke(
        main, ["webhook-secret", url], env={"VERSEQUEUE_WEBHOOK_SECRET": owners}
    )
    assert done.exit_code == 0, done.output
    return done.output.strip()


def test_a_receiver_verifies_what_it_is_sent_with_its_own_secret_or_the_owners() -> None:
    with receiver(answer(200)) as served:
        sender = WebhookSender([OWNERS], allow_private=True)
        assert sender.send(f"{served.url}?job=1", "msg_1", BODY, datetime.now(UTC)).error is None
        headers = served.calls[0].headers
        Webhook(secret_for(served.url)).verify(BODY, headers)
        Webhook(OWNERS).verify(BODY, headers)
        for stranger in ("http://127.0.0.1:1/hook", f"{served.url}/other"):
            with pytest.raises(WebhookVerificationError):
                Webhook(secret_for(stranger)).verify(BODY, headers)


def test_a_receivers_secret_is_the_same_for_every_spelling_of_its_url() -> None:
    first = secret_for("https://example.com/hook")
    assert first == secret_for("https://Example.COM:443/hook?job=1#x")
    others = ["https://example.com/", "https://example.com:8443/hook", "https://example.org/hook"]
    assert first not in [secret_for(url) for url in others]
    assert OWNERS not in first


def test_while_the_owner_changes_secrets_both_of_a_receiver_are_good() -> None:
    newer = "whsec_" + "A" * 32
    with receiver(answer(200)) as served:
        sender = WebhookSender([newer, OWNERS], allow_private=True)
        sender.send(served.url, "msg_1", BODY, datetime.now(UTC))
        for owners in (newer, OWNERS):
            Webhook(secret_for(served.url, owners)).verify(BODY, served.calls[0].headers)


def test_without_a_secret_it_says_where_one_is_looked_for(tmp_path: Path) -> None:
    arguments = ["webhook-secret", "https://example.com/", "--data-dir", str(tmp_path)]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2
    assert "VERSEQUEUE_WEBHOOK_SECRET" in done.stderr
    (tmp_path / "webhook.key").write_text(f"{OWNERS}\n")
    kept = CliRunner().invoke(main, arguments)
    assert kept.output.strip() == secret_for("https://example.com/")
