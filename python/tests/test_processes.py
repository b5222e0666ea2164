"""Routers in processes and threads of others: no orphan, no zombie, no port left bound."""

import os
import signal
import textwrap
from typing import Callable, List

import pytest
from conftest import Program, children_of, is_closed, is_running, wait_gone, wait_until

Start = Callable[..., Program]
SETTINGS = 'port=0, prometheus_port=0, log_format="json", access_log="off"'


def script(text: str) -> List[str]:
    return ["-c", textwrap.dedent(text)]


BLOCK = f"""
import time
from sglang_router import Router
with Router({SETTINGS}) as router:
    print("entered", flush=True)
    time.sleep(600)
"""

THREAD = f"""
import threading, time
from sglang_router import Router
thread = threading.Thread(target=Router({SETTINGS}).start, daemon=True)
thread.start()
time.sleep(600)
"""

SHORT_THREAD = f"""
import threading, time
from sglang_router import Router
router = Router({SETTINGS})
thread = threading.Thread(target=router.open)
thread.start()
thread.join()
print("the thread has ended", flush=True)
time.sleep(600)
"""

MAIN_THREAD = f"""
from sglang_router import Router
Router({SETTINGS}).start()
"""

FORKED = f"""
import os, time
from sglang_router import Router
with Router({SETTINGS}) as router:
    if os.fork() == 0:
        # It outlives its parent, and must not keep the router alive.
        print("forked", os.getpid(), flush=True)
        time.sleep(600)
    time.sleep(600)
"""


@pytest.mark.parametrize(
    "text", [BLOCK, THREAD, SHORT_THREAD, MAIN_THREAD, FORKED], ids=["with", "thread", "short thread", "start", "fork"]
)
def test_kill_9_of_python_ends_the_router(python: Start, text: str) -> None:
    program = python(*script(text))
    url = program.listening()
    if text == FORKED:
        program.line_with("forked")
    if text == SHORT_THREAD:
        program.line_with("the thread has ended")
        assert is_running(program.router_pid)
    program.signal(signal.SIGKILL)
    program.process.wait()
    wait_gone(program.router_pid)
    assert is_closed(url)


def test_python_that_ends_normally_takes_its_router_along(python: Start) -> None:
    program = python(*script(f"from sglang_router import Router\nrouter = Router({SETTINGS}).open()"))
    url = program.listening()
    program.process.wait()
    wait_gone(program.router_pid)
    assert is_closed(url)


MULTIPROCESSING = """
import multiprocessing, os, sys, time
from sglang_router.launch_router import RouterArgs, launch_router

def run_router(args):
    launch_router(args)

if __name__ == "__main__":
    multiprocessing.set_start_method("METHOD")
    args = RouterArgs(SETTINGS)
    process = multiprocessing.Process(target=run_router, args=(args,), daemon=True)
    process.start()
    process.join(timeout=1.0)
    print("alive", process.is_alive(), process.pid, flush=True)
    while not os.path.exists(sys.argv[1]):
        time.sleep(0.05)
    process.terminate()
    process.join()
    print("exit code", process.exitcode, flush=True)
"""


@pytest.fixture
def multiprocessing_program(tmp_path: object, python: Start) -> Callable[[str], Program]:
    def start(method: str) -> Program:
        path = os.path.join(str(tmp_path), "program.py")
        with open(path, "w") as file:
            file.write(MULTIPROCESSING.replace("METHOD", method).replace("SETTINGS", SETTINGS))
        return python(path, os.path.join(str(tmp_path), "stop"))

    return start


@pytest.mark.parametrize("method", ["spawn", "fork", "forkserver"])
def test_a_process_of_multiprocessing_is_watched_and_ended_by_its_parent(
    multiprocessing_program: Callable[[str], Program], tmp_path: object, method: str
) -> None:
    program = multiprocessing_program(method)
    url = program.listening()
    assert program.line_with("alive").startswith("alive True")
    with open(os.path.join(str(tmp_path), "stop"), "w"):
        pass
    assert program.status() == 0
    assert program.lines[-1] == "exit code 0"
    wait_gone(program.router_pid)
    assert is_closed(url)


@pytest.mark.parametrize("method", ["spawn", "fork", "forkserver"])
def test_kill_9_of_the_parent_ends_the_router_of_multiprocessing(multiprocessing_program: Callable[[str], Program], method: str) -> None:
    program = multiprocessing_program(method)
    program.listening()
    child = int(program.line_with("alive").split()[2])
    program.signal(signal.SIGKILL)
    program.process.wait()
    wait_gone(program.router_pid, child)


def test_no_zombie_stays(python: Start) -> None:
    program = python(
        *script(f"""
        import time
        from sglang_router import Router
        for _ in range(2):
            with Router({SETTINGS}):
                pass
        print("done", flush=True)
        time.sleep(600)
        """)
    )
    program.line_with("done")
    wait_until("no child is left", lambda: children_of(program.pid) == [])
