"""What a way in opens once and passes down: settings and database."""

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from core.errors import N_, NotReady
from core.settings import ROOT, Settings
from db.session import Sessions, make_engine


@dataclass(frozen=True)
class Runtime:
    """Settings and transactions. Cheap to pass, safe to share between threads."""

    settings: Settings
    sessions: Sessions

    @property
    def data_dir(self) -> Path:
        return self.settings.data_dir

    def close(self) -> None:
        self.sessions.engine.dispose()


def open_runtime(settings: Settings, migrate: bool = True) -> Runtime:
    """Open the database, brought to the newest schema. Raises NotReady when it or the data folder cannot be used."""
    make_data_folder(settings.data_dir)
    try:
        engine = make_engine(settings.url)
    except (sa.exc.ArgumentError, ValueError, TypeError) as error:  # a port that is no number, SQLite without a file
        raise NotReady(N_("The address of the database (SHELFWRIGHT_DATABASE_URL) cannot be understood.")) from error
    if migrate:
        try:
            migrate_database(engine)
        except sa.exc.OperationalError as error:
            engine.dispose()
            raise NotReady(
                N_("The database {url} cannot be opened: {reason}"),
                url=engine.url.render_as_string(hide_password=True),
                reason=str(error.orig).strip(),
            ) from error
    return Runtime(settings, Sessions(engine))


def make_data_folder(folder: Path) -> None:
    """Raises NotReady when something else is there or the system does not allow it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotReady(
            N_("The data folder {folder} (SHELFWRIGHT_DATA_DIR) cannot be made: {reason}"),
            folder=folder,
            reason=error.strerror or str(error),
        ) from error


def migrate_database(engine: sa.Engine) -> None:
    """Bring the schema to the newest revision; safe when two processes start at once.

    Alembic costs a tenth of a second to import, so a database that is up to date never loads it.
    """
    newest = max(path.name.split("_")[0] for path in (ROOT / "db/migrations/versions").glob("[0-9]*.py"))
    with engine.connect() as connection:
        if sa.inspect(connection).has_table("alembic_version"):
            current = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
            if current == newest:
                return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(ROOT / "db/migrations"))
    with engine.execution_options(sqlite_begin="IMMEDIATE").begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(7205759)"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
