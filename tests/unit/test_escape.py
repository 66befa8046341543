"""File names of any bytes as text, and back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from workers.sources.escape import escaped, typed, unescaped

ODD = st.text(st.sampled_from("ax4efu20nrt\\\n\x07\x1b\x85\u00ad\u202e\u2028\ufffe\udc80\udce4\ud800ä"), max_size=12)


@given(st.one_of(ODD, st.text(st.characters())))
def test_every_name_has_a_text_of_its_own_that_everything_can_hold(name: str) -> None:
    text = escaped(name)
    assert unescaped(text) == name
    assert text.encode().decode() == text
    assert "\0" not in text and json.loads(json.dumps(text)) == text
    element = etree.Element("name")
    element.text = text
    assert etree.fromstring(etree.tostring(element)).text == (text or None)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("März 1898.png", "März 1898.png"),
        ("M\udce4rz.png", "M\\xe4rz.png"),
        ("bell\x07\n.png", "bell\\x07\\n.png"),
        ("\\p1.png", "\\p1.png"),
        ("\\x07.png", "\\\\x07.png"),
        ("soft\u00ad.png", "soft\\u00ad.png"),
        ("नी\u200dल.png", "नी\u200dल.png"),
    ],
)
def test_names_stay_readable(name: str, text: str) -> None:
    assert escaped(name) == text
    assert typed(text) == text
    assert typed(name) == text or name == "\\x07.png"  # what a table shows for another file
