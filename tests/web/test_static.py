"""The page's files as they lie in web/: their size, their policy, their words, their markup."""

import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from tests.support.browser import WEB, missing, node_package
from versequeue.rules.batch import MAX_FILE_BYTES, MAX_ROWS
from versequeue.rules.job import MAX_PROMPT_CHARACTERS
from versequeue.rules.options import MAX_GIVEN_CHARACTERS

INDEX = (WEB / "index.html").read_text(encoding="utf-8")
TEXTS = (WEB / "en.js").read_text(encoding="utf-8")
LANGUAGES = ("en", "de", "es")
MODULES = sorted(WEB.glob("*.js"))


class _Elements(HTMLParser):
    """Every element with its attributes, and the text directly inside those that have an id."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text_of: dict[str, str] = {}
        self._id: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._id = dict(attrs).get("id")

    def handle_endtag(self, tag: str) -> None:
        self._id = None

    def handle_data(self, data: str) -> None:
        if self._id:
            self.text_of[self._id] = self.text_of.get(self._id, "") + data


def parsed() -> _Elements:
    found = _Elements()
    found.feed(INDEX)
    return found


def page_texts() -> dict[str, str]:
    block = re.search(r"export const page = \{(.*?)\n\};", TEXTS, re.S)
    assert block
    entries = re.findall(r'^\t"?([\w-]+)"?: ["`](.*)["`],$', block[1], re.M)
    assert len(entries) > 20
    return dict(entries)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_with_all_its_states_is_smaller_than_110_kilobytes(language: str) -> None:
    """In one language: each is fetched by those who read it."""
    others = {f"{code}.js" for code in LANGUAGES} - {f"{language}.js"}
    sizes = {file.name: file.stat().st_size for file in WEB.iterdir() if file.name not in others}
    assert sum(sizes.values()) < 110_000, sizes


def test_nothing_is_inline_and_the_policy_forbids_it() -> None:
    elements = parsed().elements
    for tag, attributes in elements:
        assert tag != "style"
        assert tag != "script" or attributes.get("src"), "an inline script"
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
    policy = next(
        attributes["content"] or ""
        for _, attributes in elements
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


def test_the_files_name_no_other_host() -> None:
    for file in WEB.iterdir():
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"(https?:)?//[a-z0-9-]+\.[a-z]", text), file.name


def test_no_module_makes_markup_from_text() -> None:
    for file in MODULES:
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text)


def test_every_text_has_its_element_and_the_markup_says_nothing_itself() -> None:
    found = parsed()
    ids = [attributes["id"] for _, attributes in found.elements if attributes.get("id")]
    assert len(ids) == len(set(ids))
    texts = page_texts()
    assert set(texts) <= set(ids)
    painted = {key for key, text in found.text_of.items() if text.strip()}
    assert painted == {"home"}, "the name alone is not translated"


def test_every_id_that_a_module_asks_for_exists() -> None:
    ids = {attributes.get("id") for _, attributes in parsed().elements}
    for file in MODULES:
        asked = re.findall(r'(?:\$|put)\("([\w-]+)"', file.read_text(encoding="utf-8"))
        assert set(asked) <= ids, file.name


def test_the_address_of_the_functions_is_one_file() -> None:
    config = (WEB / "config.js").read_text(encoding="utf-8")
    assert re.findall(r'^export const (\w+) = "";$', config, re.M) == [
        "SUBMIT_BASE",
        "RESULTS_BASE",
    ]
    for file in MODULES:
        imports = file.read_text(encoding="utf-8").count("./config.js")
        assert imports == (1 if file.name == "api.js" else 0)


def test_the_page_has_the_limits_of_the_server() -> None:
    limits_js = (WEB / "limits.js").read_text(encoding="utf-8")
    limits = dict(re.findall(r"^export const (\w+) = ([\d_]+);$", limits_js, re.M))
    assert {name: int(number) for name, number in limits.items()} == {
        "LONGEST": MAX_PROMPT_CHARACTERS,
        "LONGEST_LINE": MAX_GIVEN_CHARACTERS,
        "MOST_ROWS": MAX_ROWS,
        "MOST_MIB": MAX_FILE_BYTES / 2**20,
    }


def test_the_markup_and_the_styles_are_valid() -> None:
    if shutil.which("java") is None:
        missing("the validity of the page's HTML, because Java was not found")
    checker = node_package("vnu-jar/build/dist/vnu.jar")
    files = [str(file) for file in WEB.glob("*.html")]
    files += [str(WEB / "icon.svg"), str(WEB / "icon-done.svg")]
    command = ["java", "-Xss4m", "-jar", str(checker), "--errors-only", "--also-check-svg", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("file", MODULES, ids=lambda file: file.name)
def test_every_module_says_what_it_owns(file: object) -> None:
    assert str(file).endswith(".js")
    first = (WEB / str(file)).read_text(encoding="utf-8").split("\n", 1)[0]
    assert first.startswith("// ")
