"""The secret that recognises an erased address, kept outside the database, and what stands in the address's place."""

from __future__ import annotations

import hashlib
import hmac
import re

from ses_bounces.base.exceptions import MissingConnectionError, SettingsError
from ses_bounces.base.sites import current

CONN_ID = "ses_bounces_erasure"
# RFC 6761: no such domain will ever be, and a name below it is taken for an address by whatever reads the lists.
DOMAIN = "erased.invalid"
MIN_CHARACTERS = 32
_PSEUDONYM = re.compile(rf"[0-9a-f]{{64}}@{re.escape(DOMAIN)}")
_MAKE_ONE = 'a new one is made by `python -c "import secrets; print(secrets.token_urlsafe(48))"`'


class Secret:
    """The key of the HMAC (SHA-256, RFC 2104)."""

    def __init__(self, text: str) -> None:
        """Take a secret.

        :raises SettingsError: it is shorter than 32 characters.
        """
        if len(text) < MIN_CHARACTERS:
            raise SettingsError(
                f'The password of Airflow connection "{conn_id()}" has {len(text)} characters; it must have at least '
                f"{MIN_CHARACTERS}, and be random: {_MAKE_ONE}."
            )
        self._key = text.encode()
        # Tells secrets apart; as an HMAC it says nothing of the secret.
        self.check = self._digest(b"ses_bounces erasure")[:8]

    def pseudonym(self, key: str) -> str:
        """Return what stands in the place of an address.

        :param key: the address key.
        """
        return f"{self._digest(key.encode('utf-8', 'surrogatepass')).hex()}@{DOMAIN}"

    def dedup_key(self, dedup_key: bytes) -> bytes:
        """Return what stands in the place of a dedup_key that was made of an address: it would confirm a guess."""
        return self._digest(b"dedup_key" + dedup_key)[:16]

    def _digest(self, message: bytes) -> bytes:
        return hmac.digest(self._key, message, hashlib.sha256)


def is_pseudonym(address: str) -> bool:
    """Tell whether an address is what stands in the place of an erased one."""
    return address.endswith(DOMAIN) and _PSEUDONYM.fullmatch(address) is not None


def conn_id() -> str:
    """Return the Airflow connection of the secret: each site has its own."""
    return f"{current().key}_erasure"


def load_secret() -> Secret:
    """Return the secret: the password of Airflow connection ``ses_bounces_erasure``.

    :raises MissingConnectionError: it is not defined, or has no password.
    :raises SettingsError: the secret is too short.
    """
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        password: str | None = BaseHook.get_connection(conn_id()).password
    except AirflowNotFoundException:
        password = None
    except SQLAlchemyError as error:
        raise MissingConnectionError(
            f'Airflow connection "{conn_id()}" can\'t be read ({type(error).__name__}): is this the machine and '
            "the user that Airflow runs as?"
        ) from None
    if not password:
        raise MissingConnectionError(
            f'Airflow connection "{conn_id()}" is missing, or has no password: erased addresses are recognised by its '
            "secret. Add it under Admin > Connections (type Generic, the secret as Password). If addresses were erased "
            f"before, it must be the secret of then; else {_MAKE_ONE}."
        )
    return Secret(password)
