"""`tollgate schemas`: what records look like, and whether others can still read them."""

import click

from streams import settings
from streams.cli.ending import EndingGroup
from streams.cli.registry import registry_trouble
from streams.errors import Cause, Stop


@click.group(cls=EndingGroup)
def schemas() -> None:
    """Check the schemas, and put their ids into a registry."""


@schemas.command()
def check() -> None:
    """Check every schema against all its releases, both ways, and against the rules of structure.

    Also finds what Avro's own rules miss: a changed logical type, scale or unit, a field renamed
    without an alias, a removed symbol, and a change that has not been released.
    """
    from streams.codec import compatibility

    findings = compatibility.check()
    if findings:
        detail = "".join(f"\n  {finding}" for finding in findings)
        raise Stop(Cause.SCHEMA_INCOMPATIBLE, detail)
    count = len(compatibility.current_schemas())
    click.echo(f"{count} schemas checked: each can read and be read by all its releases.")


@schemas.command()
def register() -> None:
    """Import the repository's schemas and ids into TOLLGATE_SCHEMA_REGISTRY_URL.

    Uses the registry's IMPORT mode; an id that stands for something else there is refused.
    Importing twice is harmless.
    """
    from streams.codec.registry import register as import_ids

    loaded = settings.load()
    if not loaded.schema_registry_url:
        raise Stop(
            Cause.SETTINGS,
            "TOLLGATE_SCHEMA_REGISTRY_URL is empty, so there is no registry to import into",
            "Set it to the registry's address; without a registry nothing needs registering.",
        )
    with registry_trouble():
        imported = import_ids(loaded.schema_registry_url, loaded.topic_prefix)
    for release in imported:
        click.echo(f"+ {release.name} version {release.version} as id {release.id}")
    click.echo(f"Done: {len(imported)} schemas imported, the others were there already.")
