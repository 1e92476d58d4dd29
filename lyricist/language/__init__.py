"""English as it sounds and as it may be said: rhyme, syllables, forbidden words, measures of verse.

Owns the dictionary and the word lists. Knows no tokens, no network and no song.
"""
