#!/bin/sh
# install.sh VENV: puts SGLang 0.5.23 for the CPU into the virtual environment VENV.
# Needs x86-64 Linux, Python 3.11 or later, 7 GB of disk; downloads about 2.9 GB.
set -eu

if [ $# -ne 1 ]; then
  echo "usage: install.sh VENV" >&2
  exit 2
fi
tools=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
target=$(cd "$1" && pwd)
python="$target/bin/python"

python3 - <<'PY'
import sys
if sys.version_info < (3, 11):
    sys.exit("install.sh: needs Python 3.11 or later, this is " + sys.version.split()[0])
PY

# The KV transfer library links the RDMA verbs library even when it only uses TCP.
if ! ldconfig -p | grep -q 'libibverbs\.so\.1'; then
  echo "install.sh: libibverbs.so.1 is missing, trying apt-get install libibverbs1" >&2
  apt-get update -qq && apt-get install -y -qq --no-install-recommends libibverbs1
fi

test -x "$python" || python3 -m venv "$target"
"$python" -m pip install --quiet uv==0.13.8
export UV_LINK_MODE=copy
"$target/bin/uv" pip install --quiet --python "$python" --requirement "$tools/requirements.txt"
"$target/bin/uv" pip install --quiet --python "$python" --no-deps sglang==0.5.23

# Bytecode once and for all: without it every start of an engine compiles thousands of modules.
site=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
for package in sglang torch triton transformers numpy scipy fastapi pydantic uvicorn aiohttp sympy pandas xgrammar outlines openai; do
  env -u PYTHONDONTWRITEBYTECODE "$python" -m compileall -q -j 0 "$site/$package" >/dev/null 2>&1 || true
done

SGLANG_USE_CPU_ENGINE=1 PYTHONPATH="$tools/shim" "$python" -c 'import sglang; print("installed sglang", sglang.__version__)'
