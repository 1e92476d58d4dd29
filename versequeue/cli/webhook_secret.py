"""`versequeue webhook-secret`: what the owner gives to whoever runs a receiver of webhooks."""

from pathlib import Path

import click

from versequeue.config import Settings
from versequeue.errors import StartupError
from versequeue.local.host import WEBHOOK_KEY_FILE
from versequeue.webhooks.addresses import read_url
from versequeue.webhooks.signing import read_secret, receiver_key, write_secret


@click.command("webhook-secret")
@click.argument("url")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Else VERSEQUEUE_DATA_DIR.")
def webhook_secret(url: str, data_dir: Path | None) -> None:
    """Print the secret of the receiver at URL, made from your own one.

    Your own is VERSEQUEUE_WEBHOOK_SECRET, or what `versequeue up` keeps in its data folder. A
    receiver that has only the secret printed here can forge events to nobody else. Its URL counts
    without the query.
    """
    settings = Settings.from_environ()
    receiver = read_url(url, allow_private=True).receiver
    secrets = settings.webhook_secrets or (_kept(data_dir or settings.data_dir),)
    click.echo(write_secret(receiver_key(read_secret(secrets[0]), receiver)))


def _kept(data_dir: Path) -> str:
    try:
        return (data_dir / WEBHOOK_KEY_FILE).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise StartupError(
            f"There is no webhook secret: set VERSEQUEUE_WEBHOOK_SECRET, or give the data folder "
            f"of an `up` ({data_dir}: {error.strerror})."
        ) from error
