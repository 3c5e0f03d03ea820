"""OSC 1.0 address patterns, held against what regular expressions say, and bounded in what they cost."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.control.patterns import MAX_LENGTH, Pattern, is_pattern
from antiphon.errors import UsageError
from antiphon.params import REGISTRY


@pytest.mark.parametrize("pattern, address, expected", [
    ("/antiphon/*", "/antiphon/dry", True),
    ("/antiphon/*", "/antiphon/send/1", False),  # * does not cross a slash
    ("/*/*/1", "/antiphon/send/1", True),
    ("/antiphon/d?y", "/antiphon/dry", True),
    ("/antiphon/d?", "/antiphon/dry", False),
    ("/antiphon/?dry", "/antiphon/dry", False),
    ("/antiphon/send/[1-3]", "/antiphon/send/2", True),
    ("/antiphon/send/[1-3]", "/antiphon/send/4", False),
    ("/antiphon/send/[!1-3]", "/antiphon/send/4", True),
    ("/antiphon/send/[!1-3]", "/antiphon/send/2", False),
    ("/antiphon/send/[13-]", "/antiphon/send/3", True),  # a dash at the end is a dash
    ("/antiphon/send/[]", "/antiphon/send/1", False),
    ("/antiphon/send/[3-1]", "/antiphon/send/2", False),
    ("/antiphon/{dry,voice}", "/antiphon/voice", True),
    ("/antiphon/{d,dr}y", "/antiphon/dry", True),
    ("/antiphon/dry{,x}", "/antiphon/dry", True),
    ("/antiphon/{dry}", "/antiphon/voice", False),
    ("/antiphon/*r*", "/antiphon/dry", True),
    ("/antiphon/**", "/antiphon/dry", True),
    ("//dry", "/antiphon/dry", False),  # OSC 1.1's // is not taken
    ("/antiphon/dry*", "/antiphon/dry", True),
    ("/antiphon", "/antiphon/dry", False),
])  # fmt: skip
def test_a_pattern_means_what_osc_says(pattern, address, expected):
    assert Pattern(pattern).matches(address) is expected


@pytest.mark.parametrize("pattern", ["/a[b", "/a{b", "/a]b", "/a}b", "/{a/b}", "/[a/b]", "/" + "a" * MAX_LENGTH])
def test_a_pattern_that_is_none_is_one_line(pattern):
    with pytest.raises(UsageError) as caught:
        Pattern(pattern)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


def as_regular_expression(tokens):
    """What the parts of a pattern are to `re`."""
    return "".join(
        {"*": "[^/]*", "?": "[^/]"}.get(token)
        or (f"[^{token[2:-1]}]" if token.startswith("[!") else token if token.startswith("[") else
            "(?:" + token[1:-1].replace(",", "|") + ")" if token.startswith("{") else re.escape(token))
        for token in tokens
    )  # fmt: skip


TOKENS = st.lists(
    st.sampled_from(["*", "?", "a", "b", "c", "/", "[a-b]", "[!a]", "[bc]", "{a,bc}", "{ab,a,}", "{c}"]), max_size=8
)


@settings(max_examples=500, deadline=None)
@given(TOKENS, st.text("abc/", max_size=8))
def test_it_agrees_with_regular_expressions(tokens, address):
    """Any pattern, any address; where [!a] may not be a slash."""
    expression = as_regular_expression(tokens).replace("[^a]", "[^a/]")
    assert Pattern("".join(tokens)).matches(address) is bool(re.fullmatch(expression, address))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=150))
def test_any_text_is_a_pattern_or_refused(text):
    """Two outcomes, for what a stranger may send."""
    try:
        pattern = Pattern(text)
    except UsageError:
        return
    assert pattern.matches("/antiphon/dry") in (True, False)


def test_the_worst_pattern_costs_its_length(monkeypatch):
    """One step for each of its characters, where a matcher that tries again would take years."""
    from antiphon.control import patterns

    steps = []
    anything, exactly = patterns._anything, patterns._exactly
    monkeypatch.setattr(patterns, "_anything", lambda text, places: steps.append(1) or anything(text, places))
    monkeypatch.setattr(patterns, "_exactly", lambda c: lambda text, places: steps.append(1) or exactly(c)(text, places))
    assert not Pattern("*a" * 60 + "b").matches("a" * 1000)
    assert len(steps) <= 121


def test_no_address_of_the_table_is_a_pattern():
    assert not any(is_pattern(path) for path in REGISTRY.paths)
    assert all(is_pattern(address) for address in ("/a*", "/?", "/[a]", "/{a}"))
