"""RouterArgs: fields, parsers of others, and what cannot be passed on."""

import argparse
import dataclasses
import pickle
import re
from typing import Any, Dict, List

import pytest

from sglang_router import PolicyType, RouterArgs
from sglang_router.launch_router import parse_router_args
from sglang_router.router import policy_from_str


def test_prefill_and_decode_become_fields() -> None:
    args = parse_router_args(
        [
            "--pd-disaggregation",
            "--prefill",
            "http://a:1",
            "9000",
            "--prefill",
            "http://b:2",
            "none",
            "--prefill",
            "http://c:3",
            "--decode",
            "http://d:4",
        ]
    )
    assert args.prefill_urls == [("http://a:1", 9000), ("http://b:2", None), ("http://c:3", None)]
    assert args.decode_urls == ["http://d:4"]
    assert args.command_line().argv == [
        "--pd-disaggregation",
        "--prefill=http://a:1 9000",
        "--prefill=http://b:2 none",
        "--prefill=http://c:3 none",
        "--decode=http://d:4",
    ]


def test_labels_roles_and_keys_become_fields() -> None:
    args = parse_router_args(["--selector", "a=b c=d=e", "--jwt-role-mapping", "x=ADMIN", "--control-plane-api-keys", "1:n:User:k:e:y"])
    assert args.selector == {"a": "b", "c": "d=e"}
    assert args.jwt_role_mapping == {"x": "admin"}
    assert args.control_plane_api_keys == [("1", "n", "k:e:y", "user")]
    line = args.command_line()
    assert "--selector=a=b" in line.argv
    assert line.secrets == {"SGLANG_ROUTER_CONTROL_PLANE_API_KEYS": "1:n:user:k:e:y"}


def test_secrets_do_not_stand_on_the_command_line() -> None:
    line = RouterArgs(api_key="s3cret", oracle_password="t0p").command_line()
    assert line.argv == []
    assert line.secrets == {"SGLANG_ROUTER_API_KEY": "s3cret", "SGLANG_ROUTER_ORACLE_PASSWORD": "t0p"}


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        (["--port", "x"], "invalid int value: 'x'"),
        (["--policy", "fastest"], "invalid choice: 'fastest' (choose from round_robin"),
        (["--no-such-flag"], "unrecognized arguments: --no-such-flag"),
    ],
)
def test_wrong_command_lines_end_with_status_2(argv: List[str], part: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parse_router_args(argv)
    assert end.value.code == 2
    told = capsys.readouterr().err
    assert part in told


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        (["--prefill", "http://a:1", "x"], "Invalid bootstrap port: http://a:1: expected a number or none, got 'x'"),
        (["--prefill", "http://a:1", "1", "http://b:2"], "at most a bootstrap port after the URL"),
        (["--selector", "nothing"], "expected name=value, got 'nothing'"),
        (["--jwt-role-mapping", "nothing"], "Invalid role mapping format"),
        (["--jwt-role-mapping", "x=root"], "Invalid gateway role"),
        (["--control-plane-api-keys", "a:b:secret"], "Invalid API key format"),
        (["--control-plane-api-keys", "a:b:root:secret"], "Invalid role"),
    ],
)
def test_what_argparse_cannot_judge_is_a_value_error_as_in_the_original(argv: List[str], part: str) -> None:
    with pytest.raises(ValueError, match=re.escape(part)) as failure:
        parse_router_args(argv)
    assert "secret" not in str(failure.value)


def test_the_readers_of_single_flags_have_the_names_that_programs_know() -> None:
    assert RouterArgs._parse_selector(["a=b", "c=d=e", "nothing"]) == {"a": "b", "c": "d=e"}
    assert RouterArgs._parse_selector(["a=b c=d"]) == {"a": "b", "c": "d"}
    prefill = [["http://a:1", "9"], ["http://b:2", "none"], ["http://c:3"]]
    assert RouterArgs._parse_prefill_urls(prefill) == [("http://a:1", 9), ("http://b:2", None), ("http://c:3", None)]
    assert RouterArgs._parse_decode_urls([["http://d:4"]]) == ["http://d:4"]
    assert RouterArgs._parse_control_plane_api_keys(["1:n:user:k:e:y"]) == [("1", "n", "k:e:y", "user")]
    assert RouterArgs._parse_jwt_role_mapping(["x=Admin"]) == {"x": "admin"}
    for read in (RouterArgs._parse_prefill_urls, RouterArgs._parse_decode_urls, RouterArgs._parse_control_plane_api_keys):
        assert read(None) == []
    assert RouterArgs._parse_selector(None) == RouterArgs._parse_jwt_role_mapping(None) == {}


