"""Every flag, read by argparse and by the router itself, means the same."""

import argparse
import json
import os
import subprocess
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from sglang_router import RouterArgs
from sglang_router._flags import FLAGS, Flag
from sglang_router._node import find_node, find_program
from sglang_router.launch_router import parse_router_args

NODE = find_node(os.environ).path
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("SGLANG_ROUTER_")}

# Where a value of the right kind is not enough.
SAMPLES: Dict[str, List[str]] = {
    "worker_urls": ["http://127.0.0.1:1", "http://[::1]:2"],
    "host": ["127.0.0.2"],
    "prometheus_host": ["127.0.0.3"],
    "prefill": ["http://127.0.0.1:1", "9000"],
    "decode": ["http://127.0.0.1:2"],
    "encode": ["http://127.0.0.1:1", "none"],
    "cache_threshold": ["0.25"],
    "health_check_endpoint": ["/up"],
    "metrics_path": ["/metrics"],
    "prometheus_duration_buckets": ["0.1", "1", "10"],
    "request_id_headers": ["X-My-Id", "x-other"],
    "forward_headers": ["x-one"],
    "upstream_keep_alive_secs": ["3.5"],
    "retry_jitter_factor": ["0.5"],
    "retry_max_retries": ["7"],
    "forward_paths": ["/some/path"],
    "retry_status_codes": ["502", "503"],
    "health_check_port": ["4322"],
    "cors_allowed_origins": ["https://app.example"],
    "worker_overload_token_usage": ["0.5"],
    "balance_token_usage_threshold": ["0.5"],
    "overload_token_usage_threshold": ["0.5"],
    "control_plane_api_keys": ["id:name:admin:key"],
    "jwt_role_mapping": ["one=admin"],
    "tenant_api_key": ["tenant:key"],
}


def sample(flag: Flag) -> List[str]:
    if flag.name in SAMPLES:
        return SAMPLES[flag.name]
    if flag.words == "none":
        return []
    if flag.choices is not None:
        return [next(choice for choice in reversed(flag.choices) if choice != flag.default)]
    if flag.metavar in ("NAME=VALUE", "ALIAS=MODEL", "HEADER=KEY"):
        return ["app=one"]
    return {"int": ["4321"], "float": ["7.5"], "str": ["some/text"]}[flag.kind]


def judged(argv: List[str], environment: Dict[str, str], tmp_path: Path) -> Tuple[int, Any]:
    """What the router makes of a command line: the settings in force, or all problems."""
    done = subprocess.run(
        [NODE, find_program("launch-router.js"), *argv, "--check-config"],
        env={**ENVIRONMENT, **environment},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, json.loads(done.stdout) if done.returncode == 0 else sorted(done.stderr.splitlines()[1:])


# Workers and keys have tests of their own, and the file of priorities must exist.
APART = (
    "worker-urls",
    "priority-scheduler-config",
    "api-key",
    "api-key-file",
    "control-plane-api-keys",
    "control-plane-api-keys-file",
)


def test_all_flags_at_once_mean_the_same_to_argparse_and_to_the_router(tmp_path: Path) -> None:
    working = [flag for flag in FLAGS if flag.built and flag.name.replace("_", "-") not in ("config", *APART)]
    argv = [word for flag in working for word in [flag.flag, *sample(flag)]]
    direct = judged(argv, {}, tmp_path)
    line = parse_router_args(argv).command_line()
    assert judged(line.argv, line.secrets, tmp_path) == direct
    status, settings = direct
    assert status == 0, settings
    defaults = judged([], {}, tmp_path)[1]
    unchanged = [name for name, value in settings.items() if value == defaults[name] and name not in APART]
    assert unchanged == [], "every sample differs from its default, or the comparison would prove nothing"


def test_workers_mean_the_same_separated_in_every_way(tmp_path: Path) -> None:
    one, two = SAMPLES["worker_urls"]
    ways = [[one, two], [f"{one},{two}"], [f"{one} {two}"]]
    lines = [["--worker-urls", *way] for way in ways] + [["--worker-urls", one, "--worker-urls", two]]
    for argv in lines:
        line = parse_router_args(argv).command_line()
        status, settings = judged(line.argv, line.secrets, tmp_path)
        assert status == 0
        assert settings["worker-urls"] == [one, two]
        assert judged(argv, {}, tmp_path)[1] == settings


# Asking for these asks for nothing.
IDLE = {"disable_retries", "disable_circuit_breaker", "disable_tokenizer_autoload", "disable_audit_logging", "router_disable_arg_fallback"}


def test_flags_that_are_not_built_are_refused_by_name_both_ways(tmp_path: Path) -> None:
    asking = [flag for flag in FLAGS if not flag.built and flag.name not in IDLE and not flag.help.startswith("Has no effect")]
    assert len(asking) > 20
    argv = [word for flag in asking for word in [flag.flag, *sample(flag)]]
    status, direct = judged(argv, {}, tmp_path)
    assert status == 2
    line = parse_router_args(argv).command_line()
    status, problems = judged(line.argv, line.secrets, tmp_path)
    assert status == 2
    named = {problem.split()[0] for problem in problems if problem.startswith("  --")}
    assert named == {flag.flag for flag in asking}
    assert {problem.split()[0] for problem in direct if problem.startswith("  --")} == named


@pytest.mark.parametrize(
    "argv",
    [
        ["--max-concurrent-requests", "-1", "--disable-retries", "--history-backend", "none", "--eviction-interval", "30"],
        ["--verbose"],
        ["--log-level", "warning"],
        ["--log-json"],
        ["--upstream-pool-idle-timeout-secs", "3"],
        [
            "--pd-dis",
            "--prefill",
            "http://a:1",
            "9000",
            "--prefill",
            "http://b:2",
            "--prefill",
            "http://c:3",
            "none",
            "--decode",
            "http://d:4",
        ],
        ["--pd-disaggregation", "--mini-lb", "--decode", "http://d:4", "--decode", "http://e:4"],
        ["--balance-abs", "3", "--cache-threshold=0.5", "--policy", "random"],
    ],
)
def test_command_lines_mean_the_same(argv: List[str], tmp_path: Path) -> None:
    line = parse_router_args(argv).command_line()
    direct = judged(argv, {}, tmp_path)
    assert direct[0] == 0, direct
    assert judged(line.argv, line.secrets, tmp_path) == direct


def test_defaults_are_those_of_launch_router(tmp_path: Path) -> None:
    assert RouterArgs().command_line() == ([], {})
    assert parse_router_args([]).command_line() == ([], {})
    settings = judged([], {}, tmp_path)[1]
    assert (settings["host"], settings["port"], settings["policy"]) == ("0.0.0.0", 30000, "cache_aware")


def test_prefixed_flags_give_the_same_settings() -> None:
    for flag in FLAGS:
        if flag.name in ("host", "port"):
            continue
        plain, prefixed = argparse.ArgumentParser(), argparse.ArgumentParser()
        RouterArgs.add_cli_args(plain)
        RouterArgs.add_cli_args(prefixed, use_router_prefix=True, exclude_host_port=True)
        words = sample(flag)
        expected = RouterArgs.from_cli_args(plain.parse_args([flag.flag, *words]))
        name = flag.flag if flag.name == "worker_urls" else f"--router-{flag.flag[2:]}"
        got = RouterArgs.from_cli_args(prefixed.parse_args([name, *words]), use_router_prefix=True)
        assert got == expected, flag.name
