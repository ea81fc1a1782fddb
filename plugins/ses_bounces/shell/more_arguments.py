"""The arguments of commands that look after single records: transients, messages, reports."""

from __future__ import annotations

from datetime import date

from ses_bounces.shell.options import Commands, add, addresses, as_json, change, part, where, whole


def add_transient(commands: Commands) -> None:
    """Add ``transient``."""
    transient = add(commands, "transient", "transient", "delete transient problems, or give them a later deadline")
    actions = transient.add_subparsers(dest="action", required=True)
    for name, text in (
        ("delete", "delete transient problems: they don't become permanent, and blocks for it are lifted"),
        ("extend", "give transient problems a later deadline"),
    ):
        one = part(actions, name, text)
        addresses(one)
        if name == "extend":
            one.add_argument("--days", type=whole(1, 30), required=True, metavar="N", help="from now, 1 to 30")
        change(one)


def add_quarantine(commands: Commands) -> None:
    """Add ``quarantine``."""
    quarantine = add(
        commands, "quarantine", "quarantine", "messages that were not understood: show, retry, dismiss them"
    )
    actions = quarantine.add_subparsers(dest="action", required=True)
    listing = part(actions, "list", "show why messages are quarantined or held, and how many are")
    listing.add_argument("--messages", action="store_true", help="show each message, the newest first, not its body")
    listing.add_argument("--only", metavar="REASON", help="with --messages: of this reason")
    listing.add_argument(
        "--limit", type=whole(1, 10_000), default=100, metavar="N", help="the most messages, 1 to 10000 (100)"
    )
    where(listing)
    as_json(listing)
    for name, text in (
        ("retry", "have the next hourly run classify quarantined messages again"),
        ("dismiss", "dismiss quarantined messages: nothing further is done with them"),
    ):
        one = part(actions, name, text)
        one.add_argument("message_ids", nargs="*", type=int, metavar="ID", help="these messages")
        one.add_argument("--only", metavar="REASON", help="all that are quarantined for this reason, up to 10,000")
        one.add_argument("--all", action="store_true", help="all that are quarantined, up to 10,000; none that is held")
        change(one)


def add_report(commands: Commands) -> None:
    """Add ``report``."""
    report = add(commands, "report", "report", "show a daily report that is kept, or write its files")
    report.add_argument("day", nargs="?", type=date.fromisoformat, metavar="DAY", help="as 2026-01-31 (the newest)")
    report.add_argument("--list", action="store_true", help="show the days of which there is one")
    report.add_argument(
        "--format", choices=("summary", "csv", "html"), default="summary",
        help="the summary in words, the table of the blocked addresses, or the page (%(default)s)",
    )  # fmt: skip
    report.add_argument("--output", "-o", metavar="FILE", help="with csv or html: write it there, not to stdout")
    where(report)
    as_json(report)


def add_figures(commands: Commands) -> None:
    """Add ``figures``."""
    text = "show where bounces and complaints come from, rates, and what may be an outage"
    figures = add(commands, "figures", "figures", text)
    figures.add_argument(
        "--by", choices=("provider", "configuration_set", "identity", "campaign", "day"), default="provider",
        help="what to group by (provider); identity: the domain of the sender",
    )  # fmt: skip
    figures.add_argument(
        "--days", type=whole(1, 1_100), default=30, metavar="NUMBER", help="up to today in UTC, 1 to 1100 (30)"
    )
    figures.add_argument(
        "--limit", type=whole(1, 1_000), default=20, metavar="NUMBER", help="the most groups, 1 to 1000 (20)"
    )
    where(figures)
    as_json(figures)
