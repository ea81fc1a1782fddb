"""The metadata of Postgres schema ``ses_bounces``, and columns that many of its tables have."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    MetaData,
)

from ses_bounces.base.database.statements import SCHEMA

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    },
)


def moment(name: str, **options: object) -> Column[object]:
    """A column of type ``timestamptz``."""
    return Column(name, DateTime(timezone=True), **options)  # type: ignore[arg-type]


def number(name: str) -> Column[int]:
    """The primary key of a table whose rows are numbered."""
    return Column(name, BigInteger, Identity(), primary_key=True)


def joined_address_id(**options: object) -> Column[int]:
    """The address of a row that a join with ``address`` makes. No foreign key: checking each row costs a tenth."""
    return Column("address_id", BigInteger, nullable=False, **options)  # type: ignore[arg-type]


def one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    """The check that a column has one of these values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)
