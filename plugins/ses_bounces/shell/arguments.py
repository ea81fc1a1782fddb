"""The arguments of the shell command. Nothing heavy is imported here: ``--help`` is to answer at once."""

from __future__ import annotations

import argparse

from ses_bounces import __version__
from ses_bounces.classify.causes import CAUSES
from ses_bounces.shell.more_arguments import add_figures, add_quarantine, add_report, add_transient
from ses_bounces.shell.options import (
    EXIT_STATUS,
    REASON,
    Commands,
    add,
    addresses,
    as_json,
    change,
    dry_run,
    moment,
    part,
    where,
)


def parser() -> argparse.ArgumentParser:
    """Return the parser; ``command`` and ``run``, the module of ``ses_bounces.shell`` that does it, are set."""
    root = argparse.ArgumentParser(
        prog="ses-bounces",
        description="Amazon SES bounces in Airflow, from the shell.",
        epilog=EXIT_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action="version", version=__version__)
    commands = root.add_subparsers(dest="command", required=True)
    for command in (
        _database,
        _feed,
        _doctor,
        _check,
        _block,
        _unblock,
        add_transient,
        add_quarantine,
        _import,
        _export,
        add_report,
        _held,
        add_figures,
        _rebuild,
        _restored,
        _preview,
        _erase,
    ):
        command(commands)
    return root


def _database(commands: Commands) -> None:
    database = add(commands, "db", "db", "the database schema ses_bounces")
    actions = database.add_subparsers(dest="action", required=True)
    for name, text in (
        ("upgrade", "create the schema, or bring it up to date; may be repeated at any time"),
        ("check", "tell whether this version works with the schema that is there"),
    ):
        where(part(actions, name, text))


def _feed(commands: Commands) -> None:
    text = "show what SES, SNS and SQS need for the feed; with --apply, make it"
    setup = add(commands, "setup", "setup", text)
    setup.add_argument("identity", help="the domain or FROM address that mail is sent from")
    what = setup.add_argument_group("what to do (without any of these: show the plan, change nothing)")
    what.add_argument("--apply", action="store_true", help="do what the plan says, wholly or not at all")
    what.add_argument("--teardown", action="store_true", help="plan to take away what an earlier setup made")
    what.add_argument(
        "--print", choices=("cloudformation", "terraform"),
        help="print what the plan makes as a template, in JSON: cloudformation or terraform",
    )  # fmt: skip
    what.add_argument("--prove", action="store_true", help="then send a mail to SES's simulator and await its delivery")
    what.add_argument(
        "--write-settings", action="store_true", help="with --apply: add the feed to the Airflow Variable"
    )
    what.add_argument("--no-database", action="store_true", help="leave the schema in Postgres as it is")
    what.add_argument(
        "--discard-messages", action="store_true", help="with --teardown: also a queue that still holds messages"
    )
    what.add_argument(
        "--even-in-use", action="store_true",
        help="with --teardown: also an identity or configuration set that mail is sent with",
    )  # fmt: skip
    names = setup.add_argument_group("names")
    for option, default, help_ in (
        ("--topic", "ses-bounces-topic", "SNS topic: a name, or the ARN of one that is there"),
        ("--queue", "ses-bounces-queue", "SQS queue"),
        ("--dead-letter-queue", "ses-bounces-dead-letter-queue", "its dead-letter queue"),
    ):
        names.add_argument(option, metavar="NAME", help=f"{help_} ({default})")
    names.add_argument("--configuration-set", metavar="NAME", help="report mail sent with this set, instead of all")
    names.add_argument("--kms-key", metavar="KEY", help="a key of yours, instead of SQS's own encryption")
    reports = setup.add_argument_group("reports")
    reports.add_argument("--no-deliveries", action="store_true", help="do not report deliveries")
    reports.add_argument("--keep-forwarding", action="store_true", help="leave SES's feedback by e-mail on")
    ways = setup.add_argument_group("where")
    ways.add_argument("--region", help="AWS region (the connection's)")
    ways.add_argument(
        "--aws-conn-id", metavar="ID",
        help="Airflow connection to AWS (ses_bounces_aws); empty: boto3's own credentials",
    )  # fmt: skip
    ways.add_argument("--use-fips-endpoint", action="store_true", help="use AWS's FIPS endpoints")
    where(setup)
    as_json(setup)


