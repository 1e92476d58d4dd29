"""Derives pronunciations.txt.gz from the CMU Pronouncing Dictionary. Run by hand:

python -m lyricist.language.data.derive_pronunciations path/to/cmudict.dict
"""

import gzip
import re
import sys
from pathlib import Path

from lyricist.language.phones import encode_phones

#: Only words that lyrics can hold; "a.m." and hyphenated entries are left out.
_WORD = re.compile(r"^[a-z']+$")
#: Longer entries are mostly surnames; rhyme.py derives the rest by suffix.
_LONGEST_WORD = 14


def derive(lines: list[str]) -> bytes:
    """The table: a word and its pronunciations, separated by spaces, on alternating lines."""
    table: dict[str, list[str]] = {}
    for line in lines:
        entry, phones = line.split("#")[0].split(maxsplit=1)
        word = re.sub(r"\(\d+\)$", "", entry)
        if _WORD.match(word) and len(word) <= _LONGEST_WORD:
            known = table.setdefault(word, [])
            if encode_phones(phones) not in known:
                known.append(encode_phones(phones))
    rows = (f"{word}\n{' '.join(codes)}" for word, codes in sorted(table.items()))
    return "\n".join(rows).encode("ascii")


if __name__ == "__main__":
    source = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    target = Path(__file__).with_name("pronunciations.txt.gz")
    target.write_bytes(gzip.compress(derive(source), compresslevel=9, mtime=0))
    sys.stdout.write(f"{target.name}: {target.stat().st_size} bytes\n")
