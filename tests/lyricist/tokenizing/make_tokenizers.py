"""Makes the small tokenizers in data/, whose way of cutting text is their makers' own. Run by hand:

python -m tests.lyricist.tokenizing.make_tokenizers

It needs the packages transformers 5.24 and mistral-common 1.13, which nothing else here needs. The
vocabularies are learned from this project's songs and from numbers, so that digits are merged where
no cut keeps them apart.
"""

import inspect
import json
from importlib import resources
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors, trainers

ROOT = Path(__file__).parents[3]
DATA = Path(__file__).parent / "data"
TOKENS = 600
#: A word that no merge makes: only a tokenizer that looks for whole words first finds it.
UNREACHABLE = "Ġharmonica"


def main() -> None:
    """Writes one file for each cut, named as llama.cpp names it."""
    from transformers import GPT2Tokenizer, Qwen2Tokenizer
    from transformers.convert_slow_tokenizer import TikTokenConverter

    songs = (ROOT / "corpus" / "songs.jsonl").read_text(encoding="utf-8").splitlines()
    songs += [" ".join(map(str, range(start, start + 500))) for start in range(0, 20_000, 500)]
    for name, kind in (("gpt-2", GPT2Tokenizer), ("qwen2", Qwen2Tokenizer)):
        made = kind().train_new_from_iterator(songs, TOKENS)
        _write(name, json.loads(made._tokenizer.to_str()))
    pattern = inspect.signature(TikTokenConverter.__init__).parameters["pattern"].default
    _write("llama-bpe", _learned(pattern, songs))
    tekken = resources.files("mistral_common").joinpath("data/tekken_240911.json")
    own = json.loads(tekken.read_text(encoding="utf-8"))["config"]["pattern"]
    _write("tekken", _learned(own, songs))


def _learned(pattern: str, songs: list[str]) -> dict[str, Any]:
    """A tokenizer that cuts by `pattern`, with one word of which the parts do not merge."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    split = pre_tokenizers.Split(Regex(pattern), behavior="isolated")
    whole = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, whole])
    trainer = trainers.BpeTrainer(
        vocab_size=TOKENS,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(songs, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 0)]
    )
    fields: dict[str, Any] = json.loads(tokenizer.to_str())
    vocabulary = fields["model"]["vocab"]
    vocabulary[UNREACHABLE] = len(vocabulary)
    return fields


def _write(name: str, fields: dict[str, Any]) -> None:
    path = DATA / f"{name}.json"
    path.write_text(json.dumps(fields, ensure_ascii=False, indent=None) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
