"""A wrong policy is refused before anything starts: every problem in one go, a line each, with what would be right."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from golden_files import Golden
from ragpulse.agents.plain_yaml import Problem
from ragpulse.agents.policy_file import channel_warnings, find_policy, load_policy, packaged_policy, parse_policy
from ragpulse.agents.policy_problems import problems_of
from ragpulse.agents.settings import Settings
from ragpulse.schemas.errors import ConfigurationError
from ragpulse.schemas.policy import Policy
from repository import ROOT


def refusal(text: str | bytes) -> list[str]:
    """Return the lines of the error that a file's content leads to."""
    data = text.encode() if isinstance(text, str) else text
    with pytest.raises(ConfigurationError) as refused:
        parse_policy("policy.yaml", data)
    return str(refused.value).splitlines()


def plain(promise: str) -> str:
    return f"version: 1\nsla: {{services: [{{sla_requirements: {{{promise}}}}}]}}\n"


def own(objective: str) -> str:
    return f"version: 1\nsla: {{services: [{{objectives: {{{objective}}}}}]}}\n"


@pytest.mark.parametrize(
    ("policy", "right"),
    [
        (plain("max_response_time: 2500"), "For 2500 ms write max_response_time: 2.5"),
        (plain("min_availability: 0.995"), "For a ratio of 0.995 write min_availability: 99.5"),
        (plain("min_availability: 1"), "For a ratio of 1 write min_availability: 100"),
        (plain("min_quality_score: 85"), "For 85 percent write 0.85"),
        (own("p95_latency_ms: {threshold: 0.5}"), "For 0.5 s write 500"),
        (own("availability: {threshold: 99.5}"), "For 99.5 percent write 0.995"),
        (own("quality_score: {threshold: 80}"), "For 80 percent write 0.8"),
    ],
)
def test_a_wrong_unit_is_refused_with_the_right_form(policy: str, right: str) -> None:
    # Defect D1 of the first implementation: a score in 0 to 1 was compared with a minimum in other units.
    (line,) = refusal(policy)

    assert line.endswith(right)


def test_every_problem_is_listed_in_the_order_of_the_file(golden: Golden) -> None:
    lines = refusal((ROOT / "tests" / "golden" / "wrong_policy.yaml").read_bytes())

    assert len(lines) == 30
    golden("tests/golden/wrong_policy.txt", "\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", "policy.yaml: is empty: a policy begins with version: 1"),
        ("# nothing yet\n", "policy.yaml: is empty: a policy begins with version: 1"),
        ("- a list\n", "policy.yaml:1: must be a section of keys, and is a list"),
        ("sla: {}\n", "policy.yaml:1: version: is missing: write version: 1"),
        ("version: 2\n", "policy.yaml:1: version: must be the number 1, and is 2"),
        ("version: 1\nsla:\n", "policy.yaml:2: sla: must be a section of keys, and is empty"),
        ("version: 1\nversion: 1\n", "policy.yaml:2: version: is given twice, first on line 1: keep one"),
        (
            "version: 1\nsla:\n  services: []\n  services: []\n",
            "policy.yaml:4: sla.services: is given twice, first on line 3: keep one",
        ),
        ("version: 1\ntrue: 5\n", "true: unknown key."),
        (b"version: \xff\n", "policy.yaml: is not UTF-8 (byte 9)"),
        ("version: [1\n", "policy.yaml:2: is not YAML: expected ',' or ']', but got '<stream end>'"),
        ("version: 1\n? [a]\n: b\n", "policy.yaml:2: is not YAML: found unhashable key"),
        ("version: 1\n---\nversion: 1\n", "policy.yaml:2: is not YAML: but found another document"),
        ("version: \x07\n", "policy.yaml: is not YAML: it holds a control character"),
        ("version: 2020-99-99\n", "policy.yaml: is not YAML: a text that looks like a number or a date needs quotes"),
        ("version: &v 1\n", "policy.yaml:1: has an anchor or alias (& or *): write the value out, or put it in quotes"),
        ("version: *secret\n", "policy.yaml:1: has an anchor or alias (& or *): write the value out, or put it in quotes"),
        ("version: !!python/name:os.system ''\n", "policy.yaml:1: has a tag (!): leave it out, or put the value in quotes"),
        ("[" * 100_000, "policy.yaml:1: is nested deeper than 16 levels"),
        (plain("min_quality_score: 1" + "0" * 400), "must be a finite number"),
        (own("availability: {threshold: 1" + "0" * 400 + "}"), "must be a finite number"),
        (f"version: 1\nbounds: {{max_depth: 1{'0' * 400}}}\n", "must be at most 200"),
        ("#" * 300_000, "policy.yaml: is larger than 262144 bytes"),
    ],
)  # fmt: skip
def test_what_is_no_policy_at_all_is_refused_in_one_line(content: str | bytes, line: str) -> None:
    (found,) = refusal(content)

    assert line in found


