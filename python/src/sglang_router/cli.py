"""The programs ``sglang-router``, ``smg`` and ``amg``."""

import os
import platform
import sys
from typing import List, NoReturn, Optional

from sglang_router.version import COMPATIBLE_WITH, ROUTER_VERSION, __version__

_USAGE = """Usage: {prog} COMMAND [OPTIONS]

Commands:
  launch   run the router in front of workers that run already
  server   start engines on this machine, and the router in front of them

Options:
  -h, --help         print help; {prog} COMMAND --help prints that of a command
  -V, --version      print the version
  --version-verbose  print the version and what the router runs on
"""


def main(argv: Optional[List[str]] = None) -> NoReturn:
    """Runs the command of ``argv``, by default that of the process."""
    words = sys.argv[1:] if argv is None else argv
    prog = os.path.basename(sys.argv[0]) if sys.argv else ""
    if prog in ("", "-c", "__main__.py"):
        prog = "python -m sglang_router"
    first = words[0] if words else ""
    if first in ("-V", "--version"):
        print(f"sglang-router {__version__}")
    elif first == "--version-verbose":
        print(verbose_version())
    elif first in ("-h", "--help"):
        print(_USAGE.format(prog=prog), end="")
    elif first in ("launch", "start"):
        from sglang_router.launch_router import run

        run(words[1:], f"{prog} {first}")
    elif first == "server":
        from sglang_router.launch_server import run as run_server

        run_server(words[1:], f"{prog} server")
    else:
        problem = "a command is missing" if first == "" else f"{first!r} is no command"
        hint = f"; did you mean `{prog} launch {first} ...`?" if first.startswith("--") else ""
        sys.stderr.write(f"{_USAGE.format(prog=prog)}\nerror: {problem}{hint}\n")
        sys.exit(2)
    sys.exit(0)


def verbose_version() -> str:
    """Version, and what the router runs on, a line each."""
    from sglang_router._node import NodeMissing, find_node

    try:
        node = find_node(os.environ)
        runs_on = f"Node.js {node.version}, {node.path} ({node.reason})"
    except NodeMissing as error:
        runs_on = f"no Node.js: {error}"
    return "\n".join(
        [
            f"sglang-router {__version__}",
            f"Router: {ROUTER_VERSION}",
            f"Compatible with: sglang_router {COMPATIBLE_WITH}",
            f"Runs on: {runs_on}",
            f"Python: {platform.python_version()}, {sys.executable}",
            f"Platform: {platform.platform()}",
        ]
    )
