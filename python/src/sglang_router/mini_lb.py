"""``--mini-lb`` as a class: a router that draws both workers of a pair at random."""

import dataclasses
from typing import List, Optional

from sglang_router.router import Router
from sglang_router.router_args import RouterArgs

__all__ = ["MiniLoadBalancer"]


class MiniLoadBalancer:
    """A router for pairs of prefill and decode, for tests.

    Args:
        router_args: settings with workers of both kinds. Raises ValueError without.
    """

    def __init__(self, router_args: RouterArgs) -> None:
        if not router_args.pd_disaggregation:
            raise ValueError("MiniLB only supports PD disaggregation mode: expected pd_disaggregation=True")
        if len(router_args.prefill_urls) == 0 or len(router_args.decode_urls) == 0:
            raise ValueError("MiniLB requires at least one prefill and one decode server")
        self._args = dataclasses.replace(router_args, mini_lb=True)
        self.host: str = router_args.host
        self.port: int = router_args.port
        self.timeout: int = router_args.request_timeout_secs
        self.prefill_urls: List[str] = [url for url, _ in router_args.prefill_urls]
        self.prefill_bootstrap_ports: List[Optional[int]] = [port for _, port in router_args.prefill_urls]
        self.decode_urls: List[str] = list(router_args.decode_urls)

    def start(self) -> None:
        """Runs it to its end, as Router.start does."""
        Router.from_args(self._args).start()
