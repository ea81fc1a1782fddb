"""The ways in which texts write one address, made by rule."""

from __future__ import annotations

import html
import json
import unicodedata
from urllib.parse import quote

LOCAL = "anna.testperson+news"
DOMAIN = "bücher.example"
KEY = f"{LOCAL}@xn--bcher-kva.example"


def wide(text: str) -> str:
    """Return the full-width forms of ASCII."""
    return "".join(chr(ord(character) + 0xFEE0) if "!" <= character <= "~" else character for character in text)


def escaped(text: str) -> str:
    """Return a text with every sign that is no letter or digit as an escape of JSON."""
    return "".join(c if c.isascii() and c.isalnum() else f"\\u{ord(c):04x}" for c in text)


def spellings() -> dict[str, str]:
    """Return the spellings by what is special about them."""
    plain = f"{LOCAL}@{DOMAIN}"
    ascii_ = KEY
    return {
        "as reported": plain,
        "key": ascii_,
        "capitals": plain.upper(),
        "title": plain.title(),
        "angle brackets": f"<{plain}>",
        "quoted": f"'{plain}'",
        "mailto": f"mailto:{plain}",
        "rfc822": f"rfc822;{ascii_}",
        "full stop behind": f"{ascii_}.",
        "root of the domain": f"{ascii_}., and more",
        "comma behind": f"{plain}, bo@example.com",
        "parameter": f"x?rcpt={plain}&y=1",
        "path": f"https://x.example/{plain}/unsubscribe",
        "NFD": unicodedata.normalize("NFD", plain),
        "full width": wide(plain),
        "full-width sign": plain.replace("@", "＠"),
        "small sign": plain.replace("@", "﹫"),
        "full-width domain": f"{LOCAL}@{wide('b')}ücher.example",
        "ideographic full stop": f"{LOCAL}@bücher。example",
        "half-width full stop": f"{LOCAL}@bücher｡example",
        "soft hyphen in the domain": f"{LOCAL}@bü\u00adcher.example",
        "soft hyphen in the local part": f"anna.test\u00adperson+news@{DOMAIN}",
        "zero-width space": f"anna.test\u200bperson+news@{DOMAIN}",
        "word joiner in front": f"\u2060{plain}",
        "byte order mark": f"\ufeff{plain}",
        "URL": quote(plain),
        "URL, sign only": plain.replace("@", "%40"),
        "URL, whole": quote(plain, safe=""),
        "URL in a URL": quote(quote(plain, safe=""), safe=""),
        "HTML": plain.replace("@", "&#64;"),
        "HTML, by name": plain.replace("@", "&commat;"),
        "HTML, hexadecimal": plain.replace("@", "&#x40;"),
        "HTML of a URL": html.escape(f"?a=1&e={quote(plain)}"),
        "JSON": json.dumps(plain)[1:-1],
        "JSON, every sign": escaped(plain),
        "JSON in JSON": json.dumps(json.dumps(plain))[1:-1],
        "line break of JSON": f"to\\n{plain}",
        "quoted-printable": ascii_.replace("@", "=40"),
        "VERP": f"bounces+{LOCAL}={DOMAIN}@lists.example.org",
        "VERP behind a number": f"bounce-4711-{LOCAL}=xn--bcher-kva.example@lists.example.org",
        "VERP without a prefix": f"{LOCAL}={DOMAIN}@lists.example.org",
        "SRS0": f"SRS0=hash=XY={DOMAIN}={LOCAL}@forwarder.example",
        "SRS1": f"SRS1=hash=first.example==hash=XY={DOMAIN}={LOCAL}@forwarder.example",
        "guest": f"{LOCAL}#{DOMAIN}#EXT#@tenant.example",
        "guest, underscore": f"{LOCAL}_{DOMAIN}#EXT#@tenant.example",
        "percent hack": f"{LOCAL}%{DOMAIN}@relay.example",
        "bang path": f"{DOMAIN}!{LOCAL}@uucp.example",
        "source route": f"@relay.example:{plain}",
    }
