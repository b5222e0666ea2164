"""A router inside a Python program."""

import dataclasses
import http.client
import logging
import time
from typing import Any, Dict, Mapping, Optional, Sequence, Union

from sglang_router._process import RouterProcess, SignalRelay, end_with_parent
from sglang_router.policy import PolicyType
from sglang_router.router_args import RouterArgs
from sglang_router.rust_names import (
    BackendType,
    HistoryBackendType,
    PyApiKeyEntry,
    PyControlPlaneAuthConfig,
    PyJwtConfig,
    PyRole,
)

__all__ = [
    "PolicyType",
    "Router",
    "RouterExit",
    "backend_from_str",
    "build_control_plane_auth_config",
    "history_backend_from_str",
    "policy_from_str",
    "role_from_str",
]

logger = logging.getLogger(__name__)

_POLICY_FIELDS = ("policy", "prefill_policy", "decode_policy")


class RouterExit(SystemExit, RuntimeError):
    """The router ended with a failure. Not caught, it ends the program with the router's exit status.

    2: a setting is wrong. 1: it could not start, such as for a port that is taken. 70: a bug. Negative: killed by a signal.
    The router itself has written what was wrong.
    """

    def __init__(self, status: int) -> None:
        # A process that died of signal N is 128 + N to a shell.
        super().__init__(128 - status if status < 0 else status)
        self.status = status

    def __str__(self) -> str:
        what = f"was killed by signal {-self.status}" if self.status < 0 else f"ended with exit status {self.status}"
        return f"the router {what}; what it wrote before tells why"


class _Router:
    """The settings of one router and its process: what the compiled half of sglang_router calls Router.

    Args:
        worker_urls: URLs of workers.
        policy: a PolicyType, or its name.
        host: address to listen on.
        port: port to listen on; 0 for any free one.
        settings: any field of RouterArgs. A wrong name is a TypeError, and so is one URL in the place of a list.
    """

    def __init__(
        self,
        worker_urls: Sequence[str] = (),
        policy: Union[PolicyType, str] = PolicyType.RoundRobin,
        host: str = "127.0.0.1",
        port: int = 3001,
        **settings: Any,
    ) -> None:
        if isinstance(worker_urls, str):
            raise TypeError(f"worker_urls: expected a list, got {worker_urls!r}")
        for name in _POLICY_FIELDS[1:]:
            if settings.get(name) is not None:
                settings[name] = _name_of(settings[name])
        self.args = RouterArgs(worker_urls=list(worker_urls), policy=_name_of(policy), host=host, port=port, **settings)
        self.process: Optional[RouterProcess] = None

    def begin(self) -> RouterProcess:
        """The process, just started. RuntimeError: it runs already."""
        if self.process is not None:
            raise RuntimeError("this router runs already")
        line = self.args.command_line()
        self.process = RouterProcess(line.argv, line.secrets)
        return self.process

    def start(self) -> None:
        """As Router.start."""
        with SignalRelay() as relay:
            process = self.begin()
            relay.relay_to(process)
            end_with_parent(process)
            try:
                status = process.wait()
            finally:
                process.abandon()
                self.process = None
        if status != 0:
            raise RouterExit(status)


