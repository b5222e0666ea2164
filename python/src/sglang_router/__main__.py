"""``python -m sglang_router``: the same as the program ``sglang-router``."""

from sglang_router.cli import main

if __name__ == "__main__":
    main()