def _doctor(commands: Commands) -> None:
    doctor = add(commands, "doctor", "doctor", "tell whether the feed is alive and nothing is stuck")
    doctor.add_argument(
        "--area", choices=("queues", "sending", "ledger"), action="append", help="only this; may be repeated"
    )
    doctor.add_argument("--problems", action="store_true", help="leave out what is in order")
    dry_run(doctor, "don't keep the findings for the overview page")
    where(doctor)
    as_json(doctor)


def _check(commands: Commands) -> None:
    check = add(commands, "check", "check", "tell which addresses are blocked, and why")
    addresses(check)
    where(check)
    as_json(check)


def _block(commands: Commands) -> None:
    block = add(commands, "block", "block", "block addresses by a stop request")
    addresses(block)
    change(block)


def _unblock(commands: Commands) -> None:
    unblock = add(commands, "unblock", "block", "lift blocks; SES's own list comes first")
    addresses(unblock)
    unblock.add_argument(
        "--cause", action="append", metavar="CAUSE", choices=CAUSES,
        help=f"the cause to lift, one of {', '.join(CAUSES)}; may be repeated. Without it permanent_bounce, "
        "ses_suppression and expired_transient are lifted; a person's wish (stop_request, complaint, unsubscribed) "
        "only where it is named",
    )  # fmt: skip
    change(unblock)


def _import(commands: Commands) -> None:
    importing = add(commands, "import", "import_stop_requests", "read addresses from a file")
    what = importing.add_subparsers(dest="what", required=True)
    text = "block every address of a CSV file as a stop request; also another provider's export"
    stops = part(what, "stop-requests", text)
    stops.add_argument("file", nargs="+", metavar="FILE", help="CSV, or JSON of the AWS CLI; - is stdin")
    _address_column(stops)
    stops.add_argument("--reason-column", metavar="NAME", help="column whose text is added to the reason")
    stops.add_argument(
        "--date-column", metavar="NAME",
        help="column that says since when: ISO 8601, seconds since 1970, or as in an e-mail's header; UTC",
    )  # fmt: skip
    change(stops)
    text = "take over a blocked list with its reasons and dates: a CSV file, or SES's own list as the AWS CLI prints it"
    blocked = part(what, "blocked", text)
    blocked.set_defaults(run="import_blocked")
    blocked.add_argument(
        "file", nargs="+", metavar="FILE",
        help="CSV, or JSON of the AWS CLI: all pages of a list, in their order; - is stdin",
    )  # fmt: skip
    _address_column(blocked)
    blocked.add_argument("--reason-column", metavar="NAME", help="column that says why")
    blocked.add_argument("--date-column", metavar="NAME", help="column that says since when")
    blocked.add_argument(
        "--map", metavar="TEXT=CAUSE", action="append", default=[],
        help="what a text in the reason column means, beside what is known; may be repeated",
    )  # fmt: skip
    blocked.add_argument(
        "--cause", choices=("permanent_bounce", "complaint", "unsubscribed", "stop_request", "ses_suppression"),
        help="what all other lines mean; without it they are refused",
    )  # fmt: skip
    change(blocked)


def _address_column(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "--address-column", metavar="NAME",
        help="column of the addresses, by its name or its number from 1; else it is the one that is named as e-mail "
        "addresses are, or that holds them",
    )  # fmt: skip