def test_an_address_in_the_policy_is_not_repeated() -> None:
    lines = refusal(
        "version: 1\nchannels: [{name: 'slack://canary/x', kind: 'json://canary/y'}]\n"
        "routes: [{name: a, channels: ['slack://canary/z'], severities: ['json://canary']}]\n"
    )

    assert len(lines) == 4
    assert [line for line in lines if "canary" in line] == []


@given(st.text(alphabet="version:1 sla\n-[]{}&*!#'\",?|>%@`~0x9.e_\t", max_size=60) | st.binary(max_size=40))
def test_whatever_the_file_holds_the_answer_is_a_policy_or_a_sentence(content: str | bytes) -> None:
    try:
        parsed = parse_policy("policy.yaml", content.encode() if isinstance(content, str) else content)
    except ConfigurationError as refused:
        assert all(line.startswith("policy.yaml") for line in str(refused).splitlines())  # noqa: PT017
    else:
        assert isinstance(parsed, Policy)


def test_a_sections_keys_are_named_where_none_is_near() -> None:
    (line,) = refusal("version: 1\nroutes: [{name: a, channels: [b], xyz: 1}]\nchannels: [{name: b}]\n")

    assert line.endswith("xyz: unknown key. Known: name, severities, types, service, tenant, channels, send_resolved")


def test_a_kind_of_problem_without_words_of_its_own_is_still_said() -> None:
    error = ValidationError.from_exception_data(
        "Policy", [{"type": "string_too_short", "loc": ("routes", 0, "name"), "input": "", "ctx": {"min_length": 1}}]
    )

    assert problems_of(error) == [Problem("String should have at least 1 character, and is ''", ("routes", 0, "name"))]


def test_the_example_to_copy_is_the_one_that_is_installed() -> None:
    assert packaged_policy().data == (ROOT / "deploy" / "policy.example.yaml").read_bytes()


def test_the_example_shows_both_forms_and_every_kind_of_channel() -> None:
    policy = parse_policy("example", packaged_policy().data)

    assert {entry.sla_requirements is None for entry in policy.sla.services} == {True, False}
    assert {channel.kind.value for channel in policy.channels} == {"slack", "email", "pagerduty", "teams", "webhook"}
    assert {channel.name for channel in policy.channels} == {name for route in policy.routes for name in route.channels}


def test_the_named_file_counts_before_the_working_directory_and_that_before_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    named = tmp_path / "named.yaml"
    named.write_text("version: 1\nbounds: {max_depth: 20}\n")

    assert find_policy(None) == packaged_policy()
    (tmp_path / "policy.yaml").write_text("version: 1\nbounds: {max_depth: 30}\n")
    assert find_policy(None).name == "policy.yaml"
    assert load_policy(Settings()).bounds.max_depth == 30
    assert load_policy(Settings(policy_file=named)).bounds.max_depth == 20


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gone\.yaml: cannot be read: No such file or directory"):
        find_policy(tmp_path / "gone.yaml")
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        find_policy(tmp_path)


def test_the_settings_name_a_channels_address_by_an_environment_variable() -> None:
    policy = parse_policy("example", packaged_policy().data)
    urls = dict.fromkeys(["slack", "email", "pagerduty", "teems"], Settings().kafka.sasl_password)

    assert channel_warnings(policy, urls) == [
        "channel teams has no URL: route look at it today reaches nobody there. Set RAGPULSE_CHANNELS__TEAMS",
        "channel webhook has no URL: route wake somebody reaches nobody there. Set RAGPULSE_CHANNELS__WEBHOOK",
        "a URL is set for teems, which is no channel of the policy. Did you mean teams?",
    ]


def test_a_policy_that_promises_nothing_and_tells_nobody_is_allowed_and_said() -> None:
    assert channel_warnings(Policy(version=1), {}) == [
        "no promise: nothing is judged, and no alert says that a service is slow or down",
        "no route: alerts are published on the alerts topic, and nobody is told",
    ]
