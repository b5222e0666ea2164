#!/bin/sh
# engine.sh VENV MODEL PORT [SGLang flags ...]
# Becomes one SGLang engine on 127.0.0.1:PORT that computes on the CPU. Ready when GET /health answers 200,
# which takes 20 to 90 s. SIGTERM drains it, SIGINT twice or SIGKILL ends it. Output goes to stdout and stderr.
set -eu

if [ $# -lt 3 ]; then
  echo "usage: engine.sh VENV MODEL PORT [SGLang flags ...]" >&2
  exit 2
fi
tools=$(cd "$(dirname "$0")" && pwd)
python="$1/bin/python"
model=$2
port=$3
shift 3

# SGLang's CPU branches, the stand-in for the compiled kernels, and no search for a GPU.
export SGLANG_USE_CPU_ENGINE=1 CUDA_VISIBLE_DEVICES= PYTHONPATH="$tools/shim"
# Nothing is fetched from a model hub.
export HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 TOKENIZERS_PARALLELISM=false
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}" PYTHONUNBUFFERED=1
# An engine that fails waits for core dumps of a GPU before it ends, by default 60 s.
export SGLANG_CUDA_COREDUMP_BEFORE_CRASH_WAIT_SECS=0
# With this set, no start would find compiled modules.
unset PYTHONDONTWRITEBYTECODE

exec "$python" -m sglang.launch_server \
  --host 127.0.0.1 --port "$port" \
  --model-path "$model" --served-model-name tiny \
  --device cpu --dtype float32 --attention-backend torch_native --sampling-backend pytorch --grammar-backend none \
  --cuda-graph-backend-decode=disabled --cuda-graph-backend-prefill=disabled --disable-overlap-schedule \
  --max-total-tokens 16384 \
  --skip-server-warmup --enable-metrics --enable-cache-report \
  "$@"
