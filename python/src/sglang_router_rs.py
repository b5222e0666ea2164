"""Where the first versions of sglang_router kept PolicyType: ``from sglang_router_rs import PolicyType``."""

from sglang_router.policy import PolicyType
from sglang_router.router import Router

__all__ = ["PolicyType", "Router"]
