"""The settings of a router: from a command line of argparse, as a dataclass, and to the router's own command line."""

import argparse
import dataclasses
import enum
import logging
import os
from typing import Any, Callable, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from sglang_router._fields import RouterFields
from sglang_router._flags import FLAGS, Flag

logger = logging.getLogger(__name__)

_ENVIRONMENT_PREFIX = "SGLANG_ROUTER_"
# As in sglang_router.
_NEVER_PREFIXED = ("host", "port", "worker_urls")
_ANNOTATION = "sglang.ai/bootstrap-port"


class CommandLine(NamedTuple):
    """What the router is started with."""

    argv: List[str]
    secrets: Dict[str, str]
    """Environment variables with what no list of processes should show."""


@dataclasses.dataclass
class RouterArgs(RouterFields):
    """All settings of the router, with the names and defaults of sglang_router's own RouterArgs.

    Durations are in seconds and sizes in bytes unless the name says otherwise. Nothing is judged here: the router checks all
    settings when it starts, tells all problems at once and ends with exit status 2. What it does not have is refused there by
    name, never ignored. A field with its default counts as not given, so that environment variables
    (``SGLANG_ROUTER_PORT``) go before it.
    """

    @staticmethod
    def add_cli_args(parser: argparse.ArgumentParser, use_router_prefix: bool = False, exclude_host_port: bool = False) -> None:
        """Adds all flags of the router to a parser.

        Args:
            use_router_prefix: ``--router-policy`` instead of ``--policy``; ``--host``, ``--port`` and ``--worker-urls`` stay.
            exclude_host_port: leave out ``--host`` and ``--port``, for a parser that has them already.

        Flags that sglang_router 0.3.2 does not have stand back where the parser knows them already.
        """
        groups: Dict[str, Any] = {}
        for flag in FLAGS:
            if exclude_host_port and flag.name in ("host", "port"):
                continue
            has_prefix = use_router_prefix and flag.name not in _NEVER_PREFIXED
            names = [_prefixed(name, has_prefix) for name in [flag.flag, *_plain_aliases(flag)]]
            if not _is_old(flag):
                names = [name for name in names if name not in parser._option_string_actions]
            if not names:
                continue
            if flag.group not in groups:
                groups[flag.group] = parser.add_argument_group(flag.group)
            destination = _destination(flag, has_prefix)
            groups[flag.group].add_argument(*names, dest=destination, **_argument(flag))
            for name, value in flag.aliases:
                alias = _prefixed(name, use_router_prefix)
                if value is None or alias in parser._option_string_actions:
                    continue
                about = f"the same as {_prefixed(flag.flag, use_router_prefix)} {value}"
                # Its default must not stand in the way of that of the flag itself.
                groups[flag.group].add_argument(
                    alias, dest=destination, action="store_const", const=value, default=argparse.SUPPRESS, help=about
                )

    @classmethod
    def from_cli_args(cls, args: argparse.Namespace, use_router_prefix: bool = False) -> "RouterArgs":
        """The settings that a parser with ``add_cli_args`` has read.

        With ``use_router_prefix``, a setting of sglang_router 0.3.2 that is not there as ``router_NAME`` is taken from
        ``NAME``, as ``host`` and ``port`` of an engine are. Raises ValueError for a value that cannot be read.
        """
        given = vars(args)
        values: Dict[str, Any] = {}
        for flag in FLAGS:
            candidates = [_destination(flag, use_router_prefix)]
            if use_router_prefix and _is_old(flag):
                candidates.append(flag.name)
            if flag.field != flag.name:
                candidates += [f"router_{flag.field}"] if use_router_prefix else [flag.field]
            for name in candidates:
                if name in given:
                    values[flag.field] = _field_value(flag, given[name])
                    break
        return cls(**values)

    def _validate_router_args(self) -> None:
        """Says in the log which policies pairs get. Called by programs that build a Router themselves; it raises nothing."""
        if not self.pd_disaggregation or not self.policy:
            return
        if self.prefill_policy and self.decode_policy:
            logger.warning("Both --prefill-policy and --decode-policy are specified: --policy is not used for pairs")
        elif self.prefill_policy:
            logger.info(
                f"Using --prefill-policy '{self.prefill_policy}' for prefill workers and --policy '{self.policy}' for decode workers"
            )
        elif self.decode_policy:
            logger.info(f"Using --policy '{self.policy}' for prefill workers and --decode-policy '{self.decode_policy}' for decode workers")

    # The names under which programs know the readers of single flags. Each takes what argparse has put together, or None.

    @staticmethod
    def _parse_selector(selector_list: Optional[Sequence[str]]) -> Dict[str, str]:
        """Labels. Unlike from_cli_args it leaves out what is none, as in sglang_router."""
        return dict(item.split("=", 1) for item in _label_words(selector_list) if "=" in item)

    @staticmethod
    def _parse_prefill_urls(prefill_list: Optional[Sequence[Sequence[str]]]) -> List[Tuple[str, Optional[int]]]:
        return [_url_and_port(words) for words in prefill_list or []]

    @staticmethod
    def _parse_decode_urls(decode_list: Optional[Sequence[Sequence[str]]]) -> List[str]:
        return [words[0] for words in decode_list or []]

    @staticmethod
    def _parse_control_plane_api_keys(api_keys_list: Optional[Sequence[str]]) -> List[Tuple[str, str, str, str]]:
        return [_key(item) for item in api_keys_list or []]

    @staticmethod
    def _parse_jwt_role_mapping(role_mapping_list: Optional[Sequence[str]]) -> Dict[str, str]:
        return _roles(role_mapping_list)

    def command_line(self) -> CommandLine:
        """These settings as the router takes them. Raises ValueError for a value that no flag can hold."""
        argv: List[str] = []
        secrets: Dict[str, str] = {}
        for flag in FLAGS:
            value = getattr(self, flag.field)
            if _is_default(flag, value):
                continue
            words = _words(flag, value)
            if flag.secret and words:
                secrets[_ENVIRONMENT_PREFIX + flag.name.upper()] = "\n".join(words)
            elif flag.words == "none":
                argv.append(flag.flag)
            else:
                argv += [f"{flag.flag}={word}" for word in words]
        if self.bootstrap_port_annotation != _ANNOTATION:
            raise ValueError(
                f"bootstrap_port_annotation: expected to be left out, got {self.bootstrap_port_annotation!r} "
                "(Kubernetes discovery is not available in this version yet)"
            )
        return CommandLine(argv, secrets)


