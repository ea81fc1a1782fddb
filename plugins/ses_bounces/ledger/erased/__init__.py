"""Erasure of a person's address on request, and recognising it afterwards without spelling it.

The registry row keeps an HMAC of the address (``<64 hex digits>@erased.invalid``) whose secret is the password of
Airflow connection ``ses_bounces_erasure``; nothing else of the address stays in schema ``ses_bounces``.
"""
