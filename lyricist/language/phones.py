"""The code in which pronunciations are stored: one printable character for each phone.

Vowels are the letters a to o, upper case where stressed; consonants are digits and signs. Phones
have the names of the CMU Pronouncing Dictionary.
"""

_VOWEL_NAMES = "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW"
_CONSONANT_NAMES = "B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH"
_VOWELS = "abcdefghijklmno"
#: The characters of all consonants.
CONSONANTS = "0123456789!#$%&()*+-/:<="

_NAMES = f"{_VOWEL_NAMES} {_CONSONANT_NAMES}".split()
_CODE = dict(zip(_NAMES, _VOWELS + CONSONANTS, strict=True))


def encode_phones(names: str) -> str:
    """Named phones ("K AE1 T") in the code; the name of a stressed vowel ends in 1 or 2."""
    return "".join(
        _CODE[name.rstrip("012")].upper() if name[-1] in "12" else _CODE[name.rstrip("0")]
        for name in names.split()
    )


def is_vowel(phone: str) -> bool:
    """Whether one character of the code is a vowel, stressed or not."""
    return phone.isalpha()
