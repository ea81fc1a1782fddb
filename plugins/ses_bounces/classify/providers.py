"""Who runs a recipient's mailbox, by the domain of the address: the list by which figures are grouped.

Only domains that belong to one provider are here. A company's own domain stays by itself, wherever its mail is kept: to
find that out, DNS would have to be asked for each. To add a provider, add a line; the next ``ses-bounces db upgrade``
has past days counted by it.
"""

from __future__ import annotations

import functools

from ses_bounces.classify.entry import Stream

# What a domain is counted as once all that is known of its address is that it was erased.
ERASED = "erased"
_ERASED_DOMAIN = "erased.invalid"

_YAHOO_ENDINGS = (
    "ca cl cn co.id co.in co.jp co.kr co.nz co.th co.uk co.za com com.ar com.au com.br com.cn com.co com.hk com.mx "
    "com.my com.pe com.ph com.sg com.tr com.tw com.ve com.vn cz de dk es fi fr gr hu ie in it jp nl no pl pt ro se"
)
_HOTMAIL_ENDINGS = (
    "be ca ch cl co.il co.jp co.nz co.th co.uk com com.ar com.au com.br com.tr de dk es fi fr it nl no se"
)
_OUTLOOK_ENDINGS = (
    "at be bg cl co.il co.nz co.th com com.ar com.au com.br com.gr com.pe com.tr com.vn cz de dk es fr hu ie in it jp "
    "kr lv my ph pt sa sg sk"
)
_LIVE_ENDINGS = (
    "at be ca ch cl cn co.uk co.za com com.ar com.au com.mx com.my com.ph com.pt com.sg de dk fi fr hk ie in it "
    "jp nl no se"
)


def _endings(name: str, endings: str) -> str:
    return " ".join(f"{name}.{ending}" for ending in endings.split())


# By the name that the figures show; the names of VDM, which groups by provider as well, are below.
_PROVIDERS: dict[str, str] = {
    "gmail": "gmail.com googlemail.com",
    "outlook": (
        f"{_endings('outlook', _OUTLOOK_ENDINGS)} {_endings('hotmail', _HOTMAIL_ENDINGS)} "
        f"{_endings('live', _LIVE_ENDINGS)} msn.com passport.com windowslive.com"
    ),
    "yahoo": (
        f"{_endings('yahoo', _YAHOO_ENDINGS)} ymail.com rocketmail.com myyahoo.com aol.com aol.co.uk aol.de aol.fr "
        "aim.com netscape.net verizon.net"
    ),
    "icloud": "icloud.com me.com mac.com",
    "proton": "proton.me protonmail.com protonmail.ch pm.me",
    "gmx": "gmx.at gmx.biz gmx.ch gmx.com gmx.de gmx.eu gmx.info gmx.net gmx.org gmx.us gmx.fr gmx.es gmx.co.uk",
    "web.de": "web.de email.de",
    "t-online": "t-online.de magenta.de",
    "freenet": "freenet.de",
    "mail.com": "mail.com email.com usa.com post.com europe.com",
    "fastmail": "fastmail.com fastmail.fm fastmail.net messagingengine.com sent.com",
    "zoho": "zoho.com zohomail.com zohomail.eu zoho.eu zoho.in",
    "tuta": "tuta.com tuta.io tutanota.com tutanota.de tutamail.com keemail.me",
    "yandex": "yandex.ru yandex.com yandex.by yandex.kz yandex.ua ya.ru narod.ru",
    "mail.ru": "mail.ru inbox.ru list.ru bk.ru internet.ru xmail.ru",
    "rambler": "rambler.ru lenta.ru autorambler.ru myrambler.ru ro.ru",
    "qq": "qq.com foxmail.com vip.qq.com",
    "netease": "163.com 126.com yeah.net vip.163.com vip.126.com 188.com",
    "sina": "sina.com sina.cn vip.sina.com",
    "naver": "naver.com",
    "daum": "daum.net hanmail.net kakao.com",
    "orange": "orange.fr wanadoo.fr",
    "free": "free.fr aliceadsl.fr libertysurf.fr",
    "sfr": "sfr.fr neuf.fr cegetel.net club-internet.fr numericable.fr",
    "laposte": "laposte.net",
    "bouygues": "bbox.fr",
    "libero": "libero.it inwind.it iol.it blu.it giallo.it",
    "tim": "tim.it alice.it tin.it virgilio.it",
    "seznam": "seznam.cz email.cz post.cz spoluzaci.cz",
    "wp": "wp.pl o2.pl tlen.pl go2.pl",
    "onet": "onet.pl onet.eu op.pl poczta.onet.pl vp.pl buziaczek.pl",
    "interia": "interia.pl interia.eu poczta.fm",
    "comcast": "comcast.net xfinity.com",
    "at&t": "att.net sbcglobal.net bellsouth.net pacbell.net ameritech.net swbell.net prodigy.net snet.net",
    "spectrum": "charter.net spectrum.net rr.com roadrunner.com twc.com brighthouse.com",
    "cox": "cox.net",
    "centurylink": "centurylink.net centurytel.net embarqmail.com q.com",
    "earthlink": "earthlink.net mindspring.com",
    "optimum": "optonline.net optimum.net suddenlink.net",
    "rogers": "rogers.com",
    "bell": "bell.net sympatico.ca",
    "shaw": "shaw.ca",
    "telus": "telus.net",
    "bt": "btinternet.com btopenworld.com bt.com talk21.com",
    "sky": "sky.com",
    "virgin media": "virginmedia.com virgin.net ntlworld.com blueyonder.co.uk",
    "talktalk": "talktalk.net tiscali.co.uk",
    "ziggo": "ziggo.nl home.nl upcmail.nl casema.nl",
    "kpn": "kpnmail.nl planet.nl hetnet.nl xs4all.nl",
    "telenet": "telenet.be",
    "proximus": "proximus.be skynet.be",
    "bluewin": "bluewin.ch",
    "telia": "telia.com telia.se",
    "bigpond": "bigpond.com bigpond.net.au telstra.com",
    "optus": "optusnet.com.au",
    "xtra": "xtra.co.nz",
    "uol": "uol.com.br bol.com.br",
    "terra": "terra.com.br terra.es terra.com",
    "docomo": "docomo.ne.jp",
    "au": "ezweb.ne.jp au.com",
    "softbank": "softbank.ne.jp i.softbank.jp vodafone.ne.jp",
    "nifty": "nifty.com",
    "rediff": "rediffmail.com",
    ERASED: _ERASED_DOMAIN,
}  # fmt: skip

