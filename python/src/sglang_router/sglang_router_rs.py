"""The compiled half of sglang_router, as far as others import from it."""

from typing import List

from sglang_router.policy import PolicyType
from sglang_router.router import _Router as Router
from sglang_router.rust_names import (
    BackendType,
    HistoryBackendType,
    PyApiKeyEntry,
    PyControlPlaneAuthConfig,
    PyJwtConfig,
    PyOracleConfig,
    PyPostgresConfig,
    PyRedisConfig,
    PyRole,
)
from sglang_router.version import __version__

__all__ = [
    "BackendType",
    "HistoryBackendType",
    "PolicyType",
    "PyApiKeyEntry",
    "PyControlPlaneAuthConfig",
    "PyJwtConfig",
    "PyOracleConfig",
    "PyPostgresConfig",
    "PyRedisConfig",
    "PyRole",
    "Router",
    "get_available_tool_call_parsers",
    "get_verbose_version_string",
    "get_version_string",
]


def get_version_string() -> str:
    """Name and version."""
    return f"sglang-router {__version__}"


def get_verbose_version_string() -> str:
    """Version, and what the router runs on."""
    from sglang_router.cli import verbose_version

    return verbose_version()


def get_available_tool_call_parsers() -> List[str]:
    """None: the engine parses the calls of tools."""
    return []
