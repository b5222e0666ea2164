"""Router, RouterExit and launch_router inside a Python program."""

import http.client
import json
import os
import signal
import socket
import textwrap
import time
import urllib.request
from typing import Callable, List, Tuple

import pytest
from conftest import (
    Engine,
    Program,
    children_of,
    fetch,
    free_port,
    generate,
    is_closed,
    is_running,
    simulated_engine,
    wait_gone,
)

from sglang_router import PolicyType, Router, RouterArgs, RouterExit

Start = Callable[..., Program]


def script(text: str) -> List[str]:
    return ["-c", textwrap.dedent(text)]


def quiet(**settings: object) -> Router:
    return Router(port=0, prometheus_port=0, log_format="json", access_log="off", **settings)  # type: ignore[arg-type]


def completed(engine: Engine) -> int:
    return int(json.loads(fetch(f"{engine.url}/sim/stats")[1])["generations"]["completed"])


def test_with_serves_when_entered_and_is_gone_when_left(engines: List[Engine]) -> None:
    with quiet(worker_urls=[engine.url for engine in engines], policy=PolicyType.RoundRobin) as router:
        before = [completed(engine) for engine in engines]
        for _ in range(4):
            generate(router.url)
        assert [completed(engine) - earlier for engine, earlier in zip(engines, before)] == [2, 2], "in turn"
        assert router.metrics_url is not None
        assert "smg_" in fetch(router.metrics_url)[1]
        pid, url = router.pid, router.url
    assert not is_running(pid)
    assert is_closed(url)
    with pytest.raises(RuntimeError, match="does not listen"):
        _ = router.url


def test_one_router_can_be_entered_again() -> None:
    router = quiet()
    for _ in range(2):
        with router:
            assert fetch(f"{router.url}/liveness")[0] == 200
            with pytest.raises(RuntimeError, match="runs already"):
                router.open()


def test_an_exception_in_the_block_stops_it_too() -> None:
    router = quiet()
    pids: List[int] = []

    def fail_inside() -> None:
        with router:
            pids.append(router.pid)
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        fail_inside()
    assert not is_running(pids[0])


def test_workers_that_never_answer_are_waited_for_until_the_deadline() -> None:
    router = quiet(worker_urls=[f"http://127.0.0.1:{free_port()}"])
    # On a busy machine the router itself may not be ready so soon.
    with pytest.raises(TimeoutError, match=r"no worker has answered the router in time; http|did not start in time"):
        router.open(ready_timeout_secs=3)
    assert not any(is_router(pid) for pid in children_of(os.getpid()))


def is_router(pid: int) -> bool:
    with open(f"/proc/{pid}/cmdline") as file:
        return file.read().startswith("sglang::router")


def test_leaving_cuts_what_takes_too_long() -> None:
    with simulated_engine("--speedup", "0.1") as slow:
        router = quiet(worker_urls=[slow.url]).open()
        body = {"text": "x", "stream": True, "sampling_params": {"max_new_tokens": 9999, "ignore_eos": True}}
        request = urllib.request.Request(f"{router.url}/generate", json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as response:
            assert response.readline().startswith(b"data: ")
            pid = router.pid
            router.stop(grace_secs=0.2)
            assert not is_running(pid)
            with pytest.raises(http.client.IncompleteRead):
                response.read()


def test_a_failure_to_start_is_an_exception_with_the_status() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(RouterExit) as failure, Router(port=taken.getsockname()[1], prometheus_port=0):
            pass
    assert failure.value.status == 1
    with pytest.raises(RuntimeError, match="exit status 2"):
        Router(port=0, service_discovery=True).start()
    with pytest.raises(TypeError, match="no_such_setting"):
        Router(no_such_setting=1)
    with pytest.raises(TypeError, match="worker_urls: expected a list, got 'http://a:1'"):
        Router(worker_urls="http://a:1")


def test_waiting_for_a_worker_asks_ever_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: List[str] = []

    def answer(path: str) -> Tuple[int, str]:
        asked.append(path)
        return 503, "not ready"

    router = Router(worker_urls=["http://127.0.0.1:9"])
    router._listening = {"host": "127.0.0.1", "port": 9}
    monkeypatch.setattr(router, "_get", answer)
    with pytest.raises(TimeoutError, match=r"no worker has answered the router in time.*says not ready"):
        router._wait_ready(time.monotonic() + 1.5)
    assert asked[0] == "/readiness"
    assert len(asked) < 10


def test_start_ends_like_the_program(python: Start) -> None:
    program = python(
        *script("""
        from sglang_router import PolicyType, Router
        Router(worker_urls=[], policy=PolicyType.RoundRobin, host="127.0.0.1", port=0, prometheus_port=0).start()
        print("after")
        """)
    )
    url = program.listening()
    assert program.router_pid != program.pid
    program.signal(signal.SIGTERM)
    assert program.status() == 0
    assert program.lines[-1] == "after"
    assert is_closed(url)
    wait_gone(program.router_pid)


def test_start_that_fails_ends_the_program_with_its_status(python: Start) -> None:
    wrong = python(*script("from sglang_router import Router; Router(port=0, cache_threshold=7).start()"))
    assert wrong.status() == 2
    assert "--cache-threshold" in wrong.text
    assert "Traceback" not in wrong.text


def test_launch_router_takes_args_and_namespaces(python: Start) -> None:
    program = python(
        *script("""
        import argparse
        from sglang_router.launch_router import RouterArgs, launch_router
        parser = argparse.ArgumentParser()
        RouterArgs.add_cli_args(parser)
        print(type(launch_router(parser.parse_args(["--port", "0", "--prometheus-port", "0"]))).__name__)
        """)
    )
    program.listening()
    program.signal(signal.SIGINT)
    assert program.status() == 0
    assert program.lines[-1] == "Router"


def test_from_args_keeps_its_own_copy() -> None:
    args = RouterArgs(port=0, prometheus_port=0, log_level="warn")
    router = Router.from_args(args)
    args.port = 1
    with router:
        assert router.port > 1
        assert router.args.log_level == "warn"


def test_the_output_is_not_reordered(python: Start) -> None:
    program = python(
        *script("""
        import sys
        from sglang_router import Router
        print("before", flush=True)
        with Router(port=0, prometheus_port=0) as router:
            print("inside", flush=True)
        print("after", flush=True)
        """)
    )
    assert program.status() == 0
    marks = [line if line[0] != "{" else "router " + line.split('"msg":"')[1][:14] for line in program.lines]
    assert [mark for mark in marks if mark.startswith("router ")] == [
        "router router listens",
        "router router stops w",
        "router router stopped",
    ]
    assert marks[0] == "before"
    assert marks.index("inside") < marks.index("router router stops w")
    assert marks[-1] == "after", "what the router had to say is there when the block is left"