class Router:
    """A router: ``start()`` runs it to its end, ``with`` keeps it running for a block.

    Args:
        worker_urls: URLs of workers, such as ``["http://127.0.0.1:30000"]``. More can join later.
        policy: how a worker is chosen for a request.
        host: address to listen on.
        port: port to listen on; 0 for any free one.
        verbose: ``log_level="debug"``, as in the first version.
        settings: any field of RouterArgs.

    These are the defaults of the first version; all other settings have those of RouterArgs. A wrong name, or one URL in
    the place of a list, is a TypeError here, a wrong value is refused by the router when it starts.
    """

    def __init__(
        self,
        worker_urls: Sequence[str] = (),
        policy: PolicyType = PolicyType.RoundRobin,
        host: str = "127.0.0.1",
        port: int = 3001,
        *,
        verbose: bool = False,
        **settings: Any,
    ) -> None:
        if verbose:
            settings.setdefault("log_level", "debug")
        self._router = _Router(worker_urls=worker_urls, policy=policy, host=host, port=port, **settings)
        self._listening: Dict[str, Any] = {}

    @staticmethod
    def from_args(args: RouterArgs) -> "Router":
        """A router with these settings. Later changes of ``args`` do not change it."""
        settings = {field.name: getattr(args, field.name) for field in dataclasses.fields(args)}
        for name in _POLICY_FIELDS:
            settings[name] = _POLICIES.get(settings[name], settings[name])
        router = Router.__new__(Router)
        router._router = _Router(**settings)
        router._listening = {}
        return router

    def start(self) -> None:
        """Runs the router until it ends.

        In the main thread SIGINT and SIGTERM stop it: requests under way may end for ``shutdown_grace_period_secs``
        seconds, a second signal cuts them. Returns when it has stopped so.

        Raises:
            RouterExit: it ended with a failure.
            RuntimeError: it runs already, or there is no Node.js to run it.
            ValueError: a field cannot be passed on.
        """
        self._router.start()

    def open(self, ready_timeout_secs: float = 60.0) -> "Router":
        """Starts the router beside this program and returns when it serves; ``with`` calls it.

        If workers are given, one of them (in pairs: one of each kind) must have answered too. When this program ends, however
        that happens, the router ends with it.

        Raises:
            RouterExit: it could not start.
            TimeoutError: it, or the workers, were not ready after ``ready_timeout_secs`` seconds. The router has been stopped.
        """
        deadline = time.monotonic() + ready_timeout_secs
        process = self._router.begin()
        try:
            listening = process.wait_listening(deadline)
            if listening is None:
                self._router.process = None
                raise RouterExit(process.wait())
            self._listening = listening
            if self._router.args.worker_urls or self._router.args.prefill_urls or self._router.args.decode_urls:
                self._wait_ready(deadline)
        except BaseException:
            self.stop(grace_secs=0.0)
            raise
        end_with_parent(process)
        return self

    def stop(self, grace_secs: float = 5.0) -> None:
        """Stops the router that ``open`` or ``with`` has started; requests under way have ``grace_secs`` seconds to end."""
        process, self._router.process, self._listening = self._router.process, None, {}
        if process is not None:
            process.stop(grace_secs)

    def __enter__(self) -> "Router":
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def args(self) -> RouterArgs:
        """A copy of the settings."""
        return dataclasses.replace(self._router.args)

    @property
    def port(self) -> int:
        """The port it listens on, also where 0 was asked for."""
        return int(self._address()["port"])

    @property
    def url(self) -> str:
        """``http://127.0.0.1:3001``: where this machine reaches it."""
        return _url(self._address())

    @property
    def metrics_url(self) -> Optional[str]:
        """Where the metrics are; None: their default port was taken, so none are served."""
        metrics = self._address()["metrics"]
        return None if metrics is None else f"{_url(metrics)}/metrics"

    @property
    def pid(self) -> int:
        """Process id of the router."""
        if self._router.process is None:
            raise RuntimeError("the router does not run: use `with Router(...) as router`, or open()")
        return self._router.process.pid

    def _address(self) -> Dict[str, Any]:
        if not self._listening:
            raise RuntimeError("the router does not listen: use `with Router(...) as router`, or open()")
        return self._listening

    def _wait_ready(self, deadline: float) -> None:
        answer, pause = "nothing", 0.05
        while time.monotonic() < deadline:
            process = self._router.process
            if process is not None and process.poll() is not None:
                raise RouterExit(process.wait())
            try:
                status, answer = self._get("/readiness")
            except (OSError, http.client.HTTPException) as error:
                answer = str(error)
            else:
                if status == 200:
                    return
            # Each question is a line in the router's log, and workers may take minutes.
            time.sleep(pause)
            pause = min(pause * 1.5, 0.5)
        raise TimeoutError(f"no worker has answered the router in time; {self.url}/readiness says {answer}")

    def _get(self, path: str) -> "tuple[int, str]":
        address = self._address()
        connection = http.client.HTTPConnection(_reachable(address["host"]), address["port"], timeout=5)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode("utf-8", "replace")
        finally:
            connection.close()


_POLICIES: Mapping[Any, PolicyType] = {policy.value: policy for policy in PolicyType}


def policy_from_str(policy_str: Optional[str]) -> Optional[PolicyType]:
    """The policy of a name. None stays None; an unknown name is a KeyError."""
    return None if policy_str is None else _POLICIES[policy_str]


def backend_from_str(backend_str: Union[str, BackendType, None]) -> BackendType:
    """The backend of a name in any case; None is SGLang. An unknown name is a ValueError."""
    if isinstance(backend_str, BackendType):
        return backend_str
    try:
        return BackendType((backend_str or "sglang").lower())
    except ValueError:
        known = ", ".join(backend.value for backend in BackendType)
        raise ValueError(f"Unknown backend: {backend_str}; expected one of {known}") from None


def history_backend_from_str(backend_str: Union[str, HistoryBackendType, None]) -> HistoryBackendType:
    """The place of conversations of a name in any case; None is memory. An unknown name is a ValueError."""
    if isinstance(backend_str, HistoryBackendType):
        return backend_str
    try:
        return HistoryBackendType((backend_str or "memory").lower())
    except ValueError:
        known = ", ".join(backend.value for backend in HistoryBackendType)
        raise ValueError(f"Unknown history backend: {backend_str}; expected one of {known}") from None


def role_from_str(role_str: str) -> PyRole:
    """``admin`` in any case; all else is a user."""
    return PyRole.Admin if role_str.lower() == "admin" else PyRole.User


def build_control_plane_auth_config(args_dict: Mapping[str, Any]) -> Optional[PyControlPlaneAuthConfig]:
    """Who may use the control plane, of fields of RouterArgs. None: neither keys nor an issuer with its audience are there."""
    issuer, audience = args_dict.get("jwt_issuer"), args_dict.get("jwt_audience")
    keys = args_dict.get("control_plane_api_keys") or []
    jwt = None
    if issuer is not None and audience is not None:
        claim = args_dict.get("jwt_role_claim") or "roles"
        jwt = PyJwtConfig(issuer, audience, args_dict.get("jwt_jwks_uri"), args_dict.get("jwt_role_mapping") or {}, claim)
    elif any(value and name != "jwt_role_claim" for name, value in args_dict.items() if name.startswith("jwt_")):
        logger.warning("jwt_issuer/jwt_audience missing: tokens are not accepted without both")
    if jwt is None and not keys:
        return None
    entries = [PyApiKeyEntry(id=key_id, name=name, key=key, role=role_from_str(role)) for key_id, name, key, role in keys]
    return PyControlPlaneAuthConfig(jwt, entries, bool(args_dict.get("control_plane_audit_enabled", False)))


def _name_of(policy: object) -> str:
    return str(policy.value) if isinstance(policy, PolicyType) else str(policy)


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def _url(address: Dict[str, Any]) -> str:
    host = _reachable(address["host"])
    return f"http://[{host}]:{address['port']}" if ":" in host else f"http://{host}:{address['port']}"
