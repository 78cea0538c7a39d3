"""The schema that migrations build is the schema that the tables describe, on both databases."""

import threading

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from core.runtime import Runtime, migrate_database, open_runtime
from db.session import make_engine
from db.tables import Base


def test_tables_and_migrations_agree(runtime: Runtime) -> None:
    with runtime.sessions.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []


def test_two_processes_may_migrate_at_once(postgres_url: str) -> None:
    engines = [make_engine(postgres_url) for _ in range(3)]
    errors: list[BaseException] = []

    def migrate(engine: sa.Engine) -> None:
        try:
            migrate_database(engine)
        except sa.exc.SQLAlchemyError as error:
            errors.append(error)

    threads = [threading.Thread(target=migrate, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    for engine in engines:
        engine.dispose()


def test_opening_again_changes_nothing(sqlite_runtime: Runtime) -> None:
    again = open_runtime(sqlite_runtime.settings)
    with again.sessions.read() as session:
        assert session.scalar(sa.text("SELECT count(*) FROM alembic_version")) == 1
    again.close()
