"""Examples that ``--help`` of each command shows; a test has the parser read each of them."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[str, ...]] = {
    "db": ("ses-bounces db upgrade", "ses-bounces db check --conn-id my_postgres"),
    "db upgrade": (
        "ses-bounces db upgrade",
        "ses-bounces db upgrade --url postgresql://ses_bounces@db.example.com/app",
    ),
    "db check": ("ses-bounces db check", "ses-bounces db check --conn-id my_postgres"),
    "setup": (
        "ses-bounces setup example.com --region eu-west-1",
        "ses-bounces setup example.com --region eu-west-1 --apply --write-settings --prove",
        "ses-bounces setup example.com --print cloudformation",
        "ses-bounces setup example.com --print terraform",
        "ses-bounces setup example.com --teardown",
        "ses-bounces setup example.com --teardown --even-in-use --apply",
    ),
    "doctor": ("ses-bounces doctor --problems", "ses-bounces doctor --area queues --json"),
    "check": (
        'ses-bounces check anna@example.com "Bo <bo@example.com>"',
        "ses-bounces check --json - < addresses.txt",
    ),
    "block": (
        'ses-bounces block anna@example.com --reason "wrote to support on Monday"',
        'ses-bounces block - --reason "list of the legal department" --dry-run < addresses.txt',
    ),
    "unblock": (
        'ses-bounces unblock anna@example.com --reason "mailbox was full, is mended"',
        'ses-bounces unblock anna@example.com --cause stop_request --reason "asked to be mailed again"',
    ),
    "transient": (
        'ses-bounces transient delete anna@example.com --reason "their server is back"',
        'ses-bounces transient extend anna@example.com --days 14 --reason "their server moves"',
    ),
    "transient delete": (
        'ses-bounces transient delete anna@example.com --reason "their server is back"',
        'ses-bounces transient delete - --reason "outage on Monday" --dry-run < addresses.txt',
    ),
    "transient extend": ('ses-bounces transient extend anna@example.com --days 14 --reason "their server moves"',),
    "quarantine": (
        "ses-bounces quarantine list",
        'ses-bounces quarantine retry --only "not JSON" --reason "the sender is mended"',
    ),
    "quarantine list": (
        "ses-bounces quarantine list",
        'ses-bounces quarantine list --messages --only "not JSON" --limit 20',
    ),
    "quarantine retry": (
        'ses-bounces quarantine retry 4711 4712 --reason "a newer version reads them"',
        'ses-bounces quarantine retry --all --reason "a newer version reads them" --dry-run',
    ),
    "quarantine dismiss": ('ses-bounces quarantine dismiss --only "not JSON" --reason "a test of ours"',),
    "import": (
        'ses-bounces import stop-requests unsubscribed.csv --reason "former newsletter"',
        'ses-bounces import blocked page1.json page2.json --reason "SES\'s own list" --dry-run',
    ),
    "import stop-requests": (
        'ses-bounces import stop-requests unsubscribed.csv --reason "former newsletter" --dry-run',
        'ses-bounces import stop-requests contacts.csv --address-column email --reason "former newsletter"',
    ),
    "import blocked": (
        'ses-bounces import blocked suppressions.csv --cause permanent_bounce --reason "former provider" --dry-run',
        'ses-bounces import blocked page1.json page2.json --reason "SES\'s own list"',
        'ses-bounces import blocked list.csv --reason-column type --map "full=permanent_bounce" --reason "former list"',
    ),
    "export": ("ses-bounces export blocked -o blocked.csv", "ses-bounces export bounces --kind transient"),
    "export blocked": (
        "ses-bounces export blocked --reason complaint -o complaints.csv",
        "ses-bounces export blocked --as-of 2026-01-31T12:00",
    ),
    "export bounces": ("ses-bounces export bounces --kind transient --text @example.com",),
    "report": ("ses-bounces report", "ses-bounces report 2026-01-31 --format csv -o blocked_report.csv"),
    "figures": ("ses-bounces figures", "ses-bounces figures --by day --days 90 --json"),
    "held": ("ses-bounces held list", 'ses-bounces held confirm down.example --reason "the company is gone"'),
    "held list": ("ses-bounces held list", "ses-bounces held list --json"),
    "held confirm": (
        'ses-bounces held confirm down.example --reason "the company is gone" --dry-run',
        'ses-bounces held confirm --message-id 4711 --reason "known to be gone"',
    ),
    "held dismiss": ('ses-bounces held dismiss --all --reason "outage at the provider on Monday"',),
    "preview": ("ses-bounces preview", "ses-bounces preview --sample 50 --json"),
    "rebuild": ("ses-bounces rebuild --verify", "ses-bounces rebuild --address-id 17 --address-id 42"),
    "restored": (
        'ses-bounces restored --from 2026-03-14T02:00:00Z --reason "restored from the nightly backup" --dry-run',
    ),
    "erase": (
        'ses-bounces erase addresses.txt --reason "request 2026-17" --dry-run',
        'ses-bounces erase --reason "request 2026-17" < addresses.txt',
    ),
}


def examples_of(command: str) -> str:
    """Return the examples of a command as ``--help`` shows them; empty where there are none."""
    lines = EXAMPLES.get(command, ())
    return "\n".join(("examples:", *(f"  {line}" for line in lines))) if lines else ""
