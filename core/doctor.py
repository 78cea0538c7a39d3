"""What may be wrong with an installation, looked at one by one."""

import shutil
import sys
from dataclasses import dataclass

import sqlalchemy as sa

from core.runtime import Runtime


@dataclass(frozen=True)
class Finding:
    """One thing looked at: whether it is well, and in words what was seen."""

    name: str
    is_ok: bool
    said: str


def examine(runtime: Runtime) -> list[Finding]:
    """Look at Python, disk, database and device."""
    return [_python(), _disk(runtime), _database(runtime), _device(runtime)]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", sys.version_info >= (3, 11), version)


def _disk(runtime: Runtime) -> Finding:
    free = shutil.disk_usage(runtime.data_dir).free
    return Finding("disk", free > 10**9, f"{free / 1e9:.1f} GB free in {runtime.data_dir}")


def _database(runtime: Runtime) -> Finding:
    engine = runtime.sessions.engine
    name = engine.url.render_as_string(hide_password=True)
    with runtime.sessions.read() as session:
        if engine.dialect.name == "sqlite":
            verdict = session.scalar(sa.text("PRAGMA quick_check(1)"))
            return Finding("database", verdict == "ok", f"{name}, quick check: {verdict}")
        version = session.scalar(sa.text("SHOW server_version"))
        return Finding("database", True, f"{name}, PostgreSQL {version}")


def _device(runtime: Runtime) -> Finding:
    import torch

    wanted, has_cuda = runtime.settings.device, torch.cuda.is_available()
    name = torch.cuda.get_device_name() if has_cuda else f"CPU, {torch.get_num_threads()} threads"
    return Finding("device", wanted != "cuda" or has_cuda, f"{name} (setting: {wanted}, torch {torch.__version__})")
