"""The router as a process: taking the place of this one, or as its child that never outlives it."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from types import FrameType
from typing import Any, Dict, List, Mapping, NoReturn, Optional, Sequence, Tuple

from sglang_router._node import find_node, find_program

TITLE = "sglang::router"
"""How the process calls itself in ``ps``, as it does with sglang_router."""

_FD_VARIABLE = "ROUTER_LAUNCHER_FD"
_REASON_VARIABLE = "ROUTER_NODE_REASON"
_READY_LIMIT_BYTES = 64 * 1024


def command(environ: Mapping[str, str]) -> Tuple[str, List[str], Dict[str, str]]:
    """Program, first arguments (with the title) and environment of the router."""
    node = find_node(environ)
    reason = f"Node.js {node.version}: {node.reason}"
    return node.path, [TITLE, find_program("launch-router.js")], {**environ, _REASON_VARIABLE: reason}


def can_exec() -> bool:
    """True if nothing else lives in this process: no other thread, and no parent that watches over it as multiprocessing does."""
    if os.name != "posix" or threading.active_count() != 1 or threading.current_thread() is not threading.main_thread():
        return False
    multiprocessing = sys.modules.get("multiprocessing.process")
    return multiprocessing is None or multiprocessing.parent_process() is None


def exec_router(argv: Sequence[str], secrets: Mapping[str, str]) -> NoReturn:
    """Becomes the router. Its pid, its signals and its exit status are then those of this process."""
    path, first, environ = command({**os.environ, **secrets})
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    # Python ignores these two, and what is ignored stays so through exec.
    for name in ("SIGPIPE", "SIGXFSZ"):
        number = getattr(signal, name, None)
        if number is not None:
            signal.signal(number, signal.SIG_DFL)
    os.execve(path, [*first, *argv], environ)


class RouterProcess:
    """A router that is a child of this process.

    It has a process group of its own, so that Ctrl-C in a terminal reaches this process only, which passes it on. Both
    share a socket. When this process dies, in whatever way, its end is closed by the system, and the router ends.
    """

    def __init__(self, argv: Sequence[str], secrets: Mapping[str, str]) -> None:
        path, first, environ = command({**os.environ, **secrets})
        ours, theirs = socket.socketpair()
        self._socket = ours
        _children.add(self)
        try:
            environ[_FD_VARIABLE] = str(theirs.fileno())
            self._process = subprocess.Popen(
                [*first, *argv],
                executable=path,
                env=environ,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_listening(self, deadline: float) -> Optional[Dict[str, Any]]:
        """What the router tells when it listens: host, port, metrics. None: it ended before. ``deadline``: of time.monotonic."""
        text = b""
        while not text.endswith(b"\n"):
            left = deadline - time.monotonic()
            readable = select.select([self._socket], [], [], max(left, 0))[0] if left > 0 else []
            if not readable:
                raise TimeoutError("the router did not start in time; its log says what it was doing")
            piece = self._socket.recv(4096)
            if not piece or len(text) > _READY_LIMIT_BYTES:
                return None
            text += piece
        listening: Dict[str, Any] = json.loads(text)
        return listening

    def wait(self, timeout: Optional[float] = None) -> int:
        """The exit status; negative: the number of the signal that ended it. Raises subprocess.TimeoutExpired."""
        code = self._process.wait(timeout)
        self.abandon()
        return code

    def poll(self) -> Optional[int]:
        return self._process.poll()

    def signal(self, number: int) -> None:
        """Nothing happens when it has ended already."""
        self._process.send_signal(number)

    def abandon(self) -> None:
        """Closes our end of the socket: the router ends at once, as it does when this process dies."""
        self._socket.close()

    def stop(self, grace_secs: float) -> int:
        """SIGTERM; what is under way may end for ``grace_secs``, is then cut, and 5 s later the process is killed."""
        for number, secs in ((signal.SIGTERM, grace_secs), (signal.SIGTERM, 5.0)):
            self.signal(number)
            try:
                return self.wait(secs)
            except subprocess.TimeoutExpired:
                continue
        self._process.kill()
        return self.wait()


_children: "weakref.WeakSet[RouterProcess]" = weakref.WeakSet()


def _forget_children() -> None:
    # A forked child that kept the socket open would keep the router alive after the death of this process.
    for child in list(_children):
        child.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_children)


class SignalRelay:
    """SIGINT and SIGTERM go to the router while this is entered. Outside the main thread, which alone gets them, nothing is done."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self._early: List[int] = []
        self._before: Dict[int, Any] = {}
        self._process: Optional[RouterProcess] = None

    def __enter__(self) -> "SignalRelay":
        if threading.current_thread() is threading.main_thread():
            for number in self.SIGNALS:
                self._before[number] = signal.signal(number, self._relay)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def relay_to(self, process: RouterProcess) -> None:
        """Also what came while the process was being started."""
        self._process = process
        for number in self._early:
            process.signal(number)

    def _relay(self, number: int, _frame: Optional[FrameType]) -> None:
        if self._process is None:
            self._early.append(number)
        else:
            self._process.signal(number)


def end_with_parent(process: RouterProcess) -> None:
    """In a process of multiprocessing: the router ends when the parent dies, which could not tell this process any more."""
    multiprocessing = sys.modules.get("multiprocessing.process")
    parent = None if multiprocessing is None else multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        process.abandon()

    threading.Thread(target=watch, name="router-parent-watch", daemon=True).start()
