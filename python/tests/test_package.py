"""The wheel itself."""

import re
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path
from typing import List

import sglang_router
from sglang_router.version import COMPATIBLE_WITH, ROUTER_VERSION

DIST = Path(__file__).parent.parent / "dist"


def wheel() -> zipfile.ZipFile:
    (path,) = DIST.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_tests_run_over_the_installed_wheel() -> None:
    assert "site-packages" in sglang_router.__file__
    assert (Path(sglang_router.__file__).parent / "_router" / "dist" / "bin" / "launch-router.js").is_file()


def test_the_version_says_what_it_stands_in_for() -> None:
    assert sglang_router.__version__ == metadata.version("sglang-router") == f"{COMPATIBLE_WITH}+ts.{ROUTER_VERSION}"


def test_the_wheel_is_small_and_for_every_platform() -> None:
    (path,) = DIST.glob("*.whl")
    assert path.name.endswith("-py3-none-any.whl")
    assert path.stat().st_size < 3_000_000


def test_the_wheel_holds_what_runs_and_the_licences_of_all_of_it() -> None:
    names = wheel().namelist()
    ballast = [name for name in names if name.endswith((".d.ts", ".map", ".ts", ".test.js", "README.md"))]
    assert ballast == []
    assert "sglang_router/py.typed" in names
    # A package.json further down in a package only says how its files are to be read.
    homes = [re.match(r"(.*node_modules/(?:@[^/]+/)?[^/@]+)/package\.json$", name) for name in names]
    packages = {home[1] for home in homes if home is not None}
    assert len(packages) >= 8
    licensed = {name.rpartition("/")[0] for name in names if name.rpartition("/")[2].upper().startswith(("LICENSE", "LICENCE"))}
    assert packages - licensed == set(), "each with its licence"
    assert "sglang_router/_router/LICENSE" in names


def imported(statement: str) -> List[str]:
    code = f"import sys; before = set(sys.modules); {statement}; print(*sorted(set(sys.modules) - before))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_only_the_standard_library_is_imported_on_start() -> None:
    names = {name.partition(".")[0] for name in imported("import sglang_router.launch_router, sglang_router.launch_server")}
    if sys.version_info >= (3, 10):
        assert names - set(sys.stdlib_module_names) == {"sglang_router"}
    assert len(names) > 5


def test_importing_it_loads_next_to_nothing() -> None:
    # The time that an import takes depends on the machine; how much is imported does not.
    ours = [name for name in imported("import sglang_router") if name.startswith("sglang")]
    assert ours == ["sglang_router", "sglang_router.version"]
    fastest = min(import_seconds() for _ in range(5))
    assert fastest < 0.1


def import_seconds() -> float:
    code = "import time; begun = time.perf_counter(); import sglang_router; print(time.perf_counter() - begun)"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
