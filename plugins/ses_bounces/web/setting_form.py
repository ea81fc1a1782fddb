"""The settings as fields of a form, and back; and the Airflow Variable that they are kept in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from airflow.models.variable import Variable
from airflow.utils.session import create_session

from ses_bounces.base.exceptions import ActionError, SettingsError
from ses_bounces.base.pinned import pinned
from ses_bounces.base.settings import Settings, site_defaults
from ses_bounces.base.sites import current
from ses_bounces.web.setting_texts import BY_KEY, SettingText


@dataclass(frozen=True)
class Stored:
    """The Variable's text; ``is_elsewhere``: it does not come from Airflow's database."""

    text: str | None
    is_elsewhere: bool

    @property
    def digest(self) -> str:
        """A digest that differs once another person has changed the settings."""
        return hashlib.blake2b((self.text or "").encode(), digest_size=16).hexdigest()

    @property
    def values(self) -> dict[str, Any]:
        """The object in it; empty where there is none."""
        try:
            found = json.loads(self.text or "{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


def elsewhere() -> str:
    """Say why saving would have no effect."""
    return (
        f'Airflow Variable "{current().variable}" comes from a secrets backend or from the environment, which come '
        "before what is saved here. Change it there."
    )


def stored() -> Stored:
    """Read the Variable as tasks do, and say whether it is this database's."""
    from airflow.sdk import Variable as Seen
    from sqlalchemy import select

    variable = current().variable
    with create_session() as session:
        here = session.scalar(select(Variable).where(Variable.key == variable))
        kept = None if here is None else here.get_val()
    seen = Seen.get(variable, default=None)
    return Stored(seen, seen is not None and seen != kept)


def save(values: Mapping[str, Any], digest: str) -> None:
    """Save the settings, unless another person has saved them since they were shown.

    :raises ActionError: another person has, or it would have no effect.
    """
    from sqlalchemy import select

    text = json.dumps(dict(values), indent=2, ensure_ascii=False)
    if stored().is_elsewhere:
        raise ActionError(elsewhere())
    variable = current().variable
    with create_session() as session:
        # Held until the commit: two administrators who save at once go one after the other.
        here = session.scalar(select(Variable).where(Variable.key == variable).with_for_update())
        kept = None if here is None else here.get_val()
        if Stored(kept, False).digest != digest:
            raise ActionError(
                "Another person has changed the settings since. Reload the page, and make your change again."
            )
        if here is None:
            made: Any = Variable(key=variable, val=text, description="Email Bounce Settings, as JSON")  # type: ignore[no-untyped-call]
            session.add(made)
        else:
            here.set_val(text)


def shown(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the text of each field: what Airflow's configuration pins, else what is set, else the default."""
    held = {**values, **pinned()}
    return {key: _written(text, held.get(key, _default(key))) for key, text in BY_KEY.items()}


def defaults_left(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings that are not as by default, each with the text of its default; pinned ones as pinned."""
    held, default = shown(values), {key: _written(text, _default(key)) for key, text in BY_KEY.items()}
    required = {key for key, field in Settings.model_fields.items() if field.is_required()}
    return {key: default[key] for key in BY_KEY if key not in required and held[key] != default[key]}


def choices(key: str) -> tuple[str, ...]:
    """Return the values that a setting with a few of them can have."""
    return get_args(Settings.model_fields[key].annotation)


def read(fields: Mapping[str, str], before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object to save: what is not as by default, and what was set before.

    What Airflow's configuration pins is left out, unless a field says something else: that is for who parses it to
    refuse.

    :param fields: the text of each field.
    :raises SettingsError: a line that should be JSON is not.
    """
    pins, fixed = pinned(), shown({})
    left_out = {key for key in pins if fields.get(key, "").strip() in ("", fixed[key])}
    values = {key: _value(text, fields.get(key, "").strip()) for key, text in BY_KEY.items() if key not in left_out}
    kept = {key: value for key, value in before.items() if key not in BY_KEY}
    return kept | {key: value for key, value in values.items() if key in {*before, *pins} or value != _default(key)}


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[SettingText, str, str]]:
    """Return what differs: the setting, its text before and after."""
    old, new = shown(before), shown(after)
    return [(text, old[key], new[key]) for key, text in BY_KEY.items() if old[key] != new[key]]


def _default(key: str) -> Any:
    if key in (own := site_defaults()):
        return own[key]
    field = Settings.model_fields[key]
    if field.is_required():
        return None
    return list(field.default) if isinstance(field.default, tuple) else field.default


def _written(text: SettingText, value: Any) -> str:
    if value is None:
        return ""
    if text.kind == "lines" and isinstance(value, list | dict):
        lines = value if isinstance(value, list) else [value]
        return "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    return value if isinstance(value, str) else json.dumps(value)


def _value(text: SettingText, written: str) -> Any:
    if text.kind == "lines":
        lines = [line.strip() for line in written.splitlines() if line.strip()]
        return [_line(text.key, line) for line in lines] if lines or _default(text.key) == [] else None
    if not written:
        return None
    if text.kind == "switch":
        return {"true": True, "false": False}.get(written, written)
    if text.kind == "number":
        try:
            return int(written)
        except ValueError:
            return written
    return written


def _line(key: str, line: str) -> Any:
    if not line.startswith("{"):
        return line
    try:
        return json.loads(line)
    except ValueError:
        raise SettingsError(
            f"{key} has a line that begins with {{ and is not JSON. Write a URL, or an object."
        ) from None
