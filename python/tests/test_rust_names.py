"""Names that programs import from sglang_router, or replace in their own tests."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, Dict, List

import pytest
from conftest import free_port

from sglang_router import PolicyType, Router, RouterArgs, launch_router, launch_server, router, sglang_router_rs
from sglang_router.router import backend_from_str, build_control_plane_auth_config, history_backend_from_str, role_from_str
from sglang_router.sglang_router_rs import (
    BackendType,
    HistoryBackendType,
    PyApiKeyEntry,
    PyJwtConfig,
    PyOracleConfig,
    PyRedisConfig,
    PyRole,
)


def test_the_router_itself_can_be_replaced_and_gets_all_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Dict[str, Any] = {}

    class Fake:
        def __init__(self, **settings: Any) -> None:
            seen.update(settings)

        def start(self) -> None:
            seen["started"] = True

    monkeypatch.setattr(router, "_Router", Fake)
    Router.from_args(RouterArgs(worker_urls=["http://a:1"], policy="round_robin", prefill_policy="random", selector=None)).start()  # type: ignore[arg-type]
    assert seen["worker_urls"] == ["http://a:1"]
    assert (seen["policy"], seen["prefill_policy"]) == (PolicyType.RoundRobin, PolicyType.Random)
    assert seen["selector"] is None
    assert seen["decode_policy"] is None
    assert seen["started"] is True


def test_what_goes_into_a_router_is_what_its_args_say() -> None:
    args = RouterArgs(worker_urls=["http://a:1"], policy="power_of_two", decode_policy="random", port=1234, retry_max_retries=0)
    made = Router.from_args(args)
    assert made.args == args
    assert isinstance(made._router, sglang_router_rs.Router)
    assert Router.from_args(RouterArgs(policy="unheard-of")).args.policy == "unheard-of", "the router itself refuses it by name"


@pytest.mark.parametrize("at", ["from_args", "start"])
def test_launch_router_logs_why_it_failed(at: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    class Fails:
        @staticmethod
        def from_args(_: RouterArgs) -> "Fails":
            if at == "from_args":
                raise RuntimeError(f"broken {at}")
            return Fails()

        def start(self) -> None:
            raise RuntimeError(f"broken {at}")

    monkeypatch.setattr(launch_router, "Router", Fails)
    with pytest.raises(RuntimeError, match=f"broken {at}"):
        launch_router.launch_router(RouterArgs())
    assert [(record.name, record.getMessage()) for record in caplog.records] == [("router", f"Error starting router: broken {at}")]


def test_names_become_kinds() -> None:
    assert [backend_from_str(name) for name in ("SGLang", "openai", None)] == [BackendType.Sglang, BackendType.Openai, BackendType.Sglang]
    assert backend_from_str(BackendType.Openai) is BackendType.Openai
    with pytest.raises(ValueError, match="Unknown backend: cloud; expected one of sglang, openai"):
        backend_from_str("cloud")
    kinds = [history_backend_from_str(name) for name in ("Redis", "none", None)]
    assert kinds == [HistoryBackendType["Redis"], HistoryBackendType["None"], HistoryBackendType["Memory"]]
    with pytest.raises(ValueError, match="Unknown history backend: tape"):
        history_backend_from_str("tape")
    assert [role_from_str(name) for name in ("ADMIN", "user", "guest")] == [PyRole.Admin, PyRole.User, PyRole.User]


def test_records_hold_what_they_were_given() -> None:
    assert (PyOracleConfig().pool_min, PyOracleConfig().pool_max, PyRedisConfig("redis://x").retention_days) == (1, 16, 30)
    for pool, part in (({"pool_min": 0}, "pool_min must be at least 1"), ({"pool_min": 5, "pool_max": 2}, "pool_max must be >= pool_min")):
        with pytest.raises(ValueError, match=part):
            PyOracleConfig(**pool)  # type: ignore[arg-type]
    assert "s3cret" not in repr(PyApiKeyEntry("1", "n", "s3cret"))
    assert build_control_plane_auth_config({"control_plane_audit_enabled": True}) is None
    built = build_control_plane_auth_config(
        {"control_plane_api_keys": [("1", "n", "k", "admin")], "jwt_issuer": "i", "jwt_audience": "a", "jwt_role_mapping": {"x": "user"}}
    )
    assert built is not None
    assert built.api_keys == [PyApiKeyEntry("1", "n", "k", PyRole.Admin)]
    assert built.jwt == PyJwtConfig("i", "a", None, {"x": "user"}, "roles")
    assert built.audit_enabled is False


def test_a_token_issuer_without_its_audience_is_not_dropped_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    assert build_control_plane_auth_config({"jwt_issuer": "i"}) is None
    assert "jwt_issuer/jwt_audience missing" in caplog.text


# A stand-in for sglang: its engine serves /health, and its child is as deaf as the one that must be killed.
ENGINE = """
import http.server, json, os, signal, subprocess, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"rank": os.environ["SGLANG_DP_RANK"], "gpu": args.base_gpu_id, "dp": args.dp_size, "child": child.pid}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

def launch_server(server_args):
    global args, child
    args = server_args
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE)
    child.stdout.readline()
    if args.deaf:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    http.server.HTTPServer(("127.0.0.1", args.port), Handler).serve_forever()
"""

REQUESTS = """
import urllib.request

class exceptions:
    RequestException = OSError

def get(url, timeout):
    with urllib.request.urlopen(url, timeout=timeout) as response:
        response.status_code = response.status
        return response
"""

STARTS_ENGINES = """
import json, types, urllib.request
from sglang_router import launch_server, _engines

_engines._GRACE_SECS = 0.5
if __name__ == "__main__":
    given = types.SimpleNamespace(port=0, base_gpu_id=2, tp_size=4, dp_size=2, deaf=True)
    process = launch_server.launch_server_process(given, PORT, 1)
    assert launch_server.wait_for_server_health("127.0.0.1", PORT, timeout=30)
    assert not launch_server.wait_for_server_health("127.0.0.1", FREE, timeout=0.1)
    told = json.load(urllib.request.urlopen("http://127.0.0.1:PORT/health"))
    print(json.dumps(told), given.base_gpu_id, flush=True)
    launch_server.cleanup_processes([process])
    print(process.exitcode)
    launch_server.cleanup_processes([process])
"""


def test_engines_of_another_program_start_and_end_with_their_children(tmp_path: Path) -> None:
    for path, text in (
        ("sglang/__init__.py", ""),
        ("sglang/srt/__init__.py", ""),
        ("sglang/srt/entrypoints/__init__.py", ""),
        ("sglang/srt/entrypoints/http_server.py", ENGINE),
        ("requests.py", REQUESTS),
        ("train.py", STARTS_ENGINES.replace("PORT", str(free_port())).replace("FREE", str(free_port()))),
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(textwrap.dedent(text))
    done = subprocess.run(
        [sys.executable, str(tmp_path / "train.py")],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines: List[str] = done.stdout.splitlines()
    assert '"rank": "1", "gpu": 6, "dp": 1' in lines[0]
    assert lines[0].endswith(" 2"), "the caller's settings stay as they are"
    assert lines[1] == str(-signal.SIGKILL)


def test_requests_is_found_in_launch_server_when_it_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "requests.py").write_text("marker = 1")
    code = "from sglang_router import launch_server; print(launch_server.requests.marker, hasattr(launch_server, 'nothing'))"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["1", "False"]
    assert "requests" not in vars(launch_server)
