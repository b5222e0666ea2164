"""RouterArgs of sglang_router 0.3.2, from PyPI, held against ours. Every difference is in docs/compatibility.md.

PEERS_PYTHON names a Python that has sglang-router==0.3.2; without it, it is installed into an environment for the test.
"""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any, Dict

import pytest

PEER = "sglang-router==0.3.2"

# Run by either Python: all that a caller of RouterArgs can see.
DESCRIBE = """
import argparse, ast, dataclasses, importlib, json, os, sys
from sglang_router.router_args import RouterArgs

def plain(value):
    if value is dataclasses.MISSING:
        return "MISSING"
    return sorted(value) if isinstance(value, (set, dict)) else value

def default(field):
    if field.default_factory is not dataclasses.MISSING:
        return ["made by", field.default_factory.__name__]
    return plain(field.default)

def parsers(prefix):
    parser = argparse.ArgumentParser()
    RouterArgs.add_cli_args(parser, use_router_prefix=prefix, exclude_host_port=prefix)
    found = {}
    for action in parser._actions:
        for option in action.option_strings:
            found[option] = {"dest": action.dest, "default": plain(action.default), "nargs": plain(action.nargs),
                             "kind": type(action).__name__, "choices": sorted(action.choices) if action.choices else None}
    return found

def names(module):
    import sglang_router
    path = os.path.join(os.path.dirname(sglang_router.__file__), module + ".py")
    if OURS or not os.path.exists(path):
        return dir(importlib.import_module("sglang_router." + module))
    # Some cannot be imported without sglang.
    with open(path) as file:
        return [node.name for node in ast.parse(file.read()).body if hasattr(node, "name")]

MODULES = ["cli", "launch_router", "launch_server", "mini_lb", "router", "router_args", "sglang_router_rs"]

print(json.dumps({
    "names": {module: names(module) for module in MODULES},
    "methods": [name for name in vars(RouterArgs) if not name.startswith("__") and callable(getattr(RouterArgs, name))],
    "fields": [[field.name, default(field)] for field in dataclasses.fields(RouterArgs)],
    "plain": parsers(False),
    "prefixed": parsers(True),
}))
"""

# Flags whose parsers may differ, with the reason; docs/compatibility.md says the same.
COLLECTING = {"worker-urls", "ca-cert-paths", "cors-allowed-origins", "control-plane-api-keys", "jwt-role-mapping", "request-id-headers"}
COLLECTING |= {"selector", "prefill-selector", "decode-selector", "prometheus-duration-buckets"}
OTHER_DEFAULTS: Dict[str, Any] = {"prometheus-host": None}


@pytest.fixture(scope="session")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Any]:
    """What 0.3.2 shows."""
    python = os.environ.get("PEERS_PYTHON", "")
    if python == "":
        home = tmp_path_factory.mktemp("peer")
        venv.create(home, with_pip=True)
        python = str(home / "bin" / "python")
        done = subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", PEER],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            sys.stderr.write(f"\n*** SKIPPED: {PEER} cannot be installed: {done.stderr.strip()[-300:]} ***\n")
            pytest.skip(f"{PEER} cannot be installed")
    return described(python)


def described(python: str) -> Dict[str, Any]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ATP_", "POSTGRES_", "REDIS_", "PYTHONPATH"))}
    code = f"OURS = {python == sys.executable}\n{DESCRIBE}"
    done = subprocess.run([python, "-c", code], env=environment, capture_output=True, text=True, check=True)
    result: Dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.fixture(scope="session")
def ours() -> Dict[str, Any]:
    return described(sys.executable)


def test_all_its_fields_are_there_in_the_same_order_with_the_same_defaults(peer: Dict[str, Any], ours: Dict[str, Any]) -> None:
    assert len(peer["fields"]) > 80
    assert ours["fields"][: len(peer["fields"])] == peer["fields"]


def test_its_flags_are_there_with_the_same_destinations(peer: Dict[str, Any], ours: Dict[str, Any]) -> None:
    for way in ("plain", "prefixed"):
        assert len(peer[way]) > 80
        missing = set(peer[way]) - set(ours[way])
        assert missing == set()
        differing = {option for option, about in peer[way].items() if ours[way][option]["dest"] != about["dest"]}
        assert differing == set()


def test_its_flags_take_the_same_words_and_have_the_same_defaults(peer: Dict[str, Any], ours: Dict[str, Any]) -> None:
    for option, theirs in peer["plain"].items():
        if option in ("-h", "--help"):
            continue
        name, mine = option[2:], ours["plain"][option]
        assert mine["nargs"] == theirs["nargs"], option
        assert mine["default"] == OTHER_DEFAULTS.get(name, theirs["default"]), option
        if name in COLLECTING:
            assert (theirs["kind"], mine["kind"]) == ("_StoreAction", "_ExtendAction"), option
        else:
            assert mine["kind"] == theirs["kind"], option


def test_its_functions_and_classes_are_there_in_the_same_modules(peer: Dict[str, Any], ours: Dict[str, Any]) -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "compatibility.md").read_text()
    assert set(peer["methods"]) - set(ours["methods"]) == set()
    for module, theirs in peer["names"].items():
        public = {name for name in theirs if not name.startswith("_")}
        assert len(public) > 0, module
        missing = public - set(ours["names"][module])
        if module == "mini_lb":
            assert "MiniLoadBalancer" not in missing
        else:
            assert {name for name in missing if f"`{module}.{name}`" not in page} == set(), module


def test_every_difference_is_documented(peer: Dict[str, Any], ours: Dict[str, Any]) -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "compatibility.md").read_text()
    for name in [*COLLECTING, *OTHER_DEFAULTS]:
        assert f"`--{name}`" in page, name
    extra = [name for name, _ in ours["fields"][len(peer["fields"]) :]]
    assert len(extra) > 20
    flags = (Path(__file__).parent.parent.parent / "docs" / "configuration.md").read_text()
    assert [name for name in extra if f"`--{name.replace('_', '-')}`" not in flags] == []
