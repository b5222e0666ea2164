"""How programs of others start and probe the router."""

import json
import os
import signal
import textwrap
import urllib.error
import urllib.parse
from pathlib import Path
from typing import Callable, Dict, List, Optional, Tuple

import pytest
from conftest import Engine, Program, fetch, free_port, generate, simulated_engine, wait_gone, wait_until

import sglang_router

Start = Callable[..., Program]


def status_of(url: str, body: Optional[object] = None) -> int:
    """0 while nobody listens."""
    try:
        return fetch(url, body)[0]
    except (urllib.error.URLError, ConnectionError):
        return 0


def version_tuple(text: str) -> Tuple[int, ...]:
    """As packaging.version.parse orders releases: what follows + does not count against an older one."""
    return tuple(int(part) for part in text.partition("+")[0].split("."))


def test_srt_slurm_starts_pairs_and_counts_them(python: Start) -> None:
    with (
        simulated_engine("--disaggregation-mode", "prefill", "--disaggregation-bootstrap-port", str(free_port())) as prefill,
        simulated_engine("--disaggregation-mode", "decode") as decode,
    ):
        port = free_port()
        program = python(
            *["-m", "sglang_router.launch_router", "--pd-disaggregation"],
            *["--prefill", prefill.url, "8998", "--decode", decode.url],
            *["--host", "0.0.0.0", "--port", str(port), "--policy", "round_robin", "--prometheus-port", "0"],
        )

        def counted() -> bool:
            if "router listens" not in program.text:
                return False
            stats = json.loads(fetch(f"http://127.0.0.1:{port}/workers")[1])["stats"]
            return bool(stats["prefill_count"] == 1 and stats["decode_count"] == 1)

        wait_until("one of each is counted", counted)
        assert json.loads(program.line_with("router listens"))["prefill"] == [f"{prefill.url} 8998"]


def test_srt_slurm_counts_regular_workers(python: Start, engines: List[Engine]) -> None:
    urls = [engine.url for engine in engines]
    program = python(
        "-m", "sglang_router.launch_router", "--worker-urls", *urls, "--host", "0.0.0.0", "--port", "0", "--prometheus-port", "0"
    )
    url = program.listening()
    wait_until("both are counted", lambda: json.loads(fetch(f"{url}/workers")[1])["stats"]["regular_count"] == 2)


SLIME = """
import argparse, multiprocessing, os, time
from sglang_router.launch_router import RouterArgs

def run_router(args):
    from sglang_router.launch_router import launch_router
    try:
        router = launch_router(args)
        return 1 if router is None else 0
    except Exception as error:
        print(error)
        return 1

if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1234)
    RouterArgs.add_cli_args(parser, use_router_prefix=True, exclude_host_port=True)
    args = parser.parse_args(["--router-policy", "round_robin", "--router-balance-abs-threshold", "10"])
    router_args = RouterArgs.from_cli_args(args, use_router_prefix=True)
    router_args.host = "127.0.0.1"
    router_args.port = PORT
    router_args.prometheus_port = 0
    router_args.log_level = "info"
    router_args.request_timeout_secs = 14400
    router_args.pd_disaggregation = IS_PAIRED
    router_args.disable_circuit_breaker = True
    router_args.disable_health_check = True
    process = multiprocessing.Process(target=run_router, args=(router_args,))
    process.daemon = True
    process.start()
    time.sleep(0.2)
    assert process.is_alive()
    print("started", flush=True)
    while not os.path.exists("STOP"):
        time.sleep(0.05)
"""


@pytest.mark.parametrize("old", [False, True], ids=["POST /workers", "/add_worker"])
def test_slime_starts_it_in_a_daemon_process_and_adds_engines(python: Start, engines: List[Engine], tmp_path: Path, old: bool) -> None:
    path = tmp_path / "train.py"
    text = textwrap.dedent(SLIME).replace("IS_PAIRED", "False").replace("PORT", str(free_port()))
    path.write_text(text.replace("STOP", str(tmp_path / "stop")))
    program = python(str(path))
    program.line_with("started")
    url = program.listening()
    one = engines[0].url
    if old:
        assert fetch(f"{url}/add_worker?url={one}", method="POST")[0] == 200
        assert one in json.loads(fetch(f"{url}/list_workers")[1])["urls"]
    else:
        assert version_tuple(sglang_router.__version__) > (0, 2, 1), "or slime would refuse pairs of prefill and decode"
        assert fetch(f"{url}/workers", {"url": one, "worker_type": "regular"})[0] == 202
    wait_until("requests are answered", lambda: fetch(f"{url}/generate", {"text": "x"})[0] == 200)
    if old:
        assert fetch(f"{url}/remove_worker?url={one}", method="POST")[0] == 200
    else:
        workers = json.loads(fetch(f"{url}/workers")[1])["workers"]
        assert fetch(f"{url}/workers/{urllib.parse.quote(workers[0]['id'])}", method="DELETE")[0] in (200, 202)
    (tmp_path / "stop").touch()
    assert program.status() == 0
    wait_gone(program.router_pid)


