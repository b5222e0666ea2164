"""``python -m sglang_router.launch_server`` with simulated engines."""

import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple

import pytest
from conftest import Program, children_of, fetch, free_port, generate, is_closed, is_running, wait_gone, wait_until

from sglang_router.launch_server import find_available_ports

Start = Callable[..., Program]
QUIET = ["--router-prometheus-port", "0", "--router-log-format", "json", "--router-access-log", "off"]
SIM = ["-m", "sglang_router.launch_server", "--router-engine", "sim", "--port", "0", "--speedup", "100", *QUIET]


class Tree(NamedTuple):
    """All processes of a launch."""

    url: str
    launcher: int
    keeper: int
    router: int
    engines: List[int]
    engine_urls: List[str]

    @property
    def all(self) -> List[int]:
        return [self.launcher, self.keeper, self.router, *self.engines]


def tree_of(program: Program, engines: int) -> Tree:
    url = program.listening()
    (keeper,) = children_of(program.pid)
    engine_pids = sorted(set(children_of(keeper)) - {program.router_pid})
    assert len(engine_pids) == engines
    urls = json.loads(program.line_with("router listens"))["workers"]
    return Tree(url, program.pid, keeper, program.router_pid, engine_pids, urls)


def assert_nothing_is_left(tree: Tree) -> None:
    wait_gone(*tree.all)
    assert is_closed(tree.url)
    assert all(is_closed(url) for url in tree.engine_urls)


def test_engines_and_router_come_up_and_ctrl_c_ends_all(python: Start) -> None:
    program = python(*SIM, "--dp-size", "2", "--served-model-name", "shared")
    tree = tree_of(program, 2)
    wait_until("both take requests", lambda: fetch(f"{tree.url}/workers")[1].count('"is_healthy":true') == 2)
    assert generate(tree.url)["text"]
    wait_until("the model is known", lambda: '"shared"' in fetch(f"{tree.url}/v1/models")[1])
    assert '"shared"' in fetch(f"{tree.url}/v1/models")[1]
    ranks = [Path(f"/proc/{pid}/environ").read_text().split("SGLANG_DP_RANK=")[1].split("\0")[0] for pid in tree.engines]
    assert sorted(ranks) == ["0", "1"]
    assert len({os.getpgid(pid) for pid in tree.all}) == len(tree.all), "each in a process group of its own"
    program.signal(signal.SIGINT)
    assert program.status() == 0
    assert_nothing_is_left(tree)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT])
def test_other_signals_end_all_too(python: Start, number: int) -> None:
    program = python(*SIM)
    tree = tree_of(program, 1)
    program.signal(number)
    assert program.status() == 0
    assert_nothing_is_left(tree)


@pytest.mark.parametrize("victim", ["launcher", "keeper", "router"])
def test_nothing_is_left_when_one_is_killed(python: Start, victim: str) -> None:
    program = python(*SIM, "--dp-size", "2")
    tree = tree_of(program, 2)
    os.kill(getattr(tree, victim), signal.SIGKILL)
    assert program.status() == {"launcher": -signal.SIGKILL, "keeper": 1, "router": 128 + signal.SIGKILL}[victim]
    assert_nothing_is_left(tree)


def test_a_dead_engine_leaves_the_others_serving_and_the_last_one_ends_all(python: Start) -> None:
    program = python(*SIM, "--dp-size", "2")
    tree = tree_of(program, 2)
    os.kill(tree.engines[0], signal.SIGKILL)
    program.line_with("has ended with status -9")
    wait_until("requests are answered", lambda: fetch(f"{tree.url}/generate", {"text": "x"})[0] == 200)
    os.kill(tree.engines[1], signal.SIGKILL)
    assert program.status() == 1
    assert "all engines have ended" in program.text
    assert_nothing_is_left(tree)


