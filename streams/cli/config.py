"""`tollgate config`: every setting as it is now."""

import click

from streams import settings
from streams.setting_rows import CONFIG_FILE


@click.command()
def config() -> None:
    """Show every setting: value, where from, unit, range, reason. Secrets stay hidden."""
    for row in settings.describe():
        click.echo(f"{row.name}={row.value}")
        allowed = f", {row.range}" if row.range else ""
        click.echo(f"    {row.source} · {row.unit}{allowed}")
        click.echo(f"    {row.reason}")
    click.echo(f"\nA file of such lines is read when {CONFIG_FILE} names it; the environment wins.")
