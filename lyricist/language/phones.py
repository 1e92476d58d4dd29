"""The alphabet of the pronunciation table: one printable character a phone.

Vowels are the letters a to o, upper case where stressed; consonants are digits and signs. Phones
are named as the CMU Pronouncing Dictionary names them. Knows no words.
"""

_VOWEL_NAMES = "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW"
_CONSONANT_NAMES = "B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH"
_VOWELS = "abcdefghijklmno"
#: The signs of all consonants.
CONSONANTS = "0123456789!#$%&()*+-/:<="

_NAMES = f"{_VOWEL_NAMES} {_CONSONANT_NAMES}".split()
_CODE = dict(zip(_NAMES, _VOWELS + CONSONANTS, strict=True))


def code(names: str) -> str:
    """`"K AE1 T"` as one string; a vowel is stressed if its name ends in 1 or 2."""
    return "".join(
        _CODE[name.rstrip("012")].upper() if name[-1] in "12" else _CODE[name.rstrip("0")]
        for name in names.split()
    )


def is_vowel(phone: str) -> bool:
    """Whether one character of a code is a vowel, of whatever stress."""
    return phone.isalpha()
