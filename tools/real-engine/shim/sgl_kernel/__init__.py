"""Stands in for the package of compiled CPU kernels, which no package index offers.

Starting SGLang on a CPU imports functions called `..._cpu` from here; with the flags of engine.sh none of them is ever
called. So each such name is a function that refuses to run, and any other name is absent, as SGLang expects of a build
without it.
"""

__version__ = "0.0.0"


def _refusing(name):
    def kernel(*_args, **_kwargs):
        raise NotImplementedError(f"{name}: the stand-in for sgl_kernel has no kernels")

    return kernel


def __getattr__(name):
    if name.endswith("_cpu"):
        return _refusing(name)
    raise AttributeError(f"module 'sgl_kernel' has no attribute {name!r}")
