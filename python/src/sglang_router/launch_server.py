"""``python -m sglang_router.launch_server``: engines on this machine, and the router in front of them."""

import argparse
import contextlib
import importlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
from importlib import util
from types import FrameType
from typing import Any, Dict, Iterator, List, NoReturn, Optional, Sequence

from sglang_router._engines import cleanup_processes, launch_server_process, run_server, wait_for_server_health
from sglang_router._keeper import PLAN_FD_VARIABLE
from sglang_router._node import NodeMissing, find_node, find_program
from sglang_router._process import command
from sglang_router.launch_router import launch_router
from sglang_router.router_args import RouterArgs

# Others import from here what starts a router, and what starts engines in their own way.
__all__ = [
    "RouterArgs",
    "cleanup_processes",
    "find_available_ports",
    "launch_router",
    "launch_server_process",
    "main",
    "run_server",
    "wait_for_server_health",
]

_DESCRIPTION = """Starts engines of this machine (--dp-size) and the router in front of them, and ends them together.

  python -m sglang_router.launch_server --model-path MODEL --dp-size 4 --router-policy cache_aware

Flags of the router start with --router-; --host and --port say where it listens. All flags that are not listed here go to
every engine: to sglang.launch_server, or to the simulated engine with --router-engine sim, which needs no GPU.
"""
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP)


