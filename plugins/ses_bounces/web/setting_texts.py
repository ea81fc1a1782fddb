"""What the settings are called and what each is for: on the page Email Bounce Settings, and in docs/settings.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["switch", "number", "choice", "lines", "text"]


@dataclass(frozen=True)
class SettingText:
    """A setting as a person sees it; ``purpose`` may hold `code` in backticks."""

    key: str
    label: str
    purpose: str
    kind: Kind = "text"


SECTIONS: dict[str, tuple[SettingText, ...]] = {
    "What happens": (
        SettingText(
            "enabled",
            "Allow AWS Email Bounce Processing",
            "False: every task is skipped, and the queues keep their messages (SQS does so for 14 days at most).",
            "switch",
        ),
        SettingText(
            "enforce",
            "Block and switch off (enforce)",
            "False is observe mode: everything is recorded and reported, but `is_blocked()` is false for "
            "everybody, `do_not_email` is empty, and nobody's flag is touched.",
            "switch",
        ),
        SettingText(
            "transient_grace_days",
            "AWS Transient Email Grace Period, in days",
            "How long a transient problem may last before it blocks. Holds for bounces that are recorded from then on.",
            "number",
        ),
        SettingText(
            "promotion",
            "At the end of the grace period",
            "What happens at the end of the grace period: block; block if two different mails bounced; forget.",
            "choice",
        ),
        SettingText(
            "promotion_excludes",
            "Subtypes that never block",
            'Transient bounces of these subtypes never block, like `["MailboxFull"]`.',
            "lines",
        ),
        SettingText(
            "promote_auto_replies",
            "Let auto-replies block",
            "Whether a transient bounce that is probably an auto-reply blocks at its deadline; one to a mail that was "
            "delivered never does. Set it to false where SES does not report deliveries.",
            "switch",
        ),
        SettingText(
            "never_block",
            "Never block",
            "Bounces of these are recorded and block nobody. Complaints and unsubscriptions block them too.",
            "lines",
        ),
        SettingText(
            "max_new_blocks_per_domain",
            "Max new blocks per domain per day",
            "The brake: the most new blocks by bounces of one recipient domain and day (UTC). What goes beyond it is "
            "held until an administrator decides. Null: no limit.",
            "number",
        ),
    ),
    "Queues and SES": (
        SettingText(
            "queue_urls",
            "AWS SQS Bounce Email Queue Endpoint",
            "The queues to drain. The region is the one that the URL names. An object names the connection of a "
            "queue in another account. The dead-letter queue of each is drained as well. FIFO queues are "
            "refused.",
            "lines",
        ),
        SettingText(
            "feeds",
            "Feeds to set up",
            "What the DAG `ses_bounces_setup` makes or repairs: the domains and FROM addresses that mail is sent from. "
            "An object has `identity` and what is to differ: `region`, `aws_conn_id`, `topic`, `queue`, "
            "`dead_letter_queue`, `configuration_set`, `kms_key`, `deliveries`, `keep_forwarding`.",
            "lines",
        ),
        SettingText(
            "aws_conn_id",
            "Airflow connection to AWS",
            "The connection that the queues are read with.",
        ),
        SettingText(
            "use_fips_endpoint",
            "FIPS should be enabled",
            "Use AWS's FIPS endpoints. All that is asked has them in `us-east-1`, `us-east-2`, `us-west-1`, "
            "`us-west-2`, `us-gov-east-1` and `us-gov-west-1`; in other regions some of these hosts don't exist.",
            "switch",
        ),
        SettingText(
            "ses_regions",
            "Regions of SES",
            "The regions in which SES sends, each with a suppression list of its own; null: those of the queues. SES "
            "is not in every region that has queues, and not in China.",
            "lines",
        ),
        SettingText(
            "lift_at_ses",
            "Lift at SES first",
            "When a bounce or complaint is lifted, take the address off SES's suppression lists first, also where "
            "those were not read yet: SES lists such an address by itself. False: only where it is known to be on "
            "one.",
            "switch",
        ),
        SettingText(
            "push_to_ses",
            "Tell SES whom we block",
            "Also put the addresses that we block for good on SES's suppression lists: permanent bounces as "
            "`BOUNCE`, complaints, unsubscriptions and stop requests as `COMPLAINT`. SES then refuses mail to "
            "them, whoever sends it.",
            "switch",
        ),
        SettingText(
            "ask_ses_validation",
            "Ask SES about addresses",
            "Let editors ask SES what it thinks of an address. SES charges for it, and is told the address.",
            "switch",
        ),
        SettingText(
            "ses_import_url",
            "Folder for import jobs",
            "A folder of a bucket of the list's region (`{region}` in it stands for that). When more than 1,000 "
            "blocks are lifted at once, their addresses go there in a file that SES reads, and that is deleted "
            "afterwards. Null: one address a second.",
        ),
        SettingText(
            "allowed_topic_arns",
            "Allowed SNS topics",
            "Only messages of these topics count; others are quarantined. The outermost envelope says whose a message "
            "is, and no envelope within may name another topic. Empty: of any topic.",
            "lines",
        ),
        SettingText(
            "allow_raw",
            "Allow messages without a topic",
            "With `allowed_topic_arns` or `verify_signatures`: let messages count that SNS's envelope is not around "
            "(raw delivery, EventBridge).",
            "switch",
        ),
        SettingText(
            "verify_signatures",
            "Check SNS's signatures",
            "Only messages count that SNS has signed; others are quarantined. The workers must reach "
            "`sns.<region>.amazonaws.com` (China: `.amazonaws.com.cn`; European Sovereign Cloud: `.amazonaws.eu`) for "
            "its certificates, with FIPS as well. It says that a message is SNS's, not of which topic: set "
            "`allowed_topic_arns` as well.",
            "switch",
        ),
    ),
    "Database and people": (
        SettingText(
            "postgres_conn_id",
            "Airflow connection to Postgres",
            "The connection of the database with schema `ses_bounces`.",
        ),
        SettingText(
            "people_table",
            "Table of people",
            "The table of people, in the database of `postgres_conn_id`. Null: no flag is touched.",
        ),
        SettingText(
            "people_id_column",
            "Primary key column",
            "Its primary key, or another column with a unique index of its own.",
        ),
        SettingText(
            "people_email_column",
            "Its e-mail column",
            "The address.",
        ),
        SettingText(
            "people_flag_column",
            "Its Allow Group Email column",
            "The flag, a boolean. The only column that is written.",
        ),
        SettingText(
            "raw_retention_days",
            "Days that messages are kept",
            "How many days of received messages are kept. What they led to is kept for good.",
            "number",
        ),
        SettingText(
            "keep_no_effect_bodies",
            "Keep all bodies",
            "Also keep the bodies of messages that have no effect, and of deliveries. For searching errors; it "
            "takes much space.",
            "switch",
        ),
        SettingText(
            "database_max_gb",
            "Room for the database, in GB",
            "How large the whole database may become, in GB of 1,000,000,000 bytes: the doctor then tells for how many "
            "days there is room, and warns when it is less than 30. Null: only size and growth are told.",
            "number",
        ),
    ),
    "Email Blocked Report": (
        SettingText(
            "report_url",
            "Where reports are written",
            "Where the report's files are also written, in a folder for each day. Null: only in the database.",
        ),
        SettingText(
            "report_conn_id",
            "Connection for report_url",
            "The connection for `report_url`.",
        ),
        SettingText(
            "report_timezone",
            "Time zone of the days",
            "Where the days of the report begin and end.",
        ),
        SettingText(
            "report_days_kept",
            "Days that reports are kept",
            "How many days of reports are kept in the database.",
            "number",
        ),
        SettingText(
            "report_retention_days",
            "Days that report files are kept",
            "How many days of files are kept under `report_url`; older ones are deleted there. 0: all of them.",
            "number",
        ),
        SettingText(
            "report_email_to",
            "Send the report to",
            "Who gets each finished day's report by e-mail: its numbers, the chart and a link. Empty: nobody.",
            "lines",
        ),
        SettingText(
            "report_email_from",
            "From",
            "The sender of that mail. Null: the one of the SMTP connection; SES needs it.",
        ),
        SettingText(
            "report_email_conn_id",
            "Airflow connection for mail",
            "The connection that it is sent with: of type SMTP, or of type Amazon Web Services for SES.",
        ),
        SettingText(
            "report_chat_conn_id",
            "Airflow connection to a chat",
            "A connection of type HTTP with the address of a chat's incoming webhook; the same goes there. Null: "
            "nowhere.",
        ),
        SettingText(
            "report_chat_format",
            "What the chat takes",
            "`text`: Slack, Mattermost, Rocket.Chat. `google_chat`: Google Chat. `teams`: Microsoft Teams. `discord`: "
            "Discord.",
            "choice",
        ),
        SettingText(
            "report_send_addresses",
            "Send addresses too",
            "Also put the addresses into mail and chat: the report's table into the mail, the first 50 of those newly "
            "blocked into the chat. False: no address leaves the database.",
            "switch",
        ),
    ),
    "Limits of a run": (
        SettingText(
            "max_seconds",
            "Seconds of a task",
            "How long a task may work. What is left then is done by the next run.",
            "number",
        ),
        SettingText(
            "max_messages",
            "Messages of a run",
            "The most messages that one run takes of a queue.",
            "number",
        ),
        SettingText(
            "max_drainers",
            "Drainers of a queue",
            "The most tasks that drain one queue at the same time. There is one for each 20,000 messages.",
            "number",
        ),
    ),
}

BY_KEY = {text.key: text for texts in SECTIONS.values() for text in texts}
