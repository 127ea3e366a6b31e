"""Sentences that can be said in another language later.

A :class:`Text` is its English sentence, and knows the template and the parameters that it was
made from. Whoever shows it says in which language::

    note = Text("The film is {width} px wide.", width=640)
    note == "The film is 640 px wide."
    translate(note, "ko")  # "영상의 너비는 640픽셀입니다."

So logs, JSON and comparisons hold English whatever a reader chose, and no function below the
page, the report and the command line has to know a language.

Templates are literals: ``make messages`` collects them from the source into the catalogues under
``locale/``, and a test proves that each has a translation with the same parameters. A template
of another's code, and words of a user's own model, are said as they are.
"""

from __future__ import annotations

import gettext
import re
import string
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Self, cast, get_args

Language = Literal["en", "ko"]

LANGUAGES: Mapping[Language, str] = {"en": "English", "ko": "한국어"}
"""Every language by its code, with its own name."""

LOCALE = Path(__file__).parent / "locale"
DOMAIN = "hilum"

Parameter = str | int | float


class Text(str):
    """A sentence, or a part of one; as a ``str`` it is English.

    Methods of ``str`` give plain strings, which cannot be translated any more.

    Parameters
    ----------
    template
        Literal English in the form of :meth:`str.format`, its fields named.
    parameters
        What stands in the fields. Texts among them are translated with the whole; any other
        ``str`` is a name or a value that is the same in all languages.
    """

    __slots__ = ("_capital", "_parameters", "_plural", "_template")

    _template: str
    _plural: str | None
    _parameters: dict[str, Parameter]
    _capital: bool

    def __new__(cls, template: str, /, **parameters: Parameter) -> Self:
        """Fill the template."""
        return cls._make(template, None, parameters, capital=False)

    @classmethod
    def counted(cls, one: str, many: str, count: int, /, **parameters: Parameter) -> Self:
        """Fill the template for one or for many; ``{count}`` is one of its fields."""
        return cls._make(one, many, {"count": count, **parameters}, capital=False)

    @classmethod
    def _make(
        cls, template: str, plural: str | None, parameters: dict[str, Parameter], *, capital: bool
    ) -> Self:
        chosen = template if plural is None or parameters["count"] == 1 else plural
        text = super().__new__(cls, _fill(chosen, parameters, capital=capital))
        text._template, text._plural = template, plural
        text._parameters, text._capital = parameters, capital
        return text

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self._template, self._plural, self._parameters, self._capital)

    @property
    def template(self) -> str:
        """The English template, that for one where there are two."""
        return self._template

    @property
    def parameters(self) -> dict[str, Parameter]:
        """What stands in the fields."""
        return dict(self._parameters)

    def as_start(self) -> Text:
        """Give the same with a capital first letter, in whichever language it is said."""
        return Text._make(self._template, self._plural, self._parameters, capital=True)

    def _say(self, words: gettext.NullTranslations, language: Language) -> str:
        if not self._template:
            template = ""  # A catalogue keeps its own head under the empty one.
        elif self._plural is None:
            template = words.gettext(self._template)
        else:
            template = words.ngettext(
                self._template, self._plural, cast("int", self._parameters["count"])
            )
        said = {
            name: value._say(words, language) if isinstance(value, Text) else value
            for name, value in self._parameters.items()
        }
        return _fill(template, said, capital=self._capital)


def _fill(template: str, parameters: Mapping[str, Parameter], *, capital: bool) -> str:
    filled = template.format_map(parameters)
    return filled[:1].upper() + filled[1:] if capital else filled


def _restore(
    template: str, plural: str | None, parameters: dict[str, Parameter], capital: bool
) -> Text:
    return Text._make(template, plural, parameters, capital=capital)


def translate(text: str, language: str) -> str:
    """Say a text in a language.

    A ``str`` that is no :class:`Text` is a name or a value, and comes back as it is.

    Raises
    ------
    ValueError
        There is no such language.
    """
    chosen = check_language(language)
    if chosen == "en" or not isinstance(text, Text):
        return str(text)
    # The standard library keeps a catalogue that it has read.
    words = gettext.translation(DOMAIN, LOCALE, languages=[chosen])
    return text._say(words, chosen)


def check_language(language: str) -> Language:
    """Give the code of a language back.

    Raises
    ------
    ValueError
        There is no such language.
    """
    if language not in get_args(Language):
        raise ValueError(f'There is no language "{language}". There are: {", ".join(LANGUAGES)}.')
    return cast("Language", language)


def template(words: str) -> str:
    """Mark a literal as a template that stands away from its :class:`Text`."""
    return words


def recall(words: str, *templates: str) -> Text:
    """Make words that come from a file (a rule, a label of a spec) a text again.

    Parameters
    ----------
    words
        A :class:`Text` is given back as it is.
    templates
        Marked by :func:`template`. The first that the words fit is the text's.

    Returns
    -------
    A text that says just the words. Where they fit no template they are one themselves: the
    catalogues know labels, rules and sentences of the shipped models, and other words are said
    as they are.
    """
    if isinstance(words, Text):
        return words
    for one in templates:
        parameters = _read_parameters(words, one)
        if parameters is not None:
            return Text(one, **parameters)
    return Text(words.replace("{", "{{").replace("}", "}}"))


def _read_parameters(words: str, template: str) -> dict[str, Parameter] | None:
    """Read what stands in the fields of a filled template; ``None`` where it is another's."""
    pattern, numeric = "", set()
    for literal, name, form, _ in string.Formatter().parse(template):
        pattern += re.escape(literal)
        if name is not None:
            pattern += f"(?P<{name}>.+?)"
            numeric |= {name} if form else set()
    found = re.fullmatch(pattern, words, re.DOTALL)
    if found is None:
        return None
    parameters: dict[str, Parameter] = dict(found.groupdict())
    try:
        parameters |= {name: float(found[name]) for name in numeric}
    except ValueError:
        return None
    return parameters if template.format_map(parameters) == words else None


def join_texts(texts: Iterable[str], separator: str = " ") -> Text:
    """Put texts one behind another."""
    parts = {f"part{number}": text for number, text in enumerate(texts)}
    return Text(separator.join(f"{{{name}}}" for name in parts), **parts)


def list_texts(texts: Iterable[str]) -> Text:
    """Put texts into a row: ``a, b and c``."""
    *first, last = texts
    if not first:
        return recall(last)
    return Text("{first} and {last}", first=join_texts(first, ", "), last=last)
