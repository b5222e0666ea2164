"""Puts the router into the wheel: compiled programs, and of the npm packages what they load at run time."""

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, Set

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PROGRAMS = ("launch-router.js", "sim.js")
TARGET = "sglang_router/_router"

# `import x from 'y'`, `export * from 'y'`, `import 'y'`, `import('y')`.
# Not a string that ends in one of the two words: ['from', 'to'].
IMPORT = re.compile(r"""(?<!["'])(?:\bfrom\s*|\bimport\s*\(?\s*)["']([^"'\n]+)["']""")
# Types, maps and documents are left out, and at the top of a package folders of what nobody loads.
KEPT_SUFFIXES = {".js", ".cjs", ".mjs", ".json", ".wasm"}
DROPPED_FOLDERS = {
    "test",
    "tests",
    "docs",
    "doc",
    "benchmarks",
    "bench",
    "example",
    "examples",
    "types",
    "src",
    ".github",
    "node_modules",
}


class RouterBuildHook(BuildHookInterface[Any]):
    """Called by hatchling for every wheel."""

    def initialize(self, version: str, build_data: Dict[str, Any]) -> None:
        """An editable installation runs the checkout's own dist/; any other wheel gets a copy of what is needed."""
        if self.target_name != "wheel":
            raise RuntimeError("only wheels can be built: a source distribution would need the whole checkout")
        checkout = Path(self.root).resolve().parent
        compile_router(checkout)
        if version == "editable":
            return
        stage = Path(tempfile.mkdtemp(prefix="sglang-router-"))
        self._stage = stage
        for file in runtime_files(checkout):
            copy = stage / file
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(checkout / file, copy)
            build_data["force_include"][str(copy)] = f"{TARGET}/{file.as_posix()}"

    def finalize(self, _version: str, _build_data: Dict[str, Any], _artifact_path: str) -> None:
        """The copy has been packed."""
        stage = getattr(self, "_stage", None)
        if stage is not None:
            shutil.rmtree(stage, ignore_errors=True)


def compile_router(checkout: Path) -> None:
    """Brings dist/ up to date where the compiler is there; without it a dist/ that exists is taken."""
    node = shutil.which("node")
    if node is not None and (checkout / "node_modules/typescript").is_dir():
        subprocess.run([node, "tools/build.mjs"], cwd=checkout, check=True)
    missing = [name for name in PROGRAMS if not (checkout / "dist/bin" / name).is_file()]
    if missing or not (checkout / "node_modules/zod").is_dir():
        raise RuntimeError(
            f"the router is not compiled in {checkout}: run npm ci there first (Node.js >= 20.19), "
            "or install a wheel that npm run build:wheel has made elsewhere"
        )


def runtime_files(checkout: Path) -> List[Path]:
    """All files that the programs need, relative to the checkout: what they import, and whole packages without ballast."""
    files = {Path("package.json"), Path("LICENSE")}
    packages: Set[str] = set()
    waiting = [checkout / "dist/bin" / name for name in PROGRAMS]
    seen = set(waiting)
    while waiting:
        file = waiting.pop()
        files.add(file.relative_to(checkout))
        for name in IMPORT.findall(file.read_text(encoding="utf-8")):
            if name.startswith("."):
                target = (file.parent / name).resolve()
                if target not in seen:
                    seen.add(target)
                    waiting.append(target)
            elif not name.startswith("node:"):
                packages.add("/".join(name.split("/")[: 2 if name.startswith("@") else 1]))
    for folder in package_folders(checkout, packages):
        files.update(package_files(checkout, folder))
    return sorted(files)


def package_folders(checkout: Path, packages: Set[str]) -> Set[Path]:
    """Where the packages and all that they depend on lie."""
    done: Set[Path] = set()
    waiting = [(checkout, package) for package in packages]
    while waiting:
        dependent, package = waiting.pop()
        folder = resolve_package(checkout, dependent, package)
        if folder not in done:
            done.add(folder)
            manifest = json.loads((folder / "package.json").read_text(encoding="utf-8"))
            waiting += [(folder, name) for name in manifest.get("dependencies", {})]
    return done


def resolve_package(checkout: Path, dependent: Path, package: str) -> Path:
    """The folder that Node.js would find from a dependent: its own node_modules goes before that of the checkout."""
    for home in (dependent, checkout):
        folder = home / "node_modules" / package
        if (folder / "package.json").is_file():
            return folder
    raise RuntimeError(f"{package}, which {dependent.name} needs, is missing in node_modules: run npm ci in {checkout}")


def package_files(checkout: Path, folder: Path) -> Iterator[Path]:
    """Code and licence of a package, without packages inside it."""
    names = {file.relative_to(folder) for file in folder.rglob("*") if file.is_file()}
    for name in sorted(names):
        is_licence = name.name.upper().startswith(("LICENSE", "LICENCE", "COPYING", "NOTICE"))
        is_code = name.suffix in KEPT_SUFFIXES and not name.stem.endswith(".test")
        if (is_licence or is_code) and name.parts[0] not in DROPPED_FOLDERS:
            yield (folder / name).relative_to(checkout)