# Tests of others replace parts of these. `requests` comes with sglang; a start needs none of them.
_MODULES = {"mp": "multiprocessing", "requests": "requests", "time": "time"}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(_MODULES[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def find_available_ports(base_port: int, count: int) -> List[int]:
    """Free ports from ``base_port`` on, some hundreds apart, since engines take further ports beside their own.

    Raises RuntimeError if there are not so many.
    """
    ports: List[int] = []
    port = base_port
    for _ in range(20 * count + 200):
        if len(ports) == count:
            return ports
        if port not in ports and _is_free(port):
            ports.append(port)
        port += random.randint(100, 1000)
        if port > 65535:
            # Round again, but between those of the first round.
            port = base_port + random.randint(1, 99)
    if len(ports) == count:
        return ports
    raise RuntimeError(f"--router-dp-worker-base-port {base_port}: no {count} free ports from there on; choose a lower one")


def main() -> None:
    """Entry of the module: ``sys.argv`` is the command line."""
    run(sys.argv[1:], "python -m sglang_router.launch_server")


def run(argv: List[str], prog: Optional[str] = None) -> NoReturn:
    """The program: starts everything, waits for the end, and ends with the status of the router."""
    parser = _parser(prog)
    options, rest = parser.parse_known_args(argv)
    try:
        router_args = RouterArgs.from_cli_args(options, use_router_prefix=True)
    except ValueError as error:
        parser.error(str(error))
    _check(parser, options, rest, router_args)
    try:
        plan = _plan(options, rest, router_args)
    except (NodeMissing, RuntimeError, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(1)
    sys.exit(Launch(plan).run())


def _parser(prog: Optional[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=prog, description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    engines = parser.add_argument_group("Engines")
    engines.add_argument("--host", default="127.0.0.1", help="address that router and engines listen on (default: 127.0.0.1)")
    engines.add_argument("--port", type=int, default=30000, help="port of the router (default: 30000)")
    engines.add_argument("--dp-size", "--data-parallel-size", type=_count, default=1, help="number of engines (default: 1)")
    engines.add_argument("--tp-size", "--tensor-parallel-size", type=_count, default=1, help="GPUs of each engine (default: 1)")
    engines.add_argument("--base-gpu-id", type=int, default=0, help="first GPU of the first engine (default: 0)")
    engines.add_argument("--grpc-mode", "--smg-grpc-mode", action="store_true", help=argparse.SUPPRESS)
    engines.add_argument(
        "--router-dp-worker-base-port", type=int, default=31000, help="where the search for ports of engines starts (default: 31000)"
    )
    engines.add_argument(
        "--router-engine",
        choices=["sglang", "sim"],
        default="sglang",
        help="sim: the simulated engine that comes with the router (default: sglang)",
    )
    engines.add_argument(
        "--router-engine-grace-secs",
        type=float,
        default=5.0,
        help="time for engines to end when they are told to; then they are killed (default: 5)",
    )
    RouterArgs.add_cli_args(parser, use_router_prefix=True, exclude_host_port=True)
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, got {text}")
    return number


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace, rest: Sequence[str], router: RouterArgs) -> None:
    if options.grpc_mode:
        parser.error("--grpc-mode: gRPC workers are not available in this version yet; leave it out for HTTP")
    if router.worker_urls or router.prefill_urls or router.decode_urls or router.pd_disaggregation:
        parser.error(
            "--worker-urls, --router-prefill, --router-decode and --router-pd-disaggregation: expected to be left out; "
            "the engines started here are the workers. For others use sglang_router.launch_router"
        )
    wrong = next((word for word in rest if word.startswith("--router-")), None)
    if wrong is not None:
        parser.error(f"{wrong}: expected a known flag of the router")


def _plan(options: argparse.Namespace, rest: Sequence[str], router_args: RouterArgs) -> Dict[str, Any]:
    """What the keeper starts."""
    ports = find_available_ports(options.router_dp_worker_base_port, options.dp_size)
    reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(options.host, options.host)
    if ":" in reachable and not reachable.startswith("["):
        reachable = f"[{reachable}]"
    router_args.worker_urls = [f"http://{reachable}:{port}" for port in ports]
    line = router_args.command_line()
    path, first, environ = command({**os.environ, **line.secrets})
    return {
        "engines": [_engine(options, rest, rank, port) for rank, port in enumerate(ports)],
        "router": {"name": "router", "executable": path, "argv": [*first, *line.argv], "env": environ},
        "grace_secs": options.router_engine_grace_secs,
    }


def _engine(options: argparse.Namespace, rest: Sequence[str], rank: int, port: int) -> Dict[str, Any]:
    address = ["--host", options.host, "--port", str(port)]
    if options.router_engine == "sim":
        program = find_node(os.environ).path
        argv = [program, find_program("sim.js"), *rest, *address]
    else:
        if util.find_spec("sglang") is None:
            raise RuntimeError("sglang is not installed in this Python; install it, or try --router-engine sim")
        program = sys.executable
        gpus = ["--tp-size", str(options.tp_size), "--base-gpu-id", str(options.base_gpu_id + rank * options.tp_size)]
        argv = [program, "-m", "sglang.launch_server", *rest, *address, *gpus]
    env = {**os.environ, "SGLANG_DP_RANK": str(rank)}
    return {"name": f"engine {rank}", "executable": program, "argv": argv, "env": env}


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
            probe.listen(1)
        except (OSError, OverflowError):
            return False
    return True


class Launch:
    """The keeper, seen from the launcher: signals go to it, its last word is the exit status."""

    def __init__(self, plan: Dict[str, Any]) -> None:
        self._plan = plan
        self._groups: List[int] = []
        self._socket, self._theirs = socket.socketpair()
        self._has_plan = False
        self._early_stops = 0

    def run(self) -> int:
        """To the end of the last process. Raises nothing; what fails is said on standard error."""
        for number in _SIGNALS:
            signal.signal(number, self._stop)
        fd = self._theirs.fileno()
        keeper = subprocess.Popen(
            [sys.executable, "-m", "sglang_router._keeper"],
            env={**os.environ, PLAN_FD_VARIABLE: str(fd)},
            stdin=subprocess.DEVNULL,
            pass_fds=[fd],
            start_new_session=True,
        )
        self._theirs.close()
        self._send(json.dumps(self._plan).encode() + b"\n")
        self._has_plan = True
        self._send(b"stop\n" * self._early_stops)
        status: Optional[int] = None
        for message in self._messages():
            if "pid" in message:
                self._groups.append(message["pid"])
            if "status" in message:
                status = message["status"]
        keeper.wait()
        if status is None:
            sys.stderr.write("error: the process that keeps engines and router was killed; they are killed too\n")
            for group in self._groups:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(group, signal.SIGKILL)
            return 1
        return 128 - status if status < 0 else status

    def _messages(self) -> Iterator[Dict[str, Any]]:
        text = b""
        while True:
            try:
                piece = self._socket.recv(4096)
            except ConnectionError:
                return
            if not piece:
                return
            *lines, text = (text + piece).split(b"\n")
            yield from (json.loads(line) for line in lines)

    def _stop(self, _number: int, _frame: Optional[FrameType]) -> None:
        if self._has_plan:
            self._send(b"stop\n")
        else:
            # Not into the middle of the plan.
            self._early_stops += 1

    def _send(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            self._socket.sendall(data)


if __name__ == "__main__":
    main()