@pytest.mark.parametrize(
    ("policies", "level", "part"),
    [
        ({"prefill_policy": "random", "decode_policy": "round_robin"}, "WARNING", "--policy is not used for pairs"),
        ({"prefill_policy": "random"}, "INFO", "--prefill-policy 'random' for prefill workers and --policy 'cache_aware' for decode"),
        ({"decode_policy": "random"}, "INFO", "--policy 'cache_aware' for prefill workers and --decode-policy 'random' for decode"),
    ],
)
def test_the_log_says_which_policies_pairs_get(policies: Dict[str, str], level: str, part: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    RouterArgs(**policies)._validate_router_args()  # type: ignore[arg-type]
    assert caplog.records == [], "only pairs have two policies"
    RouterArgs(pd_disaggregation=True, **policies)._validate_router_args()  # type: ignore[arg-type]
    assert [(record.name, record.levelname) for record in caplog.records] == [("sglang_router.router_args", level)]
    assert part in caplog.text


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"worker_urls": "http://a:1"}, "worker_urls: expected a list"),
        ({"prefill_urls": "http://a:1"}, "prefill_urls: expected a list, got 'http://a:1'"),
        ({"decode_urls": "http://a:1"}, "decode_urls: expected a list"),
        ({"dp_aware": "yes"}, "dp_aware: expected True or False"),
        ({"prefill_urls": [("http://a:1", 1, 2)]}, r"prefill_urls: expected \(URL, port or None\)"),
        ({"bootstrap_port_annotation": "mine"}, "bootstrap_port_annotation: expected to be left out"),
    ],
)
def test_fields_that_no_flag_can_hold_are_refused_by_name(fields: Dict[str, Any], part: str) -> None:
    with pytest.raises(ValueError, match=part):
        RouterArgs(**fields).command_line()


def test_a_setting_of_an_engine_stands_in_where_the_prefixed_one_is_missing() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="1.2.3.4")
    parser.add_argument("--port", default=5)
    parser.add_argument("--seed", default=77)
    RouterArgs.add_cli_args(parser, use_router_prefix=True, exclude_host_port=True)
    args = RouterArgs.from_cli_args(parser.parse_args(["--router-policy", "random"]), use_router_prefix=True)
    assert (args.host, args.port, args.policy) == ("1.2.3.4", 5, "random")
    assert args.seed is None
    # Of flags that sglang_router does not have, a name says nothing.
    bare = RouterArgs.from_cli_args(argparse.Namespace(host="h", seed=77, config="x", router_port=9), use_router_prefix=True)
    assert (bare.host, bare.port, bare.seed, bare.config) == ("h", 9, None, None)


def test_flags_of_ours_stand_back_where_a_parser_has_them() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int)
    parser.add_argument("--config")
    parser.add_argument("--verbose", action="store_true")
    RouterArgs.add_cli_args(parser)
    parsed = parser.parse_args(["--seed", "3", "--verbose", "--log-level", "warn"])
    assert parsed.seed == 3
    assert parsed.verbose is True
    assert RouterArgs.from_cli_args(parsed).log_level == "warn"


def test_defaults_come_from_the_environment_as_in_launch_router(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_DB_URL", "postgres://somewhere")
    monkeypatch.setenv("REDIS_POOL_MAX", "7")
    args = parse_router_args([])
    assert (args.postgres_db_url, args.redis_pool_max, args.oracle_pool_min) == ("postgres://somewhere", 7, 1)
    # The variable is there for others too: nobody has asked the router for history.
    assert args.command_line() == ([], {})
    assert parse_router_args(["--redis-pool-max", "8"]).command_line().argv == ["--redis-pool-max=8"]
    monkeypatch.setenv("REDIS_POOL_MAX", "many")
    with pytest.raises(ValueError, match="environment variable REDIS_POOL_MAX: expected an integer"):
        parse_router_args([])


def test_values_equal_to_defaults_count_as_not_given() -> None:
    policy: Any = PolicyType.CacheAware
    assert RouterArgs(port=30000, policy=policy, cache_threshold=0.3).command_line().argv == []
    policy = PolicyType.PowerOfTwo
    assert RouterArgs(policy=policy, retry_max_retries=1).command_line().argv == [
        "--policy=power_of_two",
        "--retry-max-retries=1",
    ]


def test_args_can_be_pickled_and_changed() -> None:
    args = RouterArgs(worker_urls=["http://a:1"])
    args.port = 4
    assert pickle.loads(pickle.dumps(args)) == args
    assert dataclasses.replace(args, host="h").command_line().argv == ["--worker-urls=http://a:1", "--host=h", "--port=4"]


def test_policies_have_the_names_of_sglang_router() -> None:
    assert policy_from_str("round_robin") is PolicyType.RoundRobin
    assert policy_from_str(None) is None
    assert [policy.name for policy in PolicyType] == [
        "Random",
        "RoundRobin",
        "CacheAware",
        "PowerOfTwo",
        "Bucket",
        "Manual",
        "ConsistentHashing",
        "PrefixHash",
    ]
