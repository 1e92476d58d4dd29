"""The network at work: token ids in, logits out, for several texts at once. Knows no words.

`port` says what every engine promises; `litert` and `saved_model_engine` keep it. Their words:
- row: one text's sequence of tokens in an engine, numbered from 0.
- family: neighbouring rows that share one KV cache, so that what they have in common is computed
  and kept once; a row's place in its family is its branch. The drafts of a song's lines are one.
- slot: a place in a family's cache, for the keys and values of one token; a row is a list of them.
- window: the families whose caches the graph holds in its own tensors at the moment.
- session: a text being written, as a generator (see `sessions`).
- lane: one of several engines that write songs beside each other, each on one thread.
"""
