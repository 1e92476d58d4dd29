"""The benchmarks: VerseQueue beside its peers, in one run, on the reader's own machine."""
