"""The tokens of a model, and what each of them is as a word. Knows no network and no song.

Five words that mean one thing each, here and in all of the model's packages:
- token: what the network reads and writes, an id; its *text* is what stands for it in lyrics.
- vocabulary: all tokens of a model, with the way from text to ids and back (`tokens.Vocabulary`).
- word table: for every token, what it is as a word, as arrays (`word_table.WordTable`).
- lexicon: the questions that a line asks of that table (`lexicon.Lexicon`).
- piece: a token that goes on with a word that another token has begun.
"""