PROVIDERS: dict[str, str] = {domain: name for name, domains in _PROVIDERS.items() for domain in domains.split()}
"""The provider of each domain on the list; of any other, the domain is its own."""

# The sender's tag that names a campaign, in the order in which they are looked for.
CAMPAIGN_TAGS = ("campaign", "Campaign", "campaign_id", "campaign-id", "campaign_name", "campaign-name", "utm_campaign")
_CAMPAIGN_TAGS = frozenset(CAMPAIGN_TAGS)
MAX_NAME_CHARACTERS = 100


def provider(domain: str) -> str:
    """Return the provider of a domain; where none is known, the domain, as far as figures keep it.

    :param domain: of an address key.
    """
    return PROVIDERS.get(domain, domain[:MAX_NAME_CHARACTERS])


def stream(source: str | None, configuration_set: str | None, tags: dict[str, list[str]] | None) -> Stream:
    """Return where in our sending a mail belongs: the domain of its sender, its configuration set, its campaign.

    An empty text stands for what it doesn't say, and for what an address may stand in. Of the sender only the domain is
    taken: some senders put the recipient's address into theirs.
    """
    sender, named, _ = plain = _without_campaign(source, configuration_set)
    # Few mails have one.
    if not tags or _CAMPAIGN_TAGS.isdisjoint(tags):
        return plain
    values = next((values for name in CAMPAIGN_TAGS if (values := tags.get(name))), None)
    return sender, named, _name(values[0] if values else None)


# A mailing has thousands of mails that say the same.
@functools.lru_cache(maxsize=1_024)
def _without_campaign(source: str | None, configuration_set: str | None) -> Stream:
    domain = source.rpartition("@")[2].strip("<> ").lower() if source and "@" in source else ""
    return domain[:MAX_NAME_CHARACTERS], _name(configuration_set), ""


def _name(said: str | None) -> str:
    return "" if said is None or "@" in said else said[:MAX_NAME_CHARACTERS]


# SES's names of providers, by which Virtual Deliverability Manager counts. A name that it does not know counts nothing.
VDM_NAMES = {"gmail": "Gmail", "outlook": "Hotmail", "yahoo": "Yahoo"}
