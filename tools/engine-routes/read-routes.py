"""Prints the HTTP routes of the SGLang in a wheel, as JSON: [{"path", "methods", "source"}].

The source is parsed, never imported: no dependency of SGLang is needed. Standard library only.
"""

import ast
import json
import sys
import zipfile

# Where the application of the engine is, newest first.
SERVERS = ("sglang/srt/entrypoints/http_server.py", "sglang/srt/server.py")
VERBS = ("get", "post", "put", "patch", "delete", "head", "options")


class Module:
    """One file, its constants, and the routers that it imports, as name -> path of the file."""

    def __init__(self, path, text):
        self.path = path
        self.tree = ast.parse(text, path)
        self.constants = {}
        self.imports = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                self.constants.setdefault(node.targets[0].id, node.value)
            if isinstance(node, ast.ImportFrom) and node.module is not None:
                for name in node.names:
                    self.imports[name.asname or name.name] = node.module.replace(".", "/") + ".py"

    def fail(self, node, what):
        sys.exit(f"{self.path}:{node.lineno}: {what}: {ast.unparse(node)[:200]}")

    def text_of(self, node):
        """A path: a literal, the default of an environment variable, or a name for either; None if only its operator knows it."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        if isinstance(node, ast.Name) and node.id in self.constants:
            return self.text_of(self.constants[node.id])
        is_lookup = isinstance(node, ast.Call) and ast.unparse(node.func) in ("os.environ.get", "os.getenv", "environ.get")
        if is_lookup:
            return self.text_of(node.args[1]) if len(node.args) == 2 else None
        return self.fail(node, "cannot read this path")

    def methods_of(self, call, verb):
        if verb in VERBS:
            return [verb.upper()]
        if verb == "websocket":
            return ["WEBSOCKET"]
        for keyword in call.keywords:
            if keyword.arg == "methods":
                return [self.text_of(one) for one in keyword.value.elts]
        return ["GET"]

    def routes(self, owner):
        """Of the application or router that is called `owner` here."""
        for node in ast.walk(self.tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            verb = node.func.attr
            if not isinstance(node.func.value, ast.Name) or node.func.value.id != owner:
                continue
            if verb in VERBS or verb in ("api_route", "route", "websocket", "add_api_route", "add_route"):
                path = self.text_of(node.args[0] if node.args else next(k.value for k in node.keywords if k.arg == "path"))
                if path is not None:
                    yield {"path": path, "methods": self.methods_of(node, verb), "source": f"{self.path}:{node.lineno}"}

    def included(self, owner):
        """Routers that are put into `owner`, as (name in their file, file)."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == f"{owner}.include_router":
                name = node.args[0]
                if not isinstance(name, ast.Name) or name.id not in self.imports:
                    self.fail(node, "cannot find this router")
                yield name.id, self.imports[name.id]


def read(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        server = next((name for name in SERVERS if name in names), None)
        if server is None:
            sys.exit(f"{wheel}: none of {', '.join(SERVERS)}: where is the application now?")

        def module(path):
            return Module(path, archive.read(path).decode("utf-8"))

        main = module(server)
        found = list(main.routes("app"))
        for name, path in main.included("app"):
            if path not in names:
                sys.exit(f"{wheel}: {server} includes {name} of {path}, which is not there")
            found += module(path).routes("router")
    if not found:
        sys.exit(f"{wheel}: no route found in {server}: its decorators have another form now")
    return found


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: read-routes.py WHEEL")
    json.dump(read(sys.argv[1]), sys.stdout)
