"""What the tests share: simulated engines, programs with a deadline, and looks at processes."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple, TypeVar

import pytest

from sglang_router._node import find_node, find_program

DEADLINE_SECS = 30.0
QUIET = ["--port", "0", "--prometheus-port", "0", "--log-format", "json", "--access-log", "off"]
T = TypeVar("T")


def wait_until(what: str, condition: Callable[[], Optional[T]], secs: float = DEADLINE_SECS) -> T:
    """The first true result of the condition."""
    deadline = time.monotonic() + secs
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not in {secs} s: {what}")
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """False also for a process that has ended and that nobody has asked about yet."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in ("Z", "X")


def children_of(pid: int) -> List[int]:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def wait_gone(*pids: int) -> None:
    for pid in pids:
        wait_until(f"process {pid} is gone", lambda pid=pid: not is_running(pid))  # type: ignore[misc]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetch(url: str, body: Optional[object] = None, method: Optional[str] = None) -> Tuple[int, str]:
    """Status and text of an answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE_SECS) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def generate(url: str) -> Dict[str, Any]:
    """What an engine behind the router answers."""
    status, text = fetch(f"{url}/generate", {"text": "Hello", "sampling_params": {"max_new_tokens": 4}})
    assert status == 200, text
    answer: Dict[str, Any] = json.loads(text)
    return answer


def is_closed(url: str) -> bool:
    try:
        fetch(f"{url}/liveness")
    except (urllib.error.URLError, ConnectionError):
        return True
    return False


class Program:
    """A program in a process group of its own, whose lines are kept. It is killed, with its group, when the test ends."""

    def __init__(self, command: Sequence[str], env: Optional[Dict[str, str]] = None) -> None:
        self.lines: List[str] = []
        self.process = subprocess.Popen(
            list(command),
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def line_with(self, part: str) -> str:
        def find() -> Optional[str]:
            if self.process.poll() is not None:
                self._reader.join(5)
            found = next((line for line in list(self.lines) if part in line), None)
            assert found is not None or self.process.poll() is None, f"ended without {part!r}:\n{self.text}"
            return found

        return wait_until(f"a line with {part!r}", find)

    def listening(self) -> str:
        """The URL of the router, from its log."""
        fields = json.loads(self.line_with("router listens"))
        self.router_pid = int(fields["pid"])
        return f"http://127.0.0.1:{fields['port']}"

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def status(self) -> int:
        """The exit status, when it has ended."""
        code = self.process.wait(DEADLINE_SECS)
        self._reader.join(5)
        return code

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def run() -> Iterator[Callable[..., Program]]:
    """Starts a program."""
    programs: List[Program] = []

    def start(*command: str, env: Optional[Dict[str, str]] = None) -> Program:
        programs.append(Program(command, env))
        return programs[-1]

    yield start
    for program in programs:
        program.close()


@pytest.fixture
def python(run: Callable[..., Program]) -> Callable[..., Program]:
    """Starts this Python, which has the wheel."""
    return lambda *words, env=None: run(sys.executable, *words, env=env)


class Engine:
    """A simulated engine."""

    def __init__(self, url: str, process: Program) -> None:
        self.url = url
        self.process = process


@contextlib.contextmanager
def simulated_engine(*flags: str) -> Iterator[Engine]:
    program = Program([find_node(os.environ).path, find_program("sim.js"), "--port", "0", "--json", "--speedup", "100", *flags])
    try:
        yield Engine(json.loads(program.line_with('"ready"'))["ready"], program)
    finally:
        program.close()


@pytest.fixture(scope="session")
def engines() -> Iterator[List[Engine]]:
    """Two that nobody may stop."""
    with simulated_engine("--served-model-name", "one") as one, simulated_engine("--served-model-name", "two") as two:
        yield [one, two]
