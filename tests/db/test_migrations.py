"""The schema that migrations build is the schema that the tables describe, on both databases."""

import threading
from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from core.runtime import Runtime, migrate_database, open_runtime
from core.settings import ROOT
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


def test_a_database_in_use_goes_up_and_down_with_its_rows(postgres_url: str, tmp_path: Path) -> None:
    """Every revision is taken on filled tables: what refers to a row must not be in the way."""
    for url in (f"sqlite:///{tmp_path / 'used.db'}", postgres_url):
        engine = make_engine(url)
        _go_to(engine, "0001")
        with engine.begin() as connection:
            for statement in USED:
                connection.execute(sa.text(statement))
        _go_to(engine, "head")
        with engine.connect() as connection:
            assert connection.execute(sa.text("SELECT is_recommended FROM categories")).scalars().all() == [1, 1]
            assert connection.execute(sa.text("SELECT abstained FROM predictions")).scalars().all() == [0]
            assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        _go_to(engine, "0001")
        with engine.connect() as connection:
            assert connection.execute(sa.text("SELECT count(*) FROM predictions")).scalar() == 1
        engine.dispose()


NOW = "'2026-11-20 00:00:00'"
USED = (
    f"INSERT INTO people (id, name, role, is_active, created_at) VALUES (1, 'ann', 'admin', true, {NOW})",
    f"INSERT INTO categories (id, parent_id, depth, name, path, is_leaf, is_catch_all, created_at) "
    f"VALUES (1, NULL, 1, 'a', 'a', false, false, {NOW}), (2, 1, 2, 'b', 'a > b', true, false, {NOW})",
    f"INSERT INTO products (id, source, external_id, title, content_hash, category_id, label_source, created_at, "
    f"updated_at) VALUES (1, 's', '1', 'shirt', '', 2, 'import', {NOW}, {NOW})",
    f"INSERT INTO model_versions (id, name, status, config, seed, n_scored, created_by, created_at) "
    f"VALUES (1, 'v1', 'ready', '{{}}', 7, 1, 1, {NOW})",
    "INSERT INTO category_metrics (model_version_id, category_id, n, n_predicted, n_correct, n_correct_at_2, "
    "n_correct_at_4) VALUES (1, 2, 1, 1, 1, 1, 1)",
    "INSERT INTO predictions (model_version_id, product_id, category_id, confidence, margin, top) "
    "VALUES (1, 1, 2, 0.9, 0.8, '[]')",
)


def _go_to(engine: sa.Engine, revision: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(ROOT / "db/migrations"))
    with engine.execution_options(sqlite_begin="IMMEDIATE").begin() as connection:
        config.attributes["connection"] = connection
        if revision == "head":
            command.upgrade(config, revision)
        elif sa.inspect(connection).has_table("alembic_version"):
            command.downgrade(config, revision)
        else:
            command.upgrade(config, revision)
