"""Settings from SHELFWRIGHT_* variables, read once by a way in and passed down."""

import getpass
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import N_, InvalidInput

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "SHELFWRIGHT_"
DEVICES = ("auto", "cpu", "cuda")
CHOICES = {"device": DEVICES, "image_scaling": ("", "imagenet", "symmetric"), "sign_in": ("local", "oidc")}
API_RATE = re.compile(r"off|[1-9]\d{0,5}/(second|minute|hour|day)")
DATABASES = ("postgresql+psycopg://", "sqlite:///")
# name -> what it may be, both ends included
RANGES: dict[str, tuple[float, float]] = {
    "port": (1, 65_535),
    "api_port": (1, 65_535),
    "lease_minutes": (0.01, 1_440),
    "job_lease_seconds": (1, 3_600),
    "worker_poll_seconds": (0.05, 60),
    "promotion_margin": (0, 1),
    "min_gold_agreement": (0, 1),
    "sign_in_hours": (0.1, 720),
}


@dataclass(frozen=True)
class Settings:
    """Every field is one variable: `lease_minutes` is SHELFWRIGHT_LEASE_MINUTES. See docs/settings.md."""

    data_dir: Path = ROOT / "data"
    database_url: str = ""  # empty: SQLite in data_dir
    image_roots: tuple[Path, ...] = ()  # data_dir/images always counts
    host: str = "127.0.0.1"
    port: int = 8501
    api_host: str = "127.0.0.1"
    api_port: int = 8502
    api_rate: str = "600/minute"  # requests of one token; off: no limit
    person: str = field(default_factory=getpass.getuser)  # who acts from the terminal
    sign_in: str = "local"  # local: by name, on this machine only; oidc: a team, see docs/team.md
    public_url: str = ""  # where people open the app in team mode, such as https://shelf.example.com
    oidc_metadata_url: str = ""  # ends in /.well-known/openid-configuration
    oidc_client_id: str = ""
    oidc_client_secret: str = field(default="", repr=False)
    oidc_client_secret_file: str = ""  # in place of the secret: a file that holds it
    oidc_scope: str = "openid profile email"
    oidc_role_claim: str = ""  # the claim that names roles or groups; empty: roles by invitation only
    oidc_roles: str = ""  # what its values mean: shelf-admins=admin,staff=annotator; empty: the roles' own words
    cookie_secret: str = field(default="", repr=False)  # signs the sign-in cookie; empty: made once, in the data folder
    first_admin: str = ""  # the e-mail address that is an admin as long as nobody else who can sign in is
    trust_unverified_email: bool = False  # whether an address counts where the provider says nothing of 'verified'
    sign_in_hours: float = 24.0  # how long a sign-in lasts
    lease_minutes: float = 10.0
    job_lease_seconds: float = 15.0
    worker_poll_seconds: float = 0.5
    device: str = "auto"  # auto, cpu, cuda
    fetch_remote_images: bool = False  # whether image URLs of products are fetched from the internet
    image_weights: str = "IMAGENET1K_V1"  # what image training begins from: torchvision's name, a file, or scratch
    image_scaling: str = ""  # of a file of weights: imagenet or symmetric
    webhooks_to_private: bool = False  # whether webhooks may be sent to addresses that are not on the open internet
    min_gold_agreement: float = 0.8  # share right on hidden gold; who falls below is shown to reviewers
    promotion_margin: float = 0.05  # a category of >= 30 test rows may fall by this much when a version is promoted

    @property
    def url(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir / 'shelfwright.db'}"

    @property
    def image_folders(self) -> tuple[Path, ...]:
        return (self.data_dir / "images", *self.image_roots)


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings from the environment; an unknown SHELFWRIGHT_ name or a bad value raises InvalidInput."""
    known = Settings.__dataclass_fields__
    values: dict[str, object] = {}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX):
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name not in known:
            raise InvalidInput(N_("There is no setting {variable}. docs/settings.md lists them."), variable=variable)
        values[name] = _parse(variable, known[name].type, text)
        _check(variable, name, values[name])
    return Settings(**values)  # type: ignore[arg-type]


def check_range(variable: str, name: str, number: float) -> None:
    """Raise InvalidInput when the setting `name` cannot be this; `variable` is what the person called it."""
    low, high = RANGES[name]
    if not (math.isfinite(number) and low <= number <= high):
        raise InvalidInput(
            N_("{variable} must be between {low} and {high}, not {number}."),
            variable=variable,
            low=f"{low:g}",
            high=str(high),
            number=number,
        )


def _check(variable: str, name: str, value: object) -> None:
    if name in RANGES:
        assert isinstance(value, int | float), f"{name} is a number"
        check_range(variable, name, value)
    if name in CHOICES and value not in CHOICES[name]:
        raise InvalidInput(
            N_("{variable} must be one of {choices}, not '{text}'."),
            variable=variable,
            choices=", ".join(choice for choice in CHOICES[name] if choice),
            text=value,
        )
    if name == "api_rate" and not API_RATE.fullmatch(str(value)):
        raise InvalidInput(
            N_("{variable} must look like 600/minute (second, minute, hour or day), or be off, not '{text}'."),
            variable=variable,
            text=value,
        )
    if name == "database_url" and value and not str(value).startswith(DATABASES):
        raise InvalidInput(  # the address may hold a password: it is not repeated
            N_(
                "{variable} must look like postgresql+psycopg://user:password@host/name or sqlite:///file, or be empty."
            ),
            variable=variable,
        )


_WORDS = {
    "1": True,
    "yes": True,
    "true": True,
    "on": True,
    "0": False,
    "no": False,
    "false": False,
    "off": False,
    "": False,
}


def _parse(variable: str, kind: object, text: str) -> object:
    try:
        if kind is int:
            return int(text)
        if kind is float:
            return float(text)
    except ValueError:
        raise InvalidInput(N_("{variable} must be a number, not '{text}'."), variable=variable, text=text) from None
    if kind is bool:
        if text.strip().lower() not in _WORDS:
            raise InvalidInput(N_("{variable} must be yes or no, not '{text}'."), variable=variable, text=text)
        return _WORDS[text.strip().lower()]
    if kind is Path:
        return Path(text).expanduser().resolve()
    if kind == tuple[Path, ...]:
        return tuple(Path(part).expanduser().resolve() for part in text.split(os.pathsep) if part)
    return text