def test_slime_starts_pairs_without_workers_and_registers_both_kinds(python: Start, tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    text = textwrap.dedent(SLIME).replace("IS_PAIRED", "True").replace("PORT", str(free_port()))
    path.write_text(text.replace("STOP", str(tmp_path / "stop")))
    program = python(str(path))
    url = program.listening()
    with (
        simulated_engine("--disaggregation-mode", "prefill", "--disaggregation-bootstrap-port", str(free_port())) as prefill,
        simulated_engine("--disaggregation-mode", "decode") as decode,
    ):
        port = json.loads(fetch(f"{prefill.url}/server_info")[1])["disaggregation_bootstrap_port"]
        assert fetch(f"{url}/workers", {"url": prefill.url, "worker_type": "prefill", "bootstrap_port": port})[0] == 202
        assert fetch(f"{url}/workers", {"url": decode.url, "worker_type": "decode"})[0] == 202
        wait_until("pairs are answered", lambda: fetch(f"{url}/generate", {"text": "x"})[0] == 200)
        workers = json.loads(fetch(f"{url}/workers")[1])["workers"]
        assert all(worker["is_healthy"] and worker["disable_health_check"] for worker in workers)
    (tmp_path / "stop").touch()
    assert program.status() == 0


def test_slime_with_the_policies_of_its_sessions_starts(python: Start) -> None:
    for policy in ["consistent_hashing", "manual"]:
        program = python("-m", "sglang_router.launch_router", "--policy", policy, "--port", "0", "--check-config")
        assert program.status() == 0
        assert f'"policy": "{policy}"' in program.text


# Fields and flags as these programs give them, beside host, port and workers. Their sources were read in November 2026.
NAMED_PROGRAMS = {
    "verl, reward loop": {"log_level": "debug"},
    "verl, rollout": {
        "policy": "cache_aware",
        "cache_threshold": 0.5,
        "balance_abs_threshold": 64,
        "balance_rel_threshold": 1.5,
        "request_id_headers": ["x-verl-request-id"],
        "health_check_interval_secs": 60,
        "health_failure_threshold": 3,
        "health_success_threshold": 2,
        "pd_disaggregation": False,
        "prefill_urls": [],
        "decode_urls": [],
        "prefill_policy": None,
        "decode_policy": None,
        "disable_health_check": True,
        "log_level": "warn",
    },
    "older slime": {"balance_abs_threshold": 0, "log_level": "warn", "request_timeout_secs": 600},
}


@pytest.mark.parametrize("fields", NAMED_PROGRAMS.values(), ids=NAMED_PROGRAMS.keys())
def test_what_named_programs_set_is_accepted_and_serves(python: Start, engines: List[Engine], fields: Dict[str, object]) -> None:
    port = free_port()
    settings = {"host": "127.0.0.1", "port": port, "prometheus_port": 0, "worker_urls": [engines[0].url], **fields}
    program = python("-c", f"from sglang_router.launch_router import RouterArgs, launch_router; launch_router(RouterArgs(**{settings!r}))")
    wait_until("requests are answered", lambda: status_of(f"http://127.0.0.1:{port}/generate", {"text": "x"}) == 200)
    program.signal(signal.SIGTERM)
    assert program.status() == 0


def test_dstack_starts_it_without_workers_and_syncs_them(python: Start, engines: List[Engine], tmp_path: Path) -> None:
    port, own = free_port(), ["--prometheus-port", str(free_port()), "--prometheus-host", "127.0.0.1"]
    command = ["-m", "sglang_router.launch_router", "--host", "127.0.0.1", "--port", str(port), *own]
    python(*command, "--log-level", "info", "--log-dir", str(tmp_path), "--policy", "cache_aware")
    url = f"http://127.0.0.1:{port}"
    wait_until("it lists its workers", lambda: status_of(f"{url}/workers") == 200)
    status, text = fetch(f"{url}/workers", {"url": engines[0].url, "worker_type": "regular"})
    assert (status, json.loads(text)["status"]) == (202, "accepted")
    wait_until("requests are answered", lambda: fetch(f"{url}/generate", {"text": "x"})[0] == 200)
    (worker,) = json.loads(fetch(f"{url}/workers")[1])["workers"]
    status, text = fetch(f"{url}/workers/{worker['id']}", method="DELETE")
    assert (status, json.loads(text)["status"]) == (202, "accepted")
    wait_until("it is gone", lambda: json.loads(fetch(f"{url}/workers")[1])["total"] == 0)


def test_a_pair_router_with_mini_lb_and_limits_starts(python: Start) -> None:
    limits = ["--request-timeout-secs", "7200", "--max-concurrent-requests", "512", "--queue-size", "2048"]
    startup = ["--worker-startup-timeout-secs", "1800", "--worker-startup-check-interval", "10"]
    pairs = ["--pd-disaggregation", "--mini-lb", "--prefill", "http://127.0.0.1:1", "8998", "--decode", "http://127.0.0.1:2"]
    program = python("-m", "sglang_router.launch_router", *pairs, *startup, *limits, "--port", "0", "--prometheus-port", "0")
    program.listening()


def test_the_first_version_is_imported_in_its_own_way(python: Start, engines: List[Engine]) -> None:
    text = f"""
    from sglang_router import Router
    from sglang_router_rs import PolicyType
    router = Router(worker_urls=[{engines[0].url!r}], policy=PolicyType.RoundRobin, host="127.0.0.1", port={free_port()},
                    cache_threshold=0.5, balance_abs_threshold=32, balance_rel_threshold=1.0001, eviction_interval_secs=60,
                    max_tree_size=2**24, verbose=False, prometheus_port=0)
    router.start()
    """
    program = python("-c", textwrap.dedent(text))
    url = program.listening()
    wait_until("the worker is ready", lambda: fetch(f"{url}/readiness")[0] == 200)
    assert generate(url)["text"]
    program.signal(signal.SIGTERM)
    assert program.status() == 0


def test_ray_and_verl_start_it_as_a_subprocess_on_a_port_of_their_own(run: Start, engines: List[Engine]) -> None:
    import sys

    port = free_port()
    command = [sys.executable, "-m", "sglang_router.launch_router", "--host", "127.0.0.1", "--port", str(port), "--prometheus-port", "0"]
    program = run(*command, "--worker-urls", engines[0].url, "--request-timeout-secs", "600", "--balance-abs-threshold", "4")
    program.listening()
    wait_until("it is healthy", lambda: fetch(f"http://127.0.0.1:{port}/health")[0] == 200)
    program.signal(signal.SIGTERM)
    assert program.status() == 0


VERL = """
import multiprocessing
from sglang_router.launch_server import RouterArgs, launch_router

if __name__ == "__main__":
    args = RouterArgs(host="127.0.0.1", port=PORT, worker_urls=[WORKER], balance_abs_threshold=4, prometheus_port=0)
    process = multiprocessing.Process(target=launch_router, args=(args,))
    process.start()
    print("started", flush=True)
    process.join()
    print("ended", process.exitcode, flush=True)
"""

RLINF = """
from sglang_router.router import Router
from sglang_router.router_args import RouterArgs
from sglang_router.sglang_router_rs import PolicyType

assert PolicyType.CacheAware != PolicyType.Random
args = RouterArgs(worker_urls=[WORKER], host="127.0.0.1", port=PORT, policy="cache_aware", prometheus_port=0)
args._validate_router_args()
Router.from_args(args).start()
"""

RUST = """
from sglang_router.sglang_router_rs import PolicyType, Router
Router(worker_urls=[WORKER], policy=PolicyType.CacheAware, host="127.0.0.1", port=PORT, prometheus_port=0).start()
"""

MINI_LB = """
from sglang_router.mini_lb import MiniLoadBalancer
from sglang_router.router_args import RouterArgs

try:
    MiniLoadBalancer(RouterArgs(pd_disaggregation=True))
    raise SystemExit("accepted without workers")
except ValueError as error:
    print(error, flush=True)
pairs = dict(pd_disaggregation=True, prefill_urls=[(WORKER, 8998)], decode_urls=[OTHER])
lb = MiniLoadBalancer(RouterArgs(mini_lb=True, host="127.0.0.1", port=PORT, prometheus_port=0, **pairs))
assert (lb.port, lb.prefill_bootstrap_ports) == (PORT, [8998])
lb.start()
"""


@pytest.mark.parametrize("text", [VERL, RLINF, RUST, MINI_LB], ids=["verl", "RLinf", "the Rust class", "MiniLoadBalancer"])
def test_it_is_imported_from_where_programs_expect_it(python: Start, engines: List[Engine], tmp_path: Path, text: str) -> None:
    path = tmp_path / "train.py"
    path.write_text(
        text.replace("PORT", str(free_port()), 2).replace("WORKER", repr(engines[0].url)).replace("OTHER", repr(engines[1].url))
    )
    program = python(str(path))
    url = program.listening()
    if text is MINI_LB:
        assert "requires at least one prefill and one decode" in program.text
        wait_until("both are known", lambda: json.loads(fetch(f"{url}/workers")[1])["total"] == 2)
        stats = json.loads(fetch(f"{url}/workers")[1])["stats"]
        assert (stats["prefill_count"], stats["decode_count"]) == (1, 1)
    else:
        wait_until("requests are answered", lambda: fetch(f"{url}/generate", {"text": "x"})[0] == 200)
    os.kill(program.router_pid, signal.SIGTERM)
    assert program.status() == 0
    wait_gone(program.router_pid)
