"""For an Airflow whose plugins folder is this one; a package that is installed registers itself by its entry point."""

from importlib.metadata import entry_points

if not entry_points(group="airflow.plugins", name="ses_bounces"):
    from ses_bounces.plugin import SesBouncesPlugin  # noqa: F401