STUBBORN = r"""
import os, signal, subprocess, sys, time
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
# Whole lines: print() may write them in pieces.
say = "import os, time; os.write(1, b'grandchild %d\\n' % os.getpid()); time.sleep(600)"
# A child in a session of its own, as a scheduler that nobody reaches through the process group.
if os.fork() == 0:
    os.setsid()
    os.execv(sys.executable, [sys.executable, "-c", say])
os.write(1, " ".join(["engine", *sys.argv[1:]]).encode() + b"\n")
time.sleep(600)
"""


@pytest.fixture
def stubborn_sglang(tmp_path: Path) -> Dict[str, str]:
    """An environment whose ``sglang.launch_server`` ignores all signals."""
    package = tmp_path / "sglang"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "launch_server.py").write_text(STUBBORN)
    return {**os.environ, "PYTHONPATH": str(tmp_path)}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_engines_that_ignore_signals_are_killed_with_all_their_children(
    python: Start, stubborn_sglang: Dict[str, str], number: int
) -> None:
    flags = [
        "--model-path",
        "m",
        "--dp-size",
        "2",
        "--tp-size",
        "4",
        "--port",
        "0",
        "--router-engine-grace-secs",
        "0.5",
        "--mem-fraction",
        "0.8",
    ]
    program = python("-m", "sglang_router.launch_server", *flags, *QUIET, env=stubborn_sglang)
    tree = tree_of(program, 2)
    wait_until("both grandchildren run", lambda: program.text.count("grandchild ") == 2)
    wait_until("both engines run", lambda: program.text.count("engine --model-path") == 2)
    grandchildren = [int(line.split()[1]) for line in program.lines if line.startswith("grandchild ")]
    starts = sorted(
        (line for line in program.lines if line.startswith("engine --model-path")), key=lambda line: line.split("--base-gpu-id")[1]
    )
    assert starts[0].startswith("engine --model-path m --mem-fraction 0.8 --host 127.0.0.1 --port ")
    assert [line.split("--tp-size ")[1] for line in starts] == ["4 --base-gpu-id 0", "4 --base-gpu-id 4"]
    program.signal(number)
    assert program.status() == (0 if number == signal.SIGTERM else -signal.SIGKILL)
    wait_gone(*tree.all, *grandchildren)
    if number == signal.SIGTERM:
        assert "did not end within 0.5 s and is killed" in program.text


def test_wrong_settings_of_the_router_end_all_with_status_2(python: Start) -> None:
    program = python(*SIM, "--router-cache-threshold", "7")
    assert program.status() == 2
    assert '--cache-threshold "7.0"' in program.text or '--cache-threshold "7"' in program.text


@pytest.mark.parametrize(
    ("flags", "part"),
    [
        (["--grpc-mode"], "--grpc-mode: gRPC workers are not available"),
        (["--worker-urls", "http://a:1"], "expected to be left out"),
        (["--router-no-such-thing"], "--router-no-such-thing: expected a known flag"),
        (["--dp-size", "0"], "expected at least 1"),
        (["--router-policy", "magic"], "invalid choice: 'magic'"),
    ],
)
def test_wrong_flags_end_it_with_status_2(python: Start, flags: List[str], part: str) -> None:
    program = python(*SIM, *flags)
    assert program.status() == 2
    assert part in program.text


def test_an_engine_that_is_not_installed_is_said(python: Start) -> None:
    program = python("-m", "sglang_router.launch_server", "--model-path", "m")
    assert program.status() == 1
    assert "sglang is not installed in this Python" in program.text


def test_the_console_script_starts_it_too(run: Start) -> None:
    program = run(str(Path(sys.executable).parent / "smg"), "server", *SIM[2:])
    tree = tree_of(program, 1)
    program.signal(signal.SIGTERM)
    assert program.status() == 0
    assert_nothing_is_left(tree)
    assert not is_running(tree.keeper)


def test_ports_that_are_taken_are_passed_over() -> None:
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        base = taken.getsockname()[1]
        ports = find_available_ports(base, 3)
        assert base not in ports
        assert len(set(ports)) == 3
        assert all(base < port <= 65535 for port in ports)
    assert find_available_ports(free_port(), 1)
    with pytest.raises(RuntimeError, match="--router-dp-worker-base-port 65536"):
        find_available_ports(65536, 1)
