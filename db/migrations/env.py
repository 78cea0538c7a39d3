"""Alembic's way in: works on the connection it is handed (`core.runtime`, or `make migration`)."""

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext

from db.tables import Base
from db.tables.base import UtcDateTime


def render_plain(kind: str, item: object, autogen_context: AutogenContext) -> str | bool:
    """A migration names plain types only, so that it keeps working when ours change."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, sa.JSON):
        autogen_context.imports.add("from sqlalchemy.dialects import postgresql")
        return 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")'
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    render_item=render_plain,
)
with context.begin_transaction():
    context.run_migrations()
