"""``python -m sglang_router.launch_router``: a router for workers that run already."""

import argparse
import logging
import sys
from typing import List, NoReturn, Optional, Union

from sglang_router._node import NodeMissing
from sglang_router._process import RouterProcess, SignalRelay, can_exec, end_with_parent, exec_router
from sglang_router.router import Router, RouterExit
from sglang_router.router_args import RouterArgs

__all__ = ["RouterArgs", "launch_router", "main", "parse_router_args"]

logger = logging.getLogger("router")

_DESCRIPTION = """Starts the SGLang router in front of workers that run already.

  python -m sglang_router.launch_router --worker-urls http://worker1:8000 http://worker2:8000

Workers of prefill-decode pairs, with the port of the bootstrap server where it is known:

  python -m sglang_router.launch_router --pd-disaggregation \\
      --prefill http://prefill1:8000 9000 --prefill http://prefill2:8000 \\
      --decode http://decode1:8001 --decode http://decode2:8001

Every option can also be given as an environment variable (SGLANG_ROUTER_WORKER_URLS). SGLANG_NODE names the Node.js to run on: a
path, or `system` or `wheel`.
"""


def parse_router_args(args: List[str], prog: Optional[str] = None) -> RouterArgs:
    """The settings of a command line, without the name of the program.

    Ends the program with status 2 if a flag is unknown or its value is not of its kind. Raises ValueError for what is only wrong
    when looked at closely, such as a bootstrap port that is no number.
    """
    parser = argparse.ArgumentParser(prog=prog, description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    RouterArgs.add_cli_args(parser)
    return RouterArgs.from_cli_args(parser.parse_args(args))


def launch_router(args: Union[RouterArgs, argparse.Namespace]) -> Router:
    """Runs a router until it ends; returns, or raises, as Router.start does.

    Args:
        args: settings, or what a parser with RouterArgs.add_cli_args has read.
    """
    try:
        settings = args if isinstance(args, RouterArgs) else RouterArgs.from_cli_args(args)
        settings._validate_router_args()
        router = Router.from_args(settings)
        router.start()
    except Exception as error:
        logger.error(f"Error starting router: {error}")
        raise
    return router


def run(argv: List[str], prog: Optional[str] = None) -> NoReturn:
    """The program: becomes the router, which reads the command line itself and tells all that is wrong with it."""
    if "-h" in argv or "--help" in argv:
        parse_router_args(["--help"], prog)
    try:
        if can_exec():
            exec_router(argv, {})
        with SignalRelay() as relay:
            process = RouterProcess(argv, {})
            relay.relay_to(process)
            end_with_parent(process)
            status = process.wait()
    except NodeMissing as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(1)
    raise RouterExit(status) if status != 0 else SystemExit(0)


def main() -> None:
    """Entry of the module: ``sys.argv`` is the command line."""
    run(sys.argv[1:], "python -m sglang_router.launch_router")


if __name__ == "__main__":
    main()
