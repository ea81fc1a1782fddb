"""What is sent of a day's report: the summary, the chart and a link, as a mail and as a message for a chat.

The chart of a mail is a table of coloured cells: mail programs draw no SVG, and many show no image before a person
agrees. A chat gets it as a line of blocks. No address is in either, unless the settings say so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from ses_bounces.base.counted import counted
from ses_bounces.base.sites import Site
from ses_bounces.classify.causes import CAUSE_COLORS, CAUSE_WORDS
from ses_bounces.ledger.figures.words import percent
from ses_bounces.report.charts import HISTORY_DAYS

BLOCKS = "▁▂▃▄▅▆▇█"
CHART_PIXELS = 120
# A chat takes 2,000 to 40,000 characters.
ADDRESSES_IN_CHAT = 50
PROVIDERS_NAMED = 5


@dataclass(frozen=True)
class Bar:
    """A day of the chart: its name, how many addresses, and its parts as pixels and colour, from the top."""

    label: str
    total: int
    parts: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Notice:
    """A report to be sent.

    :param summary: see :class:`ses_bounces.report.summary.Summary`.
    :param link: of its page; None: Airflow does not know its own URL.
    :param new: address and reason of the newly blocked; empty unless addresses are sent.
    :param site: whose it is.
    """

    summary: Mapping[str, Any]
    link: str | None = None
    new: tuple[tuple[str, str], ...] = ()
    site: Site = field(default_factory=Site)

    @property
    def day(self) -> date:
        """The report's day."""
        return date.fromisoformat(self.summary["day"])

    @property
    def subject(self) -> str:
        """One line that tells the most important."""
        newly = counted(self.summary["new_addresses"], "address", "addresses")
        name = "" if self.site.is_default else f" ({self.site.name})"
        return f"Email Blocked Report{name} of {self.day}: {newly} newly blocked"

    def lines(self) -> list[str]:
        """Return the summary in sentences."""
        s = self.summary
        by_reason = ", ".join(
            f"{count:,} {CAUSE_WORDS[reason].lower()}" for reason, count in s["new_by_reason"].items()
        )
        new = counted(s["new_addresses"], "address", "addresses")
        said = [
            f"Newly blocked: {new}{f' ({by_reason})' if by_reason else ''}.",
            f"Blocked in all: {s['blocked_addresses']:,}. Lifted that day: {s['lifted']:,}.",
            f"Transient problems: {s['transients_open']:,} open; within 48 hours {s['due_within_48_hours']:,} of them "
            "count as permanent.",
            f"Reported that day: {s['bounces']:,} bounces, {s['complaints']:,} complaints.",
        ]
        said += _where_it_hurts(s.get("where", {}))
        if not s["enforce"]:
            said.insert(0, "Observe mode (enforce is false): nobody is blocked yet; this is what would be.")
        return said

    def bars(self, pixels: int = CHART_PIXELS) -> list[Bar]:
        """Return the chart: newly blocked addresses of the last 30 days by reason."""
        days = [self.day - timedelta(days=HISTORY_DAYS - 1 - n) for n in range(HISTORY_DAYS)]
        counted = [self.summary["new_by_day"].get(day.isoformat(), {}) for day in days]
        most = max((sum(counts.values()) for counts in counted), default=0) or 1
        return [
            Bar(
                f"{day:%d %b}",
                sum(counts.values()),
                # What is there is seen, however small.
                [
                    (max(2, round(counts[reason] * pixels / most)), CAUSE_COLORS[reason])
                    for reason in CAUSE_WORDS
                    if counts.get(reason)
                ],
            )
            for day, counts in zip(days, counted, strict=True)
        ]  # fmt: skip

    def text(self, write: Callable[[str], str] = str) -> str:
        """Return it all as plain text, for a chat.

        :param write: gives an address, which strangers choose, as that chat shows it.
        """
        bars = self.bars()
        most = max(bars, key=lambda bar: bar.total)
        lines = [f"{self.subject}", *self.lines()]
        if most.total:
            row = "".join(BLOCKS[round(bar.total * (len(BLOCKS) - 1) / most.total)] for bar in bars)
            lines.append(f"Newly blocked, the last {HISTORY_DAYS} days: {row} (most: {most.total:,} on {most.label})")
        lines += self.newly_blocked(write)
        return "\n".join([*lines, *([self.link] if self.link else [])])

    def newly_blocked(self, write: Callable[[str], str] = str) -> list[str]:
        """Return a line for each of the first 50 newly blocked addresses; none unless addresses are sent."""
        lines = [f"{write(address)}: {CAUSE_WORDS[reason].lower()}" for address, reason in self.new[:ADDRESSES_IN_CHAT]]
        more = len(self.new) - ADDRESSES_IN_CHAT
        return [*lines, f"… and {more:,} more"] if more > 0 else lines

    def html(self) -> str:
        """Return it all as the body of a mail."""
        from jinja2 import Environment, PackageLoader

        environment = Environment(
            loader=PackageLoader("ses_bounces.report"), autoescape=True, trim_blocks=True, lstrip_blocks=True
        )
        used = {reason for counts in self.summary["new_by_day"].values() for reason in counts}
        legend = [(CAUSE_COLORS[reason], name) for reason, name in CAUSE_WORDS.items() if reason in used]
        bars = self.bars()
        return environment.get_template("report_notice.html").render(
            notice=self, bars=bars, legend=legend, most=max(bar.total for bar in bars), pixels=CHART_PIXELS
        )

    def payload(self, form: str) -> dict[str, Any]:
        """Return what a chat's incoming webhook takes.

        :param form: of the setting ``report_chat_format``.
        """
        if form == "discord":
            # Discord takes 2,000 characters, and would tell everybody whose name stands in it.
            return {"content": self.text(_code)[:2_000], "allowed_mentions": {"parse": []}}
        if form == "teams":
            return self._card()
        if form == "google_chat":
            return {"text": self.text(_google_code)}
        return {"text": self.text(_slack_code)}

    def _card(self) -> dict[str, Any]:
        """Return an Adaptive Card, as a message of Microsoft Teams."""
        ours = replace(self, new=(), link=None).text().splitlines()
        blocks: list[dict[str, Any]] = [{"type": "TextBlock", "text": line, "wrap": True} for line in ours]
        # Markdown counts in a TextBlock, and not in a TextRun.
        blocks += [
            {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": line}]} for line in self.newly_blocked()
        ]
        card: dict[str, Any] = {"type": "AdaptiveCard", "version": "1.4", "body": blocks}
        if self.link:
            card["actions"] = [{"type": "Action.OpenUrl", "title": "Open the report", "url": self.link}]
        attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
        return {"type": "message", "attachments": [attachment]}


def _where_it_hurts(where: Mapping[str, Any]) -> list[str]:
    """Return what figures say of the day, in sentences; a summary that an earlier version made has none."""
    lines = []
    groups = where.get("groups", {}).get("provider", [])
    # Those that had transient bounces and nothing else come last.
    most = [(one["name"], number) for one in groups if (number := one["bounces"] + one["complaints"])]
    if most:
        named = ", ".join(f"{name} {number:,}" for name, number in most[:PROVIDERS_NAMED])
        lines.append(f"Most bounces and complaints: {named}.")
    for rate in where.get("rates", []):
        if rate["source"] == "ses":
            sent = f"of {rate['denominator']:,} mails that SES sent in {counted(rate['days'], 'day')}"
            lines.append(f"{rate['measure'].capitalize()} rate: {percent(rate['rate'])} {sent}.")
    for outage in where.get("suggested_outages", []):
        lines.append(
            f"Perhaps an outage: {outage['domain']} refused {counted(outage['addresses'], 'address', 'addresses')} in "
            f"the same words since {outage['first'][:16].replace('T', ' ')} UTC. If so, Undo an outage lifts them."
        )
    return lines


def _code(text: str) -> str:
    """Return a text as code, in which no markup of a chat counts; only a grave accent would end it."""
    return f"`{text.replace('`', chr(0x2CB))}`"


def _slack_code(text: str) -> str:
    """Return a text as code of Slack, and of what takes the same: its own escapes count there too (``<!channel>``)."""
    return _code(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def _google_code(text: str) -> str:
    """Return a text as code of Google Chat, which has no escapes: a link or mention (``<users/all>``) is broken up."""
    return _code(text.replace("<", "<\u200b"))
