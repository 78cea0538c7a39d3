"""The calendar month of a time, alike on both databases: PostgreSQL would go by the session's own time zone."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class utc_month(FunctionElement[int]):  # noqa: N801 - written like the function that it is in SQL
    """1..12, in UTC; NULL for no time."""

    type = sa.Integer()
    inherit_cache = True


@compiles(utc_month, "sqlite")
def _sqlite(element: utc_month, compiler: Any, **options: Any) -> str:
    return f"CAST(strftime('%m', {compiler.process(element.clauses, **options)}) AS INTEGER)"


@compiles(utc_month, "postgresql")
def _postgresql(element: utc_month, compiler: Any, **options: Any) -> str:
    moment = compiler.process(element.clauses, **options)
    return f"CAST(EXTRACT(MONTH FROM ({moment}) AT TIME ZONE 'UTC') AS INTEGER)"
