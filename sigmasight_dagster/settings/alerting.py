"""Settings of alerts: the rules, the mail server and the webhook."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class AlertSettings(BaseSettings):
    """What is watched, and who is told how."""

    alert_rules: Path | None = Field(default=None, description="YAML of alert rules; default: none")
    smtp_host: str | None = Field(default=None, description="Mail server of the alerts")
    smtp_port: int = Field(default=587, description="Its port", ge=1, le=65535)
    smtp_starttls: bool = Field(default=True, description="Encrypt by STARTTLS before anything is said")
    smtp_user: str | None = Field(default=None, description="Login; none = do not log in")
    smtp_password: SecretStr | None = Field(
        default=None, description="Password of the login; a secret: environment or `.env` only"
    )
    smtp_from: str = Field(default="sigmasight@localhost", description="Sender of the alerts")
    smtp_to: str = Field(default="", description="Recipients of the alerts, comma-separated")
    webhook_url: SecretStr | None = Field(
        default=None, description="Where alerts are POSTed as JSON; a secret: environment or `.env` only"
    )
    notify_timeout_seconds: float = Field(
        default=5, description="How long a mail server or webhook may take to answer", gt=0, le=15
    )
