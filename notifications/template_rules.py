"""What a template may say: a language in which nothing can loop, run or swell without end. Pure.

Jinja's sandbox keeps templates from the inside of the house, but not from ``range(10**9)`` within itself.
So the syntax tree of a workspace's template is read before it is ever compiled, and holds nothing but
text, fields, conditions, a few filters, and a walk through a field that holds lines. What such a template
writes, and how long that takes, follows from its own length.
"""

from collections.abc import Iterable, Iterator, Mapping
from html.parser import HTMLParser

from jinja2 import TemplateSyntaxError, nodes
from jinja2.sandbox import SandboxedEnvironment

from notifications.catalogue import FieldSort

LONGEST = {"title": 500, "body": 2_000, "subject": 500, "text": 10_000, "html": 20_000}  # characters
DEEPEST = 12  # conditions inside conditions
LONGEST_CONSTANT = 200

FILTERS = frozenset(
    {
        *("upper", "lower", "capitalize", "trim", "truncate", "default", "join", "first", "last"),
        *("length", "escape", "e"),
    }
)
_PLAIN: tuple[type[nodes.Node], ...] = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.CondExpr, nodes.And, nodes.Or),
    *(nodes.Not, nodes.Concat, nodes.Compare, nodes.Operand, nodes.Keyword),
)
_LOOP = frozenset({"index", "first", "last", "length"})

TAGS = frozenset(
    {
        *("p", "br", "div", "span", "h1", "h2", "h3", "h4", "ul", "ol", "li", "a", "strong", "em", "b", "i"),
        *("u", "table", "thead", "tbody", "tr", "th", "td", "hr", "blockquote", "pre", "code", "small"),
    }
)
ATTRIBUTES = frozenset({"href", "style", "lang", "dir", "title", "align", "colspan", "rowspan", "width"})
SCHEMES = frozenset({"https", "http", "mailto"})
STYLES = frozenset(
    {
        *(
            "color",
            "background",
            "background-color",
            "font-family",
            "font-size",
            "font-weight",
            "line-height",
        ),
        *("margin", "padding", "border", "border-radius", "text-align", "text-decoration", "max-width"),
        *("display", "width", "word-break", "border-collapse"),
    }
)

_PARSER = SandboxedEnvironment()


