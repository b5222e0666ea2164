"""Python runs this file at start-up, because its folder is on PYTHONPATH.

It changes one thing, which only an engine in prefill or decode mode needs: the mooncake sender of SGLang 0.5.23 claims to
take page indices in pinned host memory with a CUDA event, and without CUDA the scheduler dies when it makes them.
After that module has been loaded its claim is set to False; then the path that needs no CUDA is taken.
"""
import importlib.abc
import importlib.util
import sys

MODULE = "sglang.srt.disaggregation.mooncake.conn"


class AfterLoading(importlib.abc.Loader):
    """Loads the module as its own loader does, then corrects the claim."""

    def __init__(self, original):
        self.original = original

    def create_module(self, spec):
        return self.original.create_module(spec)

    def exec_module(self, module):
        self.original.exec_module(module)
        module.MooncakeKVSender.supports_host_tensor_indices = False


class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name != MODULE:
            return None
        sys.meta_path.remove(self)  # The real finders answer from here on.
        spec = importlib.util.find_spec(name)
        spec.loader = AfterLoading(spec.loader)
        return spec


sys.meta_path.insert(0, Finder())
