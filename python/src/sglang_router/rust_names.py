"""What the compiled half of sglang_router offers besides the router itself: kinds of backends and records of settings.

Programs that build these get objects that hold what they were given. The settings themselves go to the router as fields of
RouterArgs, and the router refuses by name what it does not have.
"""

import dataclasses
import enum
from typing import Dict, List, Optional

__all__ = [
    "BackendType",
    "HistoryBackendType",
    "PyApiKeyEntry",
    "PyControlPlaneAuthConfig",
    "PyJwtConfig",
    "PyOracleConfig",
    "PyPostgresConfig",
    "PyRedisConfig",
    "PyRole",
]


class BackendType(enum.Enum):
    """What stands behind the router. The value is what ``--backend`` takes."""

    Sglang = "sglang"
    Openai = "openai"


# The names are those of sglang_router, and None cannot be written as one.
HistoryBackendType = enum.Enum(
    "HistoryBackendType",
    [("Memory", "memory"), ("None", "none"), ("Oracle", "oracle"), ("Postgres", "postgres"), ("Redis", "redis")],
    module=__name__,
)
"""Where conversations are kept. The value is what ``--history-backend`` takes."""


class PyRole(enum.Enum):
    """What a key of the control plane allows."""

    Admin = "admin"
    User = "user"


@dataclasses.dataclass
class PyOracleConfig:
    """Oracle as the place of conversations. Raises ValueError for a pool that cannot be."""

    password: Optional[str] = None
    username: Optional[str] = None
    connect_descriptor: Optional[str] = None
    wallet_path: Optional[str] = None
    pool_min: int = 1
    pool_max: int = 16
    pool_timeout_secs: int = 30

    def __post_init__(self) -> None:
        if self.pool_min < 1:
            raise ValueError(f"pool_min must be at least 1, got {self.pool_min}")
        if self.pool_max < self.pool_min:
            raise ValueError(f"pool_max must be >= pool_min ({self.pool_min}), got {self.pool_max}")


@dataclasses.dataclass
class PyPostgresConfig:
    """PostgreSQL as the place of conversations."""

    db_url: Optional[str] = None
    pool_max: int = 16


@dataclasses.dataclass
class PyRedisConfig:
    """Redis as the place of conversations; ``retention_days`` None: for ever."""

    url: str
    pool_max: int = 16
    retention_days: Optional[int] = 30


@dataclasses.dataclass
class PyApiKeyEntry:
    """A key of the control plane."""

    id: str
    name: str
    key: str = dataclasses.field(repr=False)
    role: PyRole = PyRole.User


@dataclasses.dataclass
class PyJwtConfig:
    """Tokens of an identity provider as keys of the control plane."""

    issuer: str
    audience: str
    jwks_uri: Optional[str] = None
    role_mapping: Dict[str, str] = dataclasses.field(default_factory=dict)
    role_claim: str = "roles"


@dataclasses.dataclass
class PyControlPlaneAuthConfig:
    """Who may use the control plane."""

    jwt: Optional[PyJwtConfig] = None
    api_keys: List[PyApiKeyEntry] = dataclasses.field(default_factory=list)
    audit_enabled: bool = True
