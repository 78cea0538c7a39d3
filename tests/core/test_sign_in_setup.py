"""Where the app may listen, what a team's sign-in needs, and that its secrets are readable by us alone."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from core.errors import InvalidInput, NotReady
from core.settings import Settings
from core.sign_in_setup import check_sign_in, is_loopback, write_streamlit_secrets

TEAM: dict[str, Any] = {
    "sign_in": "oidc",
    "host": "0.0.0.0",
    "public_url": "https://shelf.example.com",
    "oidc_metadata_url": "https://id.example.com/.well-known/openid-configuration",
    "oidc_client_id": "shelf",
    "oidc_client_secret": 'quote " back \\ 비밀',
}


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("localhost", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.0.5", False),
        ("shelf.example.com", False),
        ("", False),
    ],
)
def test_which_addresses_are_this_machines_own(host: str, is_own: bool) -> None:
    assert is_loopback(host) == is_own


def test_local_mode_listens_on_this_machine_only() -> None:
    check_sign_in(Settings())
    with pytest.raises(InvalidInput, match="SHELFWRIGHT_SIGN_IN=oidc"):
        check_sign_in(Settings(host="0.0.0.0"))


def test_team_mode_says_what_is_missing() -> None:
    check_sign_in(Settings(**TEAM))
    with pytest.raises(InvalidInput) as caught:
        check_sign_in(Settings(sign_in="oidc"))
    for name in ("PUBLIC_URL", "OIDC_METADATA_URL", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"):
        assert f"SHELFWRIGHT_{name}" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("public_url", "http://shelf.example.com", "https://"),
        ("public_url", "shelf.example.com", "https://"),
        ("public_url", "https://example.com/shelf", "without a path"),
        ("oidc_metadata_url", "http://id.example.com/x", "https://"),
        ("cookie_secret", "short", "at least 32"),
        ("oidc_roles", "x=king", "shelf-admins=admin"),
        ("oidc_roles", "admin", "shelf-admins=admin"),
    ],
)
def test_a_slip_is_named(name: str, value: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        check_sign_in(Settings(**(TEAM | {name: value})))


def test_plain_http_is_for_this_machine() -> None:
    check_sign_in(Settings(**(TEAM | {"public_url": "http://127.0.0.1:8501", "oidc_metadata_url": "http://[::1]:9/x"})))


def test_the_secrets_of_streamlit_are_ours_alone(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, **TEAM)
    path = write_streamlit_secrets(settings)
    auth = tomllib.loads(path.read_text("utf-8"))["auth"]
    assert auth["redirect_uri"] == "https://shelf.example.com/oauth2callback"
    assert auth["client_secret"] == 'quote " back \\ 비밀'
    assert auth["client_kwargs"] == {"scope": "openid profile email"}
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700
    again = tomllib.loads(write_streamlit_secrets(settings).read_text("utf-8"))["auth"]
    assert again["cookie_secret"] == auth["cookie_secret"], "people stay signed in over a start"
    assert len(auth["cookie_secret"]) >= 32


def test_the_client_secret_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    values = TEAM | {"oidc_client_secret": "", "oidc_client_secret_file": str(tmp_path / "secret")}
    check_sign_in(Settings(**values))
    path = write_streamlit_secrets(Settings(data_dir=tmp_path, **values))
    assert tomllib.loads(path.read_text("utf-8"))["auth"]["client_secret"] == "from a file"
    with pytest.raises(NotReady, match="CLIENT_SECRET_FILE"):
        write_streamlit_secrets(
            Settings(data_dir=tmp_path, **(values | {"oidc_client_secret_file": str(tmp_path / "no")}))
        )


def test_secrets_are_not_printed() -> None:
    assert "비밀" not in repr(Settings(**TEAM))
