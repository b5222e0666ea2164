"""Policies by name."""

import enum


class PolicyType(enum.Enum):
    """How a worker is chosen for a request. The value is what ``--policy`` takes.

    All names of sglang_router are there.
    """

    Random = "random"
    RoundRobin = "round_robin"
    CacheAware = "cache_aware"
    PowerOfTwo = "power_of_two"
    Bucket = "bucket"
    Manual = "manual"
    ConsistentHashing = "consistent_hashing"
    PrefixHash = "prefix_hash"
