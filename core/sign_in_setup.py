"""Which sign-in is set up, whether it may listen where it is told to, and the secrets that Streamlit reads."""

import ipaddress
import json
import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from core.errors import N_, InvalidInput, NotReady
from core.settings import Settings
from core.sign_in import role_mapping

REQUIRED = ("public_url", "oidc_metadata_url", "oidc_client_id")
CALLBACK = "/oauth2callback"  # Streamlit's own
MIN_SECRET = 32  # characters of a cookie secret


def is_loopback(host: str) -> bool:
    """Whether an address or name is this machine's own, which nobody else can reach."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_sign_in(settings: Settings) -> None:
    """Raise InvalidInput with a remedy unless everybody who can reach the app has to say who they are.

    Local mode has no password, so it listens on this machine only. Team mode needs its provider set up.
    """
    if settings.sign_in == "local":
        if not is_loopback(settings.host):
            raise InvalidInput(
                N_(
                    "Without a sign-in Shelfwright listens on this machine only (127.0.0.1), not on {host}. "
                    "For a team set SHELFWRIGHT_SIGN_IN=oidc: docs/team.md says how."
                ),
                host=settings.host,
            )
        return
    missing = [f"SHELFWRIGHT_{name.upper()}" for name in REQUIRED if not getattr(settings, name)]
    if not (settings.oidc_client_secret or settings.oidc_client_secret_file):
        missing.append("SHELFWRIGHT_OIDC_CLIENT_SECRET")
    if missing:
        names = ", ".join(missing)
        raise InvalidInput(N_("SHELFWRIGHT_SIGN_IN=oidc also needs {names}: docs/team.md says how."), names=names)
    _check_values(settings)


def _check_values(settings: Settings) -> None:
    for name in ("public_url", "oidc_metadata_url"):
        address = urlsplit(getattr(settings, name))
        is_safe = address.scheme == "https" or (address.scheme == "http" and is_loopback(address.hostname or ""))
        if not is_safe or not address.hostname:
            raise InvalidInput(
                N_("{variable} must be an address that begins with https:// (http:// only on this machine)."),
                variable=f"SHELFWRIGHT_{name.upper()}",
            )
    if urlsplit(settings.public_url).path not in ("", "/"):
        raise InvalidInput(
            N_("SHELFWRIGHT_PUBLIC_URL is an address without a path: Shelfwright has a host of its own.")
        )
    if settings.cookie_secret and len(settings.cookie_secret) < MIN_SECRET:
        raise InvalidInput(N_("SHELFWRIGHT_COOKIE_SECRET must have at least {least} characters."), least=MIN_SECRET)
    try:
        role_mapping(settings.oidc_roles)
    except ValueError:
        raise InvalidInput(
            N_(
                "SHELFWRIGHT_OIDC_ROLES must look like shelf-admins=admin,staff=annotator, "
                "with the roles of docs/team.md."
            )
        ) from None


def write_streamlit_secrets(settings: Settings) -> Path:
    """Write what Streamlit's sign-in needs into the data folder, readable by us alone; returns the file.

    Raises NotReady when a secret cannot be read or the file not written.
    """
    folder = settings.data_dir / "sign_in"
    values = {
        "redirect_uri": settings.public_url.rstrip("/") + CALLBACK,
        "cookie_secret": settings.cookie_secret or _kept_cookie_secret(folder),
        "client_id": settings.oidc_client_id,
        "client_secret": _client_secret(settings),
        "server_metadata_url": settings.oidc_metadata_url,
    }
    lines = ["# Written by Shelfwright at each start, from its settings.", "[auth]"]
    lines += [f"{name} = {_toml(value)}" for name, value in values.items()]
    lines += ["[auth.client_kwargs]", f"scope = {_toml(settings.oidc_scope)}"]
    return _write_private(folder / "secrets.toml", "\n".join(lines) + "\n")


def _client_secret(settings: Settings) -> str:
    if not settings.oidc_client_secret_file:
        return settings.oidc_client_secret
    try:
        return Path(settings.oidc_client_secret_file).expanduser().read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NotReady(
            N_("The file {path} (SHELFWRIGHT_OIDC_CLIENT_SECRET_FILE) cannot be read: {reason}"),
            path=settings.oidc_client_secret_file,
            reason=getattr(error, "strerror", None) or "?",
        ) from error


def _kept_cookie_secret(folder: Path) -> str:
    """Made once, so that people stay signed in when the app starts again."""
    path = folder / "cookie_secret"
    if not path.exists():
        _write_private(path, secrets.token_urlsafe(48))
    return path.read_text("utf-8").strip()


def _toml(text: str) -> str:
    """A TOML string; JSON's form is one, but for the control character that JSON leaves as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _write_private(path: Path, text: str) -> Path:
    """Written whole or not at all, and never readable by others, not even for a moment."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text)
    return new.replace(path)
