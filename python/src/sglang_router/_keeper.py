"""A process that keeps engines and the router in front of them, and leaves nothing behind when it ends.

    running --stop--> draining --router ended--> ending --grace over--> killing --no process left--> done
       |                                            ^
       +--- launcher gone, router ended by itself --+

The launcher talks to it over a socket: a plan first, then a line ``stop`` for each signal. The end of the socket is the end
of the launcher, ``kill -9`` included. Where the system knows it (Linux), processes that lose their parent become children of
this one, so that it can end them too. Should this process itself be killed, the system kills the engines, the router notices
the end of its own socket, and the launcher kills what is left of their process groups.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any, Callable, Dict, List, Optional, Set

PLAN_FD_VARIABLE = "SGLANG_KEEPER_FD"
_ROUTER_FD_VARIABLE = "ROUTER_LAUNCHER_FD"
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_KILL_EVERY_SECS = 0.1
_HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP, signal.SIGCHLD)


class Keeper:
    """Runs a plan: ``engines`` and ``router``, each with ``name``, ``argv``, ``executable`` and ``env``; ``grace_secs``."""

    def __init__(self, launcher: socket.socket, plan: Dict[str, Any], wakeups: socket.socket, requests: bytes) -> None:
        self._launcher = launcher
        self._wakeups = wakeups
        self._plan = plan
        self._names: Dict[int, str] = {}
        # Kept, since a Popen that is thrown away while its process runs complains.
        self._started: List[subprocess.Popen[bytes]] = []
        self._engines: Set[int] = set()
        self._router = 0
        self._router_socket: Optional[socket.socket] = None
        self._groups: Set[int] = set()
        self._state = "running"
        self._deadline: Optional[float] = None
        self._status: Optional[int] = None
        self._requests = b""
        self._early_requests = requests

    def run(self) -> int:
        """To the end of the last process. The exit status is that of the router, or 1."""
        for engine in self._plan["engines"]:
            self._engines.add(self._start(engine, die_with_me))
        self._start_router(self._plan["router"])
        self._take(self._early_requests)
        while self._reap():
            self._wait()
            self._advance()
        return 1 if self._status is None else self._status

    def _start(self, child: Dict[str, Any], prepare: Callable[[], None], fds: Optional[List[int]] = None) -> int:
        process = subprocess.Popen(
            child["argv"],
            executable=child["executable"],
            env=child["env"],
            stdin=subprocess.DEVNULL,
            pass_fds=fds or [],
            start_new_session=True,
            preexec_fn=prepare,  # noqa: PLW1509 - this process has one thread
        )
        self._started.append(process)
        self._names[process.pid] = child["name"]
        self._groups.add(process.pid)
        self._tell({"started": child["name"], "pid": process.pid})
        return process.pid

    def _start_router(self, child: Dict[str, Any]) -> None:
        ours, theirs = socket.socketpair()
        child["env"][_ROUTER_FD_VARIABLE] = str(theirs.fileno())
        self._router = self._start(child, lambda: None, [theirs.fileno()])
        theirs.close()
        self._router_socket = ours

    def _wait(self) -> None:
        timeout = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
        sources = [self._wakeups, *([self._launcher] if self._launcher.fileno() != -1 else [])]
        ready = select.select(sources, [], [], timeout)[0]
        if self._wakeups in ready:
            self._wakeups.recv(4096)
        if self._launcher in ready:
            self._listen()

    def _listen(self) -> None:
        try:
            piece = self._launcher.recv(4096)
        except ConnectionError:
            piece = b""
        if not piece:
            self._launcher.close()
            self._end("the launcher is gone")
        else:
            self._take(piece)

    def _take(self, piece: bytes) -> None:
        self._requests += piece
        *requests, self._requests = self._requests.split(b"\n")
        for _ in requests:
            if self._state == "running":
                self._state = "draining"
            if self._state == "draining":
                send(os.kill, self._router, signal.SIGTERM)

    def _reap(self) -> bool:
        """Takes note of processes that have ended. False: there is none left."""
        while True:
            try:
                pid, code = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            self._note_end(pid, os.waitstatus_to_exitcode(code))

    def _note_end(self, pid: int, status: int) -> None:
        name = self._names.pop(pid, None)
        if name is None:
            return
        for process in self._started:
            if process.pid == pid:
                process.returncode = status
        if pid == self._router:
            self._status = status if self._status is None else self._status
            self._end("the router has ended")
            return
        self._engines.discard(pid)
        if self._state == "running":
            report(f"{name} (process {pid}) has ended with status {status}")
            if not self._engines:
                self._status = 1
                self._end("all engines have ended")

    def _end(self, why: str) -> None:
        """Router and engines are told to end; in `killing` they are made to."""
        if self._state in ("ending", "killing"):
            return
        if self._state == "running" and why != "the router has ended":
            report(f"{why}: everything ends")
        self._state = "ending"
        if self._router_socket is not None:
            # The router ends at once when its socket does.
            self._router_socket.close()
        for group in self._groups - {self._router}:
            send(os.killpg, group, signal.SIGTERM)
        self._deadline = time.monotonic() + float(self._plan["grace_secs"])

    def _advance(self) -> None:
        if self._deadline is None or time.monotonic() < self._deadline:
            return
        if self._state == "ending":
            for pid, name in self._names.items():
                report(f"{name} (process {pid}) did not end within {self._plan['grace_secs']} s and is killed")
        self._state = "killing"
        for group in self._groups:
            send(os.killpg, group, signal.SIGKILL)
        for pid in descendants(os.getpid()):
            send(os.kill, pid, signal.SIGKILL)
        self._deadline = time.monotonic() + _KILL_EVERY_SECS

    def _tell(self, message: Dict[str, Any]) -> None:
        with contextlib.suppress(OSError):
            self._launcher.sendall(json.dumps(message).encode() + b"\n")


def send(how: Callable[[int, int], None], target: int, number: int) -> None:
    """Sends a signal, if there is anybody to get it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        how(target, number)