def _export(commands: Commands) -> None:
    export = add(commands, "export", "export", "write a list as CSV")
    what = export.add_subparsers(dest="what", required=True)
    for name, kinds, closed in (("blocked", "--reason", "lifted"), ("bounces", "--kind", "closed")):
        text = f"the Email {'Blocked' if name == 'blocked' else 'Bounce'} List"
        one = part(what, name, text)
        one.add_argument("--state", choices=("open", closed), default="open", help="which rows (%(default)s)")
        one.add_argument(kinds, dest="kind", help="only of this kind")
        one.add_argument("--since", type=moment, metavar="TIME", help="only from then on: ISO 8601; UTC")
        one.add_argument("--until", type=moment, metavar="TIME", help="only before then")
        one.add_argument("--text", help="only addresses with this in them; @example.com is a domain")
        if name == "blocked":
            one.add_argument(
                "--as-of", type=moment, metavar="TIME",
                help="who was blocked then, by when things happened: the columns of the daily report",
            )  # fmt: skip
            one.add_argument(
                "--known-at", type=moment, metavar="TIME", help="with --as-of: only by what was on record then"
            )
        one.add_argument("--output", "-o", metavar="FILE", help="write it there, not to stdout")
        where(one)
        one.add_argument("--json", action="store_true", help="one JSON object a line instead of CSV")


def _held(commands: Commands) -> None:
    held = add(commands, "held", "held", "what the brake holds: show, confirm or dismiss it")
    actions = held.add_subparsers(dest="action", required=True)
    text = "show the domains over their limit, what is held of them, and what the servers said"
    listing = part(actions, "list", text)
    where(listing)
    as_json(listing)
    for name, text in (
        ("confirm", "the addresses are gone: block them with the next run, whatever the limit"),
        ("dismiss", "the provider answered wrongly: what is held never counts"),
    ):
        one = part(actions, name, text)
        one.add_argument("domains", nargs="*", metavar="DOMAIN", help="everything that is held of these domains")
        one.add_argument("--all", action="store_true", help="of all domains")
        one.add_argument(
            "--message-id", type=int, action="append", metavar="ID", help="only these messages; may be repeated"
        )
        change(one)


def _preview(commands: Commands) -> None:
    preview = add(commands, "preview", "preview", "tell what setting enforce to true would do; changes nothing")
    preview.add_argument("--sample", type=int, default=20, metavar="N", help="addresses to show by id (%(default)s)")
    where(preview)
    as_json(preview)


def _rebuild(commands: Commands) -> None:
    rebuild = add(commands, "rebuild", "rebuild", "bring the lists to what the ledger says, where they differ")
    rebuild.add_argument("--verify", action="store_true", help="compare only; change nothing")
    rebuild.add_argument("--address-id", type=int, action="append", metavar="ID", help="only this one; may be repeated")
    rebuild.add_argument("--since", type=moment, metavar="TIME", help="only what happened from then on: ISO 8601; UTC")
    rebuild.add_argument("--until", type=moment, metavar="TIME", help="and before then (now)")
    rebuild.add_argument("--after", type=int, default=0, metavar="ID", help="go on behind this address, of all")
    where(rebuild)
    as_json(rebuild)


def _restored(commands: Commands) -> None:
    text = "after Postgres was put back to an earlier time: mark what is lost, and read what SES still knows of it"
    restored = add(commands, "restored", "restored", text)
    restored.add_argument(
        "--from", dest="restored_to", type=moment, required=True, metavar="TIME",
        help="the time to which Postgres was put back: ISO 8601; UTC",
    )  # fmt: skip
    restored.add_argument("--no-ses", action="store_true", help="leave SES's suppression lists unread")
    change(restored)


def _erase(commands: Commands) -> None:
    text = "erase addresses on their owners' request, for good; their blocks stay"
    erase = add(commands, "erase", "erase", text)
    erase.add_argument(
        "file", nargs="?", default="-", metavar="FILE",
        help="a file with one address a line; without it they are asked for, or read from stdin (never given here: a "
        "shell keeps what was typed)",
    )  # fmt: skip
    change(erase, f"{REASON}; without the address", "count what names them, and change nothing")