class TemplateRefused(ValueError):
    """A template may not be used: ``code`` says why, ``values`` fill its words (``wording.refusal_text``)."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.code, self.values = code, values


def check_template(source: str, fields: Mapping[str, FieldSort], *, part: str) -> None:
    """Raise TemplateRefused unless ``source`` is a template of this language over ``fields``."""
    if len(source) > LONGEST[part]:
        raise TemplateRefused("too_long", length=len(source), most=LONGEST[part])
    try:
        tree = _PARSER.parse(source)
        _Reader(fields).read(tree)
    except TemplateSyntaxError as error:
        raise TemplateRefused("no_template", line=error.lineno, error=error.message) from None
    except RecursionError:
        raise TemplateRefused("too_deep") from None
    if part == "html":
        _check_html("".join(_html_of(tree)))


class _Reader:
    """Walks a syntax tree, and stops at the first thing that the language does not have."""

    def __init__(self, fields: Mapping[str, FieldSort]) -> None:
        self._fields = fields

    def read(self, node: nodes.Node, *, names: frozenset[str] = frozenset(), deep: int = 0) -> None:
        if deep > DEEPEST * 4:
            raise TemplateRefused("too_deep")
        match node:
            case nodes.Name():
                self._read_name(node, names)
            case nodes.For():
                self._read_loop(node, names, deep)
                return
            case nodes.Filter():
                self._read_filter(node)
            case nodes.Const():
                _check_constant(node)
            case nodes.Getattr():
                _check_loop_fact(node, names)
                return
            case _ if not isinstance(node, _PLAIN):
                raise TemplateRefused("not_here", line=node.lineno, word=_word(node))
        for child in node.iter_child_nodes():
            self.read(child, names=names, deep=deep + 1)

    def _read_name(self, node: nodes.Name, names: frozenset[str]) -> None:
        if node.ctx != "load" or (node.name not in self._fields and node.name not in names):
            known = ", ".join(sorted(self._fields))
            raise TemplateRefused("no_field", line=node.lineno, name=node.name, known=known)

    def _read_filter(self, node: nodes.Filter) -> None:
        if node.name not in FILTERS or node.kwargs or node.dyn_args or node.dyn_kwargs:
            known = ", ".join(sorted(FILTERS))
            raise TemplateRefused("no_filter", line=node.lineno, name=node.name, known=known)
        if not all(isinstance(one, nodes.Const) for one in node.args):
            raise TemplateRefused("computed", line=node.lineno, name=node.name)

    def _read_loop(self, node: nodes.For, names: frozenset[str], deep: int) -> None:
        over, target = node.iter, node.target
        is_lines = isinstance(over, nodes.Name) and self._fields.get(over.name) is FieldSort.LINES
        if names or node.recursive or node.test is not None or not is_lines:
            lines = sorted(name for name, sort in self._fields.items() if sort is FieldSort.LINES)
            code = "endless" if lines else "endless_here"
            raise TemplateRefused(code, line=node.lineno, lines=", ".join(lines))
        if not isinstance(target, nodes.Name):
            raise TemplateRefused("apart", line=node.lineno)
        within = frozenset({target.name, "loop"})
        for child in node.body:
            self.read(child, names=within, deep=deep + 1)
        for child in node.else_:
            self.read(child, deep=deep + 1)


def _check_constant(node: nodes.Const) -> None:
    value = node.value
    if not isinstance(value, str | int | bool | None) or len(str(value)) > LONGEST_CONSTANT:
        raise TemplateRefused("constant", line=node.lineno)


def _check_loop_fact(node: nodes.Getattr, names: frozenset[str]) -> None:
    is_loop = isinstance(node.node, nodes.Name) and node.node.name == "loop" and "loop" in names
    if not is_loop or node.attr not in _LOOP:
        raise TemplateRefused("inside", line=node.lineno, name=node.attr)


def _known(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _word(node: nodes.Node) -> str:
    words = {"Getitem": "[…]", "Call": "(…)", "Assign": "set"}
    return words.get(type(node).__name__, type(node).__name__.lower())


# ── HTML ─────────────────────────────────────────────────────────────────────────────────────────


def _html_of(node: nodes.Node) -> Iterator[str]:
    """Yield the text of a template with every branch in it, and ``x`` in place of each value."""
    if isinstance(node, nodes.TemplateData):
        yield node.data
    elif isinstance(node, nodes.Output):
        for one in node.nodes:
            if isinstance(one, nodes.TemplateData):
                yield one.data
            else:
                yield "https://x.example"
    else:
        for child in node.iter_child_nodes():
            yield from _html_of(child)


def _check_html(text: str) -> None:
    reader = _HtmlReader()
    reader.feed(text)
    reader.close()


class _HtmlReader(HTMLParser):
    """Refuses what a letter has no use for: scripts, handlers, pictures from elsewhere, comments."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            raise TemplateRefused("tag", tag=tag, known=_known(TAGS))
        for name, value in attrs:
            if name not in ATTRIBUTES:
                raise TemplateRefused("attribute", name=name, known=_known(ATTRIBUTES))
            scheme = (value or "").strip().partition(":")[0].lower()
            if name == "href" and scheme not in SCHEMES:
                raise TemplateRefused("link")

    def handle_comment(self, data: str) -> None:
        raise TemplateRefused("comment")

    def handle_decl(self, decl: str) -> None:
        raise TemplateRefused("declaration")

    def handle_pi(self, data: str) -> None:
        raise TemplateRefused("instruction")

    def unknown_decl(self, data: str) -> None:
        raise TemplateRefused("declaration")
