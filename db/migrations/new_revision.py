"""Write a new revision: what the tables say that the migrations so far do not. Run by `make migration m="..."`."""

import sys
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

HERE = Path(__file__).resolve().parent

if __name__ == "__main__":
    config = Config()
    config.set_main_option("script_location", str(HERE))
    with sa.create_engine("sqlite://").connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        number = len(list((HERE / "versions").glob("[0-9]*.py"))) + 1
        command.revision(config, sys.argv[1], rev_id=f"{number:04}", autogenerate=True)