def report(text: str) -> None:
    """A line for people."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"launch_server: {text}\n")
        sys.stderr.flush()


def descendants(pid: int) -> List[int]:
    """Children, their children and so on; none where the system does not tell."""
    found: List[int] = []
    waiting = [pid]
    while waiting:
        for task in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                children = [int(word) for word in task.read_text().split()]
                found += children
                waiting += children
    return found


def prctl(option: int, value: int) -> None:
    """Linux only; elsewhere nothing happens."""
    if _libc is not None:
        _libc.prctl(option, value, 0, 0, 0)


_libc = ctypes.CDLL(None) if sys.platform == "linux" else None
_keeper_pid = os.getpid()


def die_with_me() -> None:
    """In a child, before it becomes its program: the death of the keeper is its own."""
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != _keeper_pid:
        os.kill(os.getpid(), signal.SIGKILL)


def _nothing(_number: int, _frame: Optional[FrameType]) -> None:
    """Handled rather than ignored: what is ignored, programs that are started inherit."""


def main() -> None:
    """Runs the plan that comes on the socket named in the environment."""
    launcher = socket.socket(fileno=int(os.environ.pop(PLAN_FD_VARIABLE)))
    launcher.set_inheritable(False)
    wakeups, wakes = socket.socketpair()
    wakeups.setblocking(False)
    wakes.setblocking(False)
    for number in _HANDLED:
        signal.signal(number, _nothing)
    signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
    prctl(_PR_SET_CHILD_SUBREAPER, 1)
    text = b""
    while b"\n" not in text:
        piece = launcher.recv(65536)
        if not piece:
            sys.exit(1)
        text += piece
    plan, _, requests = text.partition(b"\n")
    status = Keeper(launcher, json.loads(plan), wakeups, requests).run()
    if launcher.fileno() != -1:
        with contextlib.suppress(OSError):
            launcher.sendall(json.dumps({"status": status}).encode() + b"\n")
    sys.exit(0)


if __name__ == "__main__":
    main()
