/** What the Python package runs: the router with the defaults of `python -m sglang_router.launch_router`. */
import { runRouter } from './run-router.ts';

process.exit(await runRouter('launch_router'));
