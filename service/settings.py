"""All settings of the service, read once from the environment (prefix `TRIAGE_`)."""

import os
import secrets
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, Field, HttpUrl, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

REPOSITORY = Path(__file__).resolve().parent.parent

SECRET_CHARACTERS = 32
# A mail server there is reached without leaving this machine.
LOOPBACK = ("localhost", "127.0.0.1", "::1")

Seconds = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
MinutesOfDay = Annotated[int, Field(ge=1, le=24 * 60)]
# What is told of exposure looks back as far for what may still be open (sql/0007_exposure.sql).
LookSeconds = Annotated[int, Field(ge=1, le=4 * 3600)]


class SettingsError(ValueError):
    """A setting that cannot be used; the message names it and how to mend it."""


class Settings(BaseSettings):
    """Typed settings; every one has an entry in docs/settings.md."""

    model_config = SettingsConfigDict(env_prefix="TRIAGE_", frozen=True, extra="ignore", populate_by_name=True)

    data_dir: Path = Field(
        default=Path("var/data"),
        validation_alias=AliasChoices("TRIAGE_DATA_DIR", "DATA_DIR"),
        description="Folder for the embedded database, media and generated secrets.",
    )
    host: str = Field(
        default="127.0.0.1",
        validation_alias=AliasChoices("TRIAGE_HOST", "HOST"),
        description="Address the API listens on.",
    )
    port: int = Field(
        default=8000,
        ge=1,
        le=65_535,
        validation_alias=AliasChoices("TRIAGE_PORT", "PORT"),
        description="Port the API listens on.",
    )
    database_url: str | None = Field(
        default=None, description="PostgreSQL address; without it an embedded server runs in the data folder."
    )
    database_pool: Count = Field(default=12, description="Connections one API process may hold.")
    secret: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="Key that signs media addresses, makes pseudonyms, and orders answers so that nobody can guess whose they are;"
        " without it one is made in the data folder.",
    )
    bundle: Path = Field(default=REPOSITORY / "bundles" / "default", description="Folder of the model bundle.")
    registry: Path | None = Field(
        default=None,
        description="Registry folder whose releases say which bundles serve; without it the bundle above is live.",
    )
    registry_seconds: Annotated[float, Field(gt=0)] = Field(
        default=3, description="Pause between two looks at the releases of the registry."
    )
    taxonomy: Path | None = Field(default=None, description="Taxonomy file that replaces the shipped one.")
    ranking: Path | None = Field(
        default=None, description="Ranking configuration (TOML) that replaces the shipped one; see docs/ranking.md."
    )
    strikes: Path | None = Field(
        default=None, description="Rules of strikes (TOML) that replace the shipped ones; see docs/effects.md."
    )
    intake_forms: Path | None = Field(
        default=None,
        description="Forms of escalations (TOML) that replace the shipped ones; see docs/escalation-intake.md.",
    )
    mail_drop: Path | None = Field(
        default=None, description="Folder whose `.eml` files a worker takes in as escalations; without it none is read."
    )
    mail_account: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{1,63}$")] = Field(
        default="mail-intake",
        description="Account in whose name mails of the folder are taken in; it is made when it is first needed.",
    )
    mail_max_bytes: Count = Field(default=30_000_000, description="Largest mail in bytes, its attachments included.")
    mail_trusted_hosts: str = Field(
        default="",
        description="Hosts whose `Authentication-Results` are believed, separated by commas; without any no sender is verified.",
    )
    statements: Literal["on", "off"] = Field(
        default="on",
        description="Whether each decision that restricts makes a statement of reasons; see docs/statements.md.",
    )
    statement_rules: Path | None = Field(
        default=None,
        description="What decisions mean for statements (TOML), in place of the shipped rules; see docs/statements.md.",
    )
    statements_url: HttpUrl | None = Field(
        default=None,
        description="Where a worker posts batches of statements: the address for several of them in the Transparency Database."
        " Without it nothing is posted.",
    )
    statements_token: SecretStr | None = Field(
        default=None, description="The platform's token there, sent as a bearer token."
    )
    masked_words: Path | None = Field(
        default=None, description="Words masked on pages (TOML) that replace the shipped list; see docs/masking.md."
    )
    read_pictures: bool = Field(
        default=True, description="Read text in pictures, which takes a worker about half a second each."
    )
    read_attempts: Count = Field(default=3, description="Tries before a picture is marked as impossible to read.")
    model_threads: Count = Field(default=1, description="Threads one inference call may use.")
    score_batch: Count = Field(default=128, description="Unscored rows a worker takes at once.")
    score_timeout_seconds: Count = Field(
        default=60, description="After this time a batch that a worker took is given to another one."
    )
    score_attempts: Count = Field(default=5, description="Tries before a text is marked as impossible to score.")
    score_concurrency: Count = Field(default=4, description="Calls of POST /v1/score that may wait for the model.")
    rescore: bool = Field(
        default=True, description="Score open cases anew, riskiest first, when another bundle has gone live."
    )
    rescore_batch: Count = Field(default=32, description="Rows scored anew at once, while no unscored text waits.")
    shadow_batch: Count = Field(
        default=16, description="Texts the shadow bundle scores at once, while nothing else is to be scored."
    )
    shadow_days: Count = Field(default=30, description="How long scores of shadow bundles are kept.")
    drift_minutes: Seconds = Field(default=15, description="How often drift is measured; 0 switches it off.")
    drift_window_hours: Count = Field(
        default=24, description="Texts and decisions of so many hours are compared with those after the promotion."
    )
    drift_samples: Count = Field(
        default=500, description="Fewest texts or decisions on each side of a comparison; with fewer none is made."
    )
    drift_stability: Annotated[float, Field(gt=0)] = Field(
        default=0.25,
        description="Population stability index of texts or scores that is an alert; 0.1 is a slight shift, 0.25 a large one.",
    )
    drift_change: Annotated[float, Field(gt=0, lt=1)] = Field(
        default=0.1,
        description="Change of a mean probability, of agreement with reviewers or of the share without action that is an alert.",
    )
    lease_seconds: Count = Field(default=600, description="How long a claimed case stays with its reviewer.")
    lease_hours: Count = Field(
        default=4, description="How long a case can be kept by renewing; then it is decided, held or given back."
    )
    prefetch_seconds: Count = Field(
        default=90, description="How long the next case, fetched ahead, waits to be opened before it goes back."
    )
    escalation_unowned_minutes: MinutesOfDay = Field(
        default=30, description="After so many minutes without anybody working on it an escalation raises an alarm."
    )
    escalation_unowned_urgent_minutes: MinutesOfDay = Field(
        default=5, description="The same for severity 3 and 4, and for those with a clock that a law sets."
    )
    hold_hours: Count = Field(default=24, description="How long a reviewer may keep a case back at most.")
    holds_most: Count = Field(
        default=10, description="Most cases one person may keep back at a time, and most that may wait handed to them."
    )
    hand_over_minutes: Count = Field(
        default=60, description="How long a case that was handed over waits for that person before it goes back."
    )
    skip_hours: Count = Field(default=24, description="How long a skipped case is kept from whoever skipped it.")
    qa_review_minutes: Count = Field(default=30, description="How long a blind check stays with whoever claimed it.")
    qa_golden_hours: Seconds = Field(
        default=24,
        description="After so many hours feedback on a golden item is seen; at once it would say that the answer was known.",
    )
    qa_dispute_days: Count = Field(default=14, description="For how long somebody may object to what a check came to.")
    alert_lapses: Count = Field(default=3, description="Leases of one case that ran out before it is an alert.")
    alert_skips: Annotated[int, Field(ge=3)] = Field(
        default=3,
        description="People who skipped one case before it is an alert; at least 3, so that nobody is singled out.",
    )
    exposure_hours: Annotated[float, Field(gt=0, le=24)] = Field(
        default=4.0,
        description="Hours in a day for which originals may be open to one person; beyond that come cases that show none.",
    )
    exposure_alert_minutes: MinutesOfDay = Field(
        default=90, description="Minutes in a day for which originals were open to somebody after which they are told."
    )
    exposure_stretch_minutes: MinutesOfDay = Field(
        default=120,
        description="Minutes of high-exposure work without a break after which milder cases come until there was one.",
    )
    exposure_break_after_minutes: MinutesOfDay = Field(
        default=60, description="Minutes of high-exposure work after which the console suggests a break."
    )
    exposure_break_minutes: Annotated[int, Field(ge=1, le=120)] = Field(
        default=10, description="Minutes without a case and without an original open that count as a break."
    )
    exposure_in_a_row: Annotated[int, Field(ge=1, le=100)] = Field(
        default=5, description="Most high-exposure cases that one person is given in a row; then comes a milder one."
    )
    exposure_consent: bool = Field(
        default=True,
        description="New people see pictures of the most graphic areas only after they agreed, area by area.",
    )
    undo_seconds: Seconds = Field(default=15, description="How long a decision can be undone before effects are sent.")
    cluster_cap: Annotated[int, Field(ge=1, le=500)] = Field(
        default=100, description="Most cases that one cluster decision may decide beside the case it starts from."
    )
    appeal_months: Annotated[int, Field(ge=6, le=60)] = Field(
        default=6,
        description="How many months after somebody could first know of a decision it can be appealed; never fewer than six"
        " (Regulation (EU) 2022/2065, Art. 20).",
    )
    appeal_minutes: Count = Field(default=60, description="How long an appeal stays with whoever claimed it.")
    session_hours: Count = Field(default=12, description="How long a sign-in lasts at most.")
    session_idle_minutes: Count = Field(
        default=60,
        description="After so many minutes without use a sign-in ends; a page that is only open uses nothing.",
    )
    media_storage: str | None = Field(
        default=None,
        description="Where media files lie: `file:///folder` or `s3://bucket/prefix`, whose keys, region and endpoint are read from"
        " `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION` and `AWS_ENDPOINT_URL`; without it in the data folder.",
    )
    media_max_bytes: Count = Field(default=20_000_000, description="Largest picture in bytes.")
    media_clip_max_bytes: Count = Field(default=200_000_000, description="Largest video or sound in bytes.")
    media_max_pixels: Count = Field(
        default=40_000_000, description="Most pixels of a picture, all frames together, and of one frame of a video."
    )
    media_max_frames: Count = Field(default=200, description="Most frames of an animation.")
    media_max_seconds: Count = Field(
        default=600,
        description="Longest video or sound in seconds of playing; preparing one may take as much time of a processor.",
    )
    media_least_level: Annotated[int, Field(ge=0, le=4)] = Field(
        default=2,
        description="Blur level that media are shown at to anybody at least; below 2 come only pictures that an image model cleared.",
    )
    image_model: Literal["none"] | Path = Field(
        default=REPOSITORY / "models" / "image_models" / "opennsfw.toml",
        description="Manifest (TOML) of the model that looks at pictures, see docs/image-models.md; `none` for no model.",
    )
    reveal_seconds: LookSeconds = Field(default=60, description="How long the address of a revealed picture works.")
    reveal_clip_seconds: LookSeconds = Field(
        default=300, description="How long the address of a revealed video or sound works."
    )
    body_max_bytes: Count = Field(default=1_000_000, description="Largest JSON body in bytes.")
    views_max_bytes: Count = Field(default=20_000_000, description="Largest body of a batch of view rates in bytes.")
    webhook_timeout_seconds: Count = Field(default=10, description="How long a webhook receiver may take to answer.")
    webhook_attempts: Count = Field(default=12, description="Tries before a delivery is given up and shown as failed.")
    reply_sender: Literal["none", "smtp", "webhook"] = Field(
        default="none",
        description="What carries replies to whoever raised an escalation: mail (TRIAGE_SMTP_*), webhooks that take `reply.sent`,"
        " or nothing; see docs/replies.md.",
    )
    reply_undo_seconds: Seconds = Field(
        default=20, description="How long a reply can be taken back before it goes out."
    )
    reply_attempts: Count = Field(default=12, description="Tries before a mail is given up and shown as such.")
    reply_approval: Path | None = Field(
        default=None, description="Rules (TOML) of which replies another person approves, in place of the shipped ones."
    )
    reply_team: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        default=None,
        description="Whom replies are signed by: a team, never a person; without it “Trust and Safety” in the language of the reply.",
    )
    reply_policy_link: str | None = Field(
        default=None, description="Public address of policies for replies; `{area}` in it becomes the id of the area."
    )
    smtp_host: str | None = Field(default=None, description="Mail server that takes replies.")
    smtp_port: Annotated[int, Field(ge=1, le=65_535)] = Field(default=587, description="Its port.")
    smtp_tls: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="How the connection is kept private; `none` is taken for a server on this machine only.",
    )
    smtp_ca: Path | None = Field(
        default=None,
        description="Certificates (PEM) that the mail server's is checked with, if not those of the system.",
    )
    smtp_user: str | None = Field(default=None, description="Name to sign in with at the mail server.")
    smtp_password: SecretStr | None = Field(default=None, description="Password for it.")
    smtp_from: str | None = Field(
        default=None, description="Address of a role that mail comes from, such as a help desk."
    )
    smtp_reply_to: str | None = Field(default=None, description="Address that answers go to; without it the one above.")
    smtp_timeout_seconds: Count = Field(default=20, description="How long one try to hand over a mail may take.")
    translation_url: HttpUrl | None = Field(
        default=None,
        description="Service that translates a text when a reviewer asks, see docs/translation.md; without it nothing is sent.",
    )
    translation_key: SecretStr | None = Field(default=None, description="Sent to that service as a bearer token.")
    translation_language: Annotated[str, Field(pattern=r"^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$")] = Field(
        default="en", description="Language that reviewers read, as a BCP 47 code: what texts are translated into."
    )
    translation_seconds: Annotated[float, Field(gt=0, le=30)] = Field(
        default=8, description="How long the translation service may take to answer."
    )
    translation_private: bool = Field(
        default=False, description="Allow a translation service in a private network, and plain HTTP to it."
    )
    secure_cookies: bool | None = Field(
        default=None,
        description="Whether the session cookie is sent over HTTPS only; without it, everywhere but on this machine itself.",
    )

    @field_validator("secret")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < SECRET_CHARACTERS:
            raise ValueError(f"at least {SECRET_CHARACTERS} characters are needed; unset it to have one made")
        return value

    @model_validator(mode="after")
    def _can_send(self) -> Self:
        if self.reply_sender != "smtp":
            return self
        missing = [name for name in ("smtp_host", "smtp_from") if not getattr(self, name)]
        if missing:
            raise ValueError(
                f"TRIAGE_REPLY_SENDER=smtp needs {' and '.join(f'TRIAGE_{one.upper()}' for one in missing)}"
            )
        if self.smtp_tls == "none" and self.smtp_host not in LOOPBACK:
            raise ValueError(f"TRIAGE_SMTP_TLS=none is for {', '.join(LOOPBACK)} alone; use starttls or tls")
        return self

    @cached_property
    def signing_key(self) -> str:
        """The secret, or one made once and kept in the data folder with mode 600."""
        if self.secret is not None:
            return self.secret.get_secret_value()
        path = self.data_dir / "secret.key"
        if not path.exists():
            own = path.with_name(f".secret.{os.getpid()}")
            write_private(own, secrets.token_urlsafe(48))
            # Of two processes that start at once, one key wins for both.
            with suppress(FileExistsError):
                path.hardlink_to(own)
            own.unlink()
        return path.read_text(encoding="utf-8")


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read; it appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    part.write_text(text, encoding="utf-8")
    part.replace(path)
