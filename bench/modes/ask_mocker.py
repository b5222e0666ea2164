"""Asks one of Dynamo's simulated engines directly, over Dynamo's own request plane and without a frontend.

Usage: ask_mocker.py NAMESPACE REQUESTS PROMPT_TOKENS OUTPUT_TOKENS, with the environment of a worker.
Prints the time to the first token of each request in ms, as a JSON list.
"""

import asyncio
import json
import sys
import time

from dynamo.runtime import DistributedRuntime


async def main():
    namespace, requests, prompt, output = sys.argv[1], *map(int, sys.argv[2:])
    runtime = DistributedRuntime(asyncio.get_running_loop(), "etcd", "tcp", event_plane="nats")
    client = await runtime.endpoint(f"{namespace}.backend.generate").client()
    worker = (await client.wait_for_instances())[0]
    times = []
    for number in range(requests):
        request = {
            "model": "tiny",
            "token_ids": [4 + (number + place) % 250 for place in range(prompt)],
            "stop_conditions": {"max_tokens": output, "ignore_eos": True},
            "sampling_options": {},
            "output_options": {},
            "eos_token_ids": [],
            "annotations": [],
        }
        begun, first = time.perf_counter(), None
        async for _ in await client.direct(request, worker, annotated=False):
            if first is None:
                first = time.perf_counter() - begun
        times.append(first * 1000)
    print(json.dumps(times))
    runtime.shutdown()


asyncio.run(main())
