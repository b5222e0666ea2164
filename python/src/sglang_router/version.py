# Written by tools/generate.mjs from src/router/config. Do not edit.
"""Versions."""

ROUTER_VERSION = "0.1.0"
"""Of this router."""

COMPATIBLE_WITH = "0.3.2"
"""The version of sglang_router whose Python API and command line this package stands in for."""

__version__ = "0.3.2+ts.0.1.0"
"""Both in one: callers that compare it with a version of sglang_router find what they expect."""
