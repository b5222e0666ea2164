"""Engines as children of a Python program: what others import from launch_server to start sglang in their own way.

``python -m sglang_router.launch_server`` itself starts engines as programs of their own, see _keeper.
"""

import contextlib
import copy
import importlib
import logging
import os
import signal
import time
from typing import Any, Iterable

__all__ = ["cleanup_processes", "launch_server_process", "run_server", "wait_for_server_health"]

logger = logging.getLogger("router")

_GRACE_SECS = 5.0


def run_server(server_args: Any, dp_rank: int) -> None:
    """An engine in this process, which leads a process group of its own. Returns when the engine has ended.

    Args:
        server_args: ServerArgs of sglang.
        dp_rank: told to the engine as ``SGLANG_DP_RANK``.
    """
    os.setpgrp()
    with contextlib.suppress(ImportError):
        importlib.import_module("setproctitle").setproctitle("sglang::server")
    os.environ["SGLANG_DP_RANK"] = str(dp_rank)
    if getattr(server_args, "grpc_mode", False):
        raise RuntimeError("grpc_mode: gRPC workers are not available in this version yet; leave it out for HTTP")
    importlib.import_module("sglang.srt.entrypoints.http_server").launch_server(server_args)


def launch_server_process(server_args: Any, worker_port: int, dp_id: int) -> Any:
    """Starts an engine as a process of multiprocessing, which is returned.

    Args:
        server_args: ServerArgs of sglang; a copy of them is used.
        worker_port: where it listens.
        dp_id: its number from 0 on, which decides about its GPUs: ``tp_size`` of them from ``base_gpu_id + dp_id * tp_size`` on.
    """
    own = copy.deepcopy(server_args)
    own.port = worker_port
    own.base_gpu_id += dp_id * own.tp_size
    own.dp_size = 1
    process = importlib.import_module("multiprocessing").Process(target=run_server, args=(own, dp_id))
    process.start()
    return process


def wait_for_server_health(host: str, port: int, timeout: float = 300) -> bool:
    """True as soon as an engine answers /health with 200, False after ``timeout`` seconds. Needs ``requests``, as sglang does."""
    requests = importlib.import_module("requests")
    begun = time.perf_counter()
    while time.perf_counter() - begun < timeout:
        with contextlib.suppress(requests.exceptions.RequestException):
            if requests.get(f"http://{host}:{port}/health", timeout=5).status_code == 200:
                return True
        time.sleep(1)
    return False


def cleanup_processes(processes: Iterable[Any]) -> None:
    """Ends engines that launch_server_process has started, and their children: SIGTERM, and SIGKILL 5 s later."""
    ending = list(processes)
    for process in ending:
        _signal_group(process, signal.SIGTERM)
    for process in ending:
        process.join(timeout=_GRACE_SECS)
        if process.is_alive():
            logger.warning("engine %s did not end in %s s and is killed", process.pid, _GRACE_SECS)
            _signal_group(process, signal.SIGKILL)
            process.join(timeout=_GRACE_SECS)


def _signal_group(process: Any, number: int) -> None:
    # It may have ended, with all of its group.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
