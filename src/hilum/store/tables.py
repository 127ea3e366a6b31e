"""The tables of a journal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    Double,
    ForeignKey,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)

if TYPE_CHECKING:
    _Times = TypeDecorator[datetime]
    _Codes = TypeDecorator[tuple[str, ...]]
else:
    _Times = _Codes = TypeDecorator

# Of the tables below. A journal of another format is not touched.
FORMAT = 1

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class UtcTime(_Times):
    """A time as whole microseconds since 1970 in UTC: exact, sortable, alike in all databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Give the number for a time, which has a zone."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Give the time, in UTC."""
        return None if value is None else _EPOCH + value * _MICROSECOND


class Codes(_Codes):
    """Stable codes such as ``lateral_view``, with a semicolon between them."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str | None:
        """Join codes, none of which holds a semicolon."""
        return None if value is None else ";".join(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...]:
        """Give the codes apart."""
        return tuple(value.split(";")) if value else ()


# SQLite counts up only in a column of exactly this type.
_NUMBER = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData()

# One row: which format the other tables have.
journals = Table("hilum_journal", metadata, Column("format", Integer, nullable=False))

analyses = Table(
    "hilum_analyses",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("time_us", UtcTime, nullable=False, index=True, key="time"),
    Column("source", Text, nullable=False),
    Column("model", Text),
    Column("model_version", Text),
    Column("weights_sha256", Text),
    Column("film_sha256", Text),
    Column("film_format", Text),
    Column("outcome", Text, nullable=False),
    Column("decision", Text),
    Column("side", Text),
    Column("logit", Double),
    Column("probability", Double),
    Column("operating_point", Text),
    Column("threshold", Double),
    Column("reasons", Codes, nullable=False),
    Column("warnings", Codes, nullable=False),
    Column("latency_ms", Double),
    Column("error", Text),
    # The number of an analysis that was removed is not given to another one.
    sqlite_autoincrement=True,
)

feedback = Table(
    "hilum_feedback",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column(
        "analysis_id",
        _NUMBER,
        ForeignKey("hilum_analyses.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("time_us", UtcTime, nullable=False, key="time"),
    Column("verdict", Text, nullable=False),
    sqlite_autoincrement=True,
)
