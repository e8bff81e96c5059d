"""The page around the data: its policy, and data that stay data."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relata.view.page import embedded, page


def parts(html: str) -> dict[str, str]:
    """Policy, style, data and script of a page, by the way a browser would cut it."""
    scripts = re.findall(r"<script[^>]*>(.*?)</script>", html, re.DOTALL | re.IGNORECASE)
    assert len(scripts) == 2
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert policy
    assert style
    return {"policy": policy[1], "style": style[1], "data": scripts[0], "script": scripts[1]}


def test_the_policy_allows_the_page_s_own_style_and_script_by_hash_and_no_network() -> None:
    found = parts(page("t", []))
    rules = dict(rule.strip().split(" ", 1) for rule in found["policy"].split(";"))
    for name in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(found[name].encode()).digest()).decode()
        assert rules[f"{name}-src"] == f"'sha256-{digest}'"
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["img-src"] == "'self' data:"
    assert set(rules) == {"default-src", "base-uri", "form-action", "img-src", "style-src", "script-src"}


def test_nothing_in_the_page_names_another_place() -> None:
    html = page("t", [])
    known = {"http://www.w3.org/2000/svg"}  # a name, never fetched
    assert set(re.findall(r"https?://[^\s\"')]+", html)) <= known
    assert "@import" not in html
    assert "url(" not in html


def test_the_script_never_turns_text_into_markup_or_code() -> None:
    script = parts(page("t", []))["script"]
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval",
        "Function",
        "srcdoc",
        "DOMParser",
    ):
        assert word not in script


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet=st.characters(exclude_categories=()), max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
@settings(deadline=None)
def test_any_data_comes_out_of_the_page_as_it_went_in(data: Any) -> None:
    text = embedded(data)
    assert not set("<>&\u2028\u2029") & set(text)
    assert text.isascii()
    assert json.loads(text) == data


@pytest.mark.parametrize("title", ["</title><script>alert(1)</script>", "a & b \"c\" 'd'", "\x00\ud800"])
def test_titles_are_escaped(title: str) -> None:
    html = page(title, [])
    parts(html)  # still exactly two scripts
    assert re.search(r"<title>[^<>\"']*</title>", html)
    html.encode()
