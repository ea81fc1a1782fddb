"""What can go wrong, in words for whoever is on call.

::

    SesBouncesError
    ├── DatabaseError           Postgres can't be reached, or refused
    ├── FeedError               a queue could not be read to its end
    ├── AwsError                AWS can't be reached, or asks to wait
    ├── CertificateError        a certificate that SNS signs with can't be had
    ├── SendError               a report could not be sent; it is tried again
    ├── ActionError             what an administrator asked for can't be done as asked
    └── NeedsAPersonError       a retry would meet the same
        ├── SettingsError           a setting is missing, unknown or out of its range
        ├── MissingConnectionError  an Airflow connection is missing
        ├── SchemaError             the database is not at a version that we can work with
        ├── PrivilegeError          the database role lacks a privilege
        ├── QueueError              a queue is not there, or not for us
        ├── AwsRefusedError         AWS refused; no partial change was made
        ├── SetupError              something that is not ours stands in the way of setting up
        ├── ReplayError             a replay that was not tried, or of no window
        ├── SendRefusedError        a mail server or a webhook refuses the report
        │   └── PartlySentError         some of the recipients don't get it
        ├── HealthError             the doctor found something critical
        ├── QuarantineError         most messages were not understood
        ├── BrakeError              bounces of a domain are held until an administrator decides
        └── RunError                a task of the run failed
"""

from __future__ import annotations


class SesBouncesError(Exception):
    """Base of all errors of this package; the message names the thing, the value and what to do."""


class DatabaseError(SesBouncesError):
    """Postgres can't be reached, or refused; the message holds no row values."""


class FeedError(SesBouncesError):
    """A queue could not be read to its end; nothing of it is lost."""


class ActionError(SesBouncesError):
    """What an administrator asked for can't be done as asked; the message says what to change."""


class SendError(SesBouncesError):
    """A report could not be sent: nobody answers, or asks to wait; the report itself is made and kept."""


class AwsError(SesBouncesError):
    """AWS can't be reached, or asks to wait; a retry goes on where this stopped."""


class CertificateError(SesBouncesError):
    """A certificate that SNS signs messages with can't be had; the messages stay pending."""


class NeedsAPersonError(SesBouncesError):
    """A retry would meet the same: something has to be corrected first."""


class SettingsError(NeedsAPersonError):
    """A setting is missing, unknown or out of its range."""


class MissingConnectionError(NeedsAPersonError):
    """An Airflow connection is missing."""


class SchemaError(NeedsAPersonError):
    """The database is not at a version that this one works with."""


class PrivilegeError(NeedsAPersonError):
    """The database role lacks a privilege."""


class QueueError(NeedsAPersonError):
    """A queue is not there, or not for us; nothing of it is lost."""


class AwsRefusedError(NeedsAPersonError):
    """AWS refused for a reason that a retry would meet again: a permission, credentials, a name."""


class SetupError(NeedsAPersonError):
    """Something that is not ours stands in the way of setting up; nothing was changed."""


class ReplayError(NeedsAPersonError):
    """A replay was asked for that was not tried before, or whose window can't be; nothing was changed."""


class SendRefusedError(NeedsAPersonError):
    """A mail server or a webhook refuses the report; the report itself is made and kept."""


class PartlySentError(SendRefusedError):
    """The report is sent, and some of its recipients are refused: it is not sent to the others a second time."""


class HealthError(NeedsAPersonError):
    """The doctor found something critical."""


class QuarantineError(NeedsAPersonError):
    """Most messages were not understood; they are kept."""


class BrakeError(NeedsAPersonError):
    """Bounces of a domain over its limit are held until an administrator decides; everything else went on."""


class RunError(NeedsAPersonError):
    """A task of the run failed."""
