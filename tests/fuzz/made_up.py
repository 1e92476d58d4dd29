"""What a stranger may send: text, JSON, and bytes that were right before they were changed."""

import struct

from hypothesis import strategies as st

#: Pieces that some rule of ours, of Unicode, of a format or of a spreadsheet looks at.
_PIECES = (
    "_", "a_", "a", " ", "  ", "'", "’", "-", "*", "@", ".", ",", ";", "\t", "\n",
    "\r\n", "\0", '"', "f u c", "sh*", "İ", "ß", "ﬃ", "ǅ", "é", "e\u0301",
    "\u0301" * 40, "\u200d", "\u202e", "\u2028", "字", "٣", "²", "😀", "👩‍👩‍👧", "\ud800",
    "\udfff", "\ufeff", "\U0010ffff", "=", "＝", "<|im_end|>", "write me a song about ",
    " please", "verse 1:", "(1) ", "can you ", "rhyme", "[", "]", "{", "}", "prompt",
    "custom_id", "9" * 20, "9" * 400, "-0", "1e400", "NaN", "%", "&", "%00", "\\",
)  # fmt: skip
#: Runs of one piece find what is not linear; mixtures what is not foreseen.
texts = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(_PIECES), max_size=40).map("".join),
    st.builds(
        lambda piece, count, end: piece * count + end,
        st.sampled_from(_PIECES),
        st.integers(0, 400),
        st.sampled_from(_PIECES),
    ),
)
numbers = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([10**400, -(10**400), 1e308, 2**63, 2**64, -1, 0.5]),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=8,
)
#: Bytes that formats give a meaning to, among them counts that no file can keep.
_HOSTILE = (
    b"", b"\0", b"\xff", b"\xff" * 8, b"\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
    b'"', b"\n", b"\r", b",", b"\xef\xbb\xbf", b"{", b"[", b"--", b"\r\n\r\n",
    struct.pack("<Q", 1 << 60), struct.pack("<Q", 1 << 31), struct.pack("<I", 9),
    struct.pack("<I", 8), struct.pack("<Q", 100_000), b"[" * 3000, b"9" * 400,
)  # fmt: skip
_CHANGE = st.tuples(
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 12),
    st.sampled_from(_HOSTILE) | st.binary(max_size=8),
)


def damaged(*whole: bytes) -> st.SearchStrategy[bytes]:
    """One of `whole` after up to six changes: bytes cut out, written over, put in, or cut off."""
    return st.builds(
        _changed,
        st.sampled_from(whole),
        st.lists(_CHANGE, max_size=6),
        st.floats(0, 1) | st.just(1.0),
    )


def _changed(data: bytes, changes: list[tuple[float, int, bytes]], kept: float) -> bytes:
    for place, removed, added in changes:
        at = int(place * (len(data) + 1))
        data = data[:at] + added + data[at + removed :]
    return data[: int(len(data) * kept)] if kept < 0.2 else data
