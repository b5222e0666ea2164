"""The SGLang router for Python: starts the router, stops it, and speaks the API of sglang_router.

    from sglang_router import PolicyType, Router

    with Router(worker_urls=["http://127.0.0.1:30000"], policy=PolicyType.RoundRobin, port=0) as router:
        print(router.url)

On the command line: ``python -m sglang_router.launch_router``, ``python -m sglang_router.launch_server``.
"""

from typing import TYPE_CHECKING, List

from sglang_router.version import ROUTER_VERSION, __version__

if TYPE_CHECKING:
    from sglang_router.policy import PolicyType as PolicyType
    from sglang_router.router import Router as Router
    from sglang_router.router import RouterExit as RouterExit
    from sglang_router.router_args import RouterArgs as RouterArgs

__all__ = ["ROUTER_VERSION", "PolicyType", "Router", "RouterArgs", "RouterExit", "__version__"]

# What is not asked for is not loaded: `import sglang_router` is for many only a look at the version.
_HOMES = {
    "PolicyType": "sglang_router.policy",
    "Router": "sglang_router.router",
    "RouterArgs": "sglang_router.router_args",
    "RouterExit": "sglang_router.router",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'sglang_router' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(home), name)


def __dir__() -> List[str]:
    return sorted({*globals(), *_HOMES})