def _is_old(flag: Flag) -> bool:
    return flag.origin in ("seed", "0.3.2")


def _plain_aliases(flag: Flag) -> Iterable[str]:
    return (alias for alias, value in flag.aliases if value is None)


def _prefixed(flag: str, use_router_prefix: bool) -> str:
    return f"--router-{flag[2:]}" if use_router_prefix else flag


def _destination(flag: Flag, use_router_prefix: bool) -> str:
    return f"router_{flag.name}" if use_router_prefix else flag.name


def _argument(flag: Flag) -> Dict[str, Any]:
    """What argparse is told about a flag."""
    about = argparse.SUPPRESS if flag.origin == "smg" and not flag.built else flag.help.replace("%", "%%")
    if flag.words == "none":
        return {"action": "store_true", "default": False, "help": about}
    parts: Dict[str, Any] = {"help": about, "default": _parser_default(flag), "type": _reader(flag)}
    if flag.choices is not None:
        parts["metavar"] = f"{{{','.join(flag.choices)}}}"
    if flag.joins:
        return {**parts, "action": "append", "nargs": "+", "metavar": ("URL", "PORT")}
    if flag.words == "each":
        return {**parts, "action": "append", "metavar": flag.metavar, **({"nargs": 1} if flag.name == "decode" else {})}
    if flag.words in ("any", "some"):
        return {**parts, "action": "extend", "nargs": "*" if flag.words == "any" else "+", "metavar": flag.metavar}
    return parts


def _parser_default(flag: Flag) -> Any:
    if flag.environment is not None:
        return _environment_default(flag)
    if flag.joins or flag.name in ("decode", "request_id_headers"):
        return None
    return list(flag.default) if isinstance(flag.default, tuple) else flag.default


def _environment_default(flag: Flag) -> Any:
    """launch_router of 0.3.2 takes it from a variable such as POSTGRES_DB_URL; an empty number counts as not set."""
    text = os.environ.get(flag.environment or "")
    if text is None or (text == "" and flag.kind == "int"):
        return flag.default
    if flag.kind != "int":
        return text
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"environment variable {flag.environment}: expected an integer, got {text!r}") from None


def _reader(flag: Flag) -> Callable[[str], Any]:
    if flag.kind in ("int", "float"):
        return int if flag.kind == "int" else float
    choices = flag.choices
    if choices is None:
        return str

    def word(text: str) -> str:
        if text not in choices:
            raise argparse.ArgumentTypeError(f"invalid choice: {text!r} (choose from {', '.join(choices)})")
        return text

    return word


