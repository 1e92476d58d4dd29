"""What stands around a prompt is found by rendering a stranger's template, in a bounded process."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyricist.bundle.prompt_form import CHAT_ML, MOST_MARKUP, PromptForm
from lyricist.errors import BuildError
from lyricist.tokenizing import chat_template
from lyricist.tokenizing.chat_template import MOST_TEMPLATE_BYTES, form_of_template

CHAT_ML_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
TURNS = (
    "{{ bos_token }}{% for m in messages %}<turn>{{ m.role }}\n{{ m.content | trim }}</turn>\n"
    "{% endfor %}{{ '<turn>model\n' }}"
)


def test_chatml_is_what_its_template_says() -> None:
    assert form_of_template(CHAT_ML_TEMPLATE, "<s>", "</s>") == CHAT_ML


@pytest.mark.parametrize(
    "refusing",
    [
        "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}",
        "{% if messages[0].role == 'system' %}{% set messages = messages[1:] %}{% endif %}",
    ],
)
def test_without_a_place_for_a_system_its_text_begins_the_users(refusing: str) -> None:
    form = form_of_template(refusing + TURNS, "<s>", "</s>")
    assert form == PromptForm("<s><turn>user\n", "\n\n", "</turn>\n<turn>model\n")


def test_a_template_of_parts_is_given_parts() -> None:
    template = (
        "{% for m in messages %}[{{ m.role }}]{% for part in m.content %}"
        "{% if part.type == 'text' %}{{ part.text }}{% endif %}{% endfor %}{% endfor %}[model]"
    )
    assert form_of_template(template, "", "") == PromptForm("[system]", "[user]", "[model]")


@pytest.mark.parametrize(
    ("thoughts", "after"),
    [
        ("{% if enable_thinking is false %}<think></think>{% endif %}", "<think></think>"),
        ("{{ '<think>\n' }}", "<think>\n\n</think>\n\n"),
        ("{% if enable_thinking %}<think>{% endif %}", ""),
    ],
)
def test_a_model_that_thinks_has_thought_nothing(thoughts: str, after: str) -> None:
    form = form_of_template(f"{CHAT_ML_TEMPLATE}{thoughts}", "", "")
    assert form.after == CHAT_ML.after + after


def test_a_template_has_what_its_makers_count_on() -> None:
    template = (
        "{%- if tools is not none %}{{ raise_exception('tools') }}{% endif -%}"
        "{% for m in messages %}{% if loop.index > 2 %}{% break %}{% endif %}"
        "{% generation %}({{ m.content }}){% endgeneration %}{% endfor %}"
        "{{ strftime_now('%d %b %Y') }} {{ ['é'] | tojson }}{{ eos_token }}"
    )
    form = form_of_template(template, "<s>", "</s>")
    assert form.after == ')26 Jul 2024 ["é"]</s>'


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("{% if %}", "TemplateSyntaxError"),
        ("{{ ().__class__.__mro__ }}", "SecurityError"),
        ("{{ raise_exception('only on Mondays') }}", "only on Mondays"),
        ("{{ messages[1].content }}", "does not stand in what it says"),
        ("{{ 'a' * 10000000000 }}", "MemoryError"),
        ("{{ 'a' * 200000 }}", "says more than 100000 characters"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "RecursionError"),
        ("x" * (MOST_TEMPLATE_BYTES + 1), "more than 200000 bytes"),
        ("x" * (MOST_MARKUP + 1) + CHAT_ML_TEMPLATE, "does not stand in what it says"),
    ],
)
def test_a_template_that_cannot_be_used_is_refused_in_a_sentence(
    template: str, sentence: str
) -> None:
    with pytest.raises(BuildError, match=re.escape(sentence)):
        form_of_template(template, "", "")


def test_a_template_that_loops_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_template, "MOST_SECONDS", 1)
    loop = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
    begun = time.monotonic()
    with pytest.raises(BuildError, match=r"longer than 1 s"):
        form_of_template(loop, "", "")
    assert time.monotonic() - begun < 20


@settings(max_examples=25, deadline=15_000)
@given(at=st.integers(0, len(CHAT_ML_TEMPLATE)), text=st.text(max_size=6))
def test_a_damaged_template_is_read_or_refused(at: int, text: str) -> None:
    try:
        form = form_of_template(CHAT_ML_TEMPLATE[:at] + text + CHAT_ML_TEMPLATE[at + 3 :], "", "")
    except BuildError:
        return
    assert len(form.before) <= MOST_MARKUP
