"""Telling a database that cannot be reached now from an error of ours: the first passes by itself."""

import sqlalchemy as sa

from core.runtime import Runtime

_SIGNS = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError)  # the last: all connections are taken


def is_database_away(error: BaseException) -> bool:
    """Restarted, unreachable, locked for long, or out of connections."""
    return isinstance(error, _SIGNS) or (isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated)


def is_database_there(runtime: Runtime) -> bool:
    """Whether it answers; false, and not an error, when it does not."""
    try:
        with runtime.sessions.read() as session:
            session.execute(sa.text("SELECT 1"))
    except sa.exc.SQLAlchemyError as error:
        if is_database_away(error):
            return False
        raise
    return True