def _field_value(flag: Flag, value: Any) -> Any:
    """What the parser holds, as the field holds it."""
    if flag.joins:
        return [item if isinstance(item, tuple) else _url_and_port(item) for item in value or []]
    if flag.name == "decode":
        return [item if isinstance(item, str) else item[0] for item in value or []]
    if flag.name in ("selector", "prefill_selector", "decode_selector"):
        return value if isinstance(value, dict) else _labels(value)
    if flag.name == "jwt_role_mapping":
        return value if isinstance(value, dict) else _roles(value)
    if flag.name == "control_plane_api_keys":
        return [item if isinstance(item, tuple) else _key(item) for item in value or []]
    return value


def _url_and_port(words: Union[str, Sequence[str]]) -> Tuple[str, Optional[int]]:
    url, *rest = [words] if isinstance(words, str) else words
    if len(rest) > 1:
        raise ValueError(f"{url}: expected at most a bootstrap port after the URL, got {' '.join(rest)}")
    port = rest[0] if rest else "none"
    if port.lower() == "none":
        return url, None
    try:
        return url, int(port)
    except ValueError:
        raise ValueError(f"Invalid bootstrap port: {url}: expected a number or none, got {port!r}") from None


def _label_words(items: Optional[Sequence[str]]) -> List[str]:
    return " ".join(items or []).split()


def _labels(items: Optional[Sequence[str]]) -> Dict[str, str]:
    labels: Dict[str, str] = {}
    for item in _label_words(items):
        name, equals, value = item.partition("=")
        if equals == "":
            raise ValueError(f"a label: expected name=value, got {item!r}")
        labels[name] = value
    return labels


def _roles(items: Optional[Sequence[str]]) -> Dict[str, str]:
    roles: Dict[str, str] = {}
    for item in items or []:
        name, equals, role = item.partition("=")
        if equals == "":
            raise ValueError(f"Invalid role mapping format: expected idp_role=admin or idp_role=user, got {item!r}")
        if role.lower() not in ("admin", "user"):
            raise ValueError(f"Invalid gateway role: expected idp_role=admin or idp_role=user, got {item!r}")
        roles[name] = role.lower()
    return roles


def _key(item: str) -> Tuple[str, str, str, str]:
    parts = item.split(":", 3)
    # The item holds a key, which no message shows.
    if len(parts) != 4:
        raise ValueError("Invalid API key format: a key of the control plane: expected id:name:role:key")
    if parts[2].lower() not in ("admin", "user"):
        raise ValueError("Invalid role: a key of the control plane: expected id:name:role:key with a role of admin or user")
    return parts[0], parts[1], parts[3], parts[2].lower()


def _is_default(flag: Flag, value: Any) -> bool:
    if value is None:
        return True
    if flag.environment is not None and value == _environment_default(flag):
        # Nobody asked for it: the variable is there for others too.
        return True
    if isinstance(flag.default, tuple) or flag.words in ("each", "any", "some"):
        return len(value) == 0
    return bool(_plain(value) == flag.default and isinstance(value, bool) == isinstance(flag.default, bool))


def _words(flag: Flag, value: Any) -> List[str]:
    """One word for each item, as it stands after ``=``."""
    if isinstance(value, Mapping):
        return [f"{name}={item}" for name, item in value.items()]
    if isinstance(value, str) and (flag.joins or flag.words in ("each", "any", "some")):
        raise ValueError(f"{flag.field}: expected a list, got {value!r}")
    if flag.joins:
        return [item if isinstance(item, str) else _joined(flag, item) for item in value]
    if flag.name == "control_plane_api_keys":
        return [item if isinstance(item, str) else f"{item[0]}:{item[1]}:{item[3]}:{item[2]}" for item in value]
    if flag.words in ("each", "any", "some"):
        return [str(_plain(item)) for item in value]
    if flag.words == "none":
        if not isinstance(value, bool):
            raise ValueError(f"{flag.field}: expected True or False, got {value!r}")
        return []
    return [str(_plain(value))]


def _joined(flag: Flag, item: Sequence[Any]) -> str:
    if len(item) not in (1, 2):
        raise ValueError(f"{flag.field}: expected (URL, port or None), got {item!r}")
    port = item[1] if len(item) == 2 else None
    return f"{item[0]} {'none' if port is None else port}"


def _plain(value: Any) -> Any:
    """Members of an enumeration stand for their values, in lower case as flags have them."""
    return str(value.value).lower() if isinstance(value, enum.Enum) else value
