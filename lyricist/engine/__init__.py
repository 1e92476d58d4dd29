"""The network at work: token ids in, logits out, for several texts at once.

`port` says what every engine promises; `litert` and `tensorflow` keep it. Knows no words.
"""
