"""Erasure of a person's address on request, and recognising it afterwards without spelling it.

The registry row keeps an HMAC of the address (``<64 hex digits>@erased.invalid``) whose secret is the password of
Airflow connection ``ses_bounces_erasure``; nothing else of the address stays in schema ``ses_bounces``.
"""

from __future__ import annotations

from ses_bounces.erasure.guard import (
    conceal_bodies,
    conceal_entries,
    conceal_sentence,
    conceal_texts,
    recognised,
    secret_of,
)
from ses_bounces.erasure.spelling import ERASED, Spelling
from ses_bounces.pseudonym import CONN_ID, DOMAIN, Secret, is_pseudonym, load_secret

__all__ = [
    "CONN_ID",
    "DOMAIN",
    "ERASED",
    "Secret",
    "Spelling",
    "conceal_bodies",
    "conceal_entries",
    "conceal_sentence",
    "conceal_texts",
    "is_pseudonym",
    "load_secret",
    "recognised",
    "secret_of",
]
