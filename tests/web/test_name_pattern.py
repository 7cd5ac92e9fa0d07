"""The pattern of names in /openapi.json allows what the core allows, neither more nor less."""

import re
import unicodedata

import jsonschema_rs
from hypothesis import example, given
from hypothesis import strategies as st

from vigility import InvalidInput
from vigility.core.validators import valid_feature
from vigility.web.openapi.document import document

SCHEMA = document()["components"]["schemas"]["TrackBody"]["properties"]["feature_name"]
PATTERN = re.compile(SCHEMA["pattern"])
VALIDATOR = jsonschema_rs.Draft202012Validator({"type": "string", "pattern": SCHEMA["pattern"]})

# Characters that are invisible, and those beside which some of them are needed.
PIECES = [
    *"a é1# \u3000\n\u0301",
    *"\u00ad\u200b\u200c\u200d\u2800\u3164\ufe0e\ufe0f\ufeff\u202e\u20e3\u180b\ufffe",
    *"\u0645\u06cc\u0915\u094d\u845b\u1820👩🏽💻❤🏴",
    *"\U000e0100\U000e0061\U000e007f\U0001ffff",
    "".join(chr(0xE0000 + ord(letter)) for letter in "gbeng") + "\U000e007f",
]
names = st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join) | st.text(
    min_size=1, max_size=20
)


def is_valid(name):
    try:
        valid_feature(name)
    except InvalidInput:
        return False
    return True


@given(name=names)
@example("👩\u200d💻")
@example("\u0645\u06cc\u200c\u062e")
@example("\ufe0f")
def test_the_pattern_and_the_rule_agree(name):
    composed = unicodedata.normalize("NFC", name)  # as the rule sees it
    assert VALIDATOR.is_valid(composed) == is_valid(composed)
    if not composed.endswith("\n"):  # before which `$` of Python matches too
        assert bool(PATTERN.search(composed)) == is_valid(composed)
