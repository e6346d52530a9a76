"""What one search works with: the articles of a workspace at one moment, and who may read which."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from backend.core.access import Actor, allows
from knowledge.documents import Article
from knowledge.faiss_index import FaissPassageIndex
from knowledge.grown_index import GrownPassageIndex
from knowledge.shelved_articles import ShelvedArticle, ShelvedPassage
from knowledge.text import Language, normalise
from knowledge.word_index import WordIndex

ASKED_LATELY = 8  # sets of readable texts made anew with each edition; others when they are asked for
TEXTS_READ = 50  # for characters of which the index only knows pairs
MOST_MISSING = 0.2  # share of unembedded texts up to which meaning beats words alone

Readers = Mapping[tuple[str, ...], Mapping[Language, frozenset[str]]]
Meaning = FaissPassageIndex | GrownPassageIndex
Change = tuple[ShelvedArticle | None, ShelvedArticle | None]  # an article before and after


@dataclass(frozen=True)
class Edition:
    """What one search works with; a newer one takes its place as a whole.

    ``meaning`` may lag behind: ``waiting`` are the texts that it lacks; ``is_whole`` when it holds the very
    passages of ``words``, which always has all. ``readers`` are the texts by who may read them and language:
    far fewer groups than articles; ``translations`` the articles of each locale group.
    """

    workspace_id: str
    version: int
    articles: Mapping[str, ShelvedArticle]  # by text key
    passages: Mapping[str, ShelvedPassage]  # by passage id
    readers: Readers
    translations: Mapping[str, tuple[ShelvedArticle, ...]]
    words: WordIndex
    meaning: Meaning | None = None
    waiting: frozenset[str] = frozenset()
    is_whole: bool = False
    # What was asked before, of these very articles.
    _readable: dict[tuple[tuple[tuple[str, ...], ...], Language | None], frozenset[str]] = field(
        default_factory=dict, repr=False, compare=False
    )
    _translated: dict[tuple[frozenset[str], Language], frozenset[str]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def readable_by(self, actor: Actor, only: Language | None = None) -> frozenset[str]:
        """Return the texts that the actor may read, by the one access predicate; ``only`` of a language.

        Actors with the same rights get the same set, so that what is made of it is made once.
        """
        return self._readable_of(
            tuple(
                acl
                for acl in self.readers
                if allows(actor, Article.kind, "read", workspace_id=self.workspace_id, acl=acl)
            ),
            only,
        )

    def _readable_of(self, granted: tuple[tuple[str, ...], ...], only: Language | None) -> frozenset[str]:
        found = self._readable.pop((granted, only), None)
        if found is None:
            groups = [
                texts
                for acl in granted
                for language, texts in self.readers[acl].items()
                if only is None or language == only
            ]
            # Few and large sets: put together without a look at each text.
            found = groups[0] if len(groups) == 1 else frozenset().union(*groups)
        self._readable[granted, only] = found  # as the latest
        return found

    def holding(self, word: str, readable: frozenset[str]) -> Iterator[str]:
        """Yield the text of each passage of the ``readable`` texts that has the (stemmed) word."""
        for row in self.words.lexical.holders(word):  # one by one: most look at the first alone
            passage = self.words.passages[row]
            if passage.article_id in readable:
                yield self.passages[passage.passage_id].text

    def has_phrase(self, characters: str, readable: frozenset[str]) -> bool:
        """Tell whether a passage of the ``readable`` texts has these Chinese characters in a row.

        ``characters`` are two or more, folded by `normalise`. Only some texts that may have them are read.
        """
        texts = islice(self.holding(characters[:2], readable), TEXTS_READ)
        return any(characters in normalise(text) for text in texts)

    def translated(self, keys: frozenset[str], language: Language) -> frozenset[str]:
        """Return those of ``keys`` in another language whose translation into ``language`` is among them."""
        if (keys, language) not in self._translated:
            self._translated[keys, language] = frozenset(
                text.text_key
                for group in self.translations.values()
                if len(group) > 1
                and any(text.language == language and text.text_key in keys for text in group)
                for text in group
                if text.language != language and text.text_key in keys
            )
        return self._translated[keys, language]

    def prepared_for(self, earlier: "Edition") -> "Edition":
        """Return it with what was asked of an ``earlier`` one at hand: off the loop, where a search asks."""
        again: dict[frozenset[str], frozenset[str]] = {}
        for (granted, only), texts in list(earlier._readable.copy().items())[-ASKED_LATELY:]:
            still = tuple(acl for acl in self.readers if acl in granted)
            again[texts] = self._readable_of(still, only)
        for keys, language in earlier._translated.copy():
            if keys in again:
                self.translated(again[keys], language)
        return self

    def is_indexed(self, keys: frozenset[str]) -> bool:
        """Tell whether the search by meaning misses little enough of these texts to be the better one."""
        missing = len(self.waiting & keys)
        return self.meaning is not None and missing <= len(keys) * MOST_MISSING


def regrouped(readers: Readers, changes: Sequence[Change]) -> Readers:
    """Group texts by who may read them, after a few changes: large sets are copied, not made anew."""
    lost: dict[tuple[tuple[str, ...], Language], set[str]] = {}
    won: dict[tuple[tuple[str, ...], Language], set[str]] = {}
    for old, new in changes:
        for text, into in ((old, lost), (new, won)):
            if text is not None:
                into.setdefault((text.acl, text.language), set()).add(text.text_key)
    groups = {acl: dict(of_language) for acl, of_language in readers.items()}
    for acl, language in dict.fromkeys([*lost, *won]):
        texts = groups.setdefault(acl, {}).pop(language, frozenset())
        texts = texts.difference(lost.get((acl, language), ())).union(won.get((acl, language), ()))
        if texts:
            groups[acl][language] = texts
        elif not groups[acl]:
            del groups[acl]
    return groups


def regrouped_translations(
    known: Mapping[str, tuple[ShelvedArticle, ...]], changes: Sequence[Change]
) -> Mapping[str, tuple[ShelvedArticle, ...]]:
    """Group articles that are, or could be, translations of one another, after a few changes."""
    touched: dict[str, dict[str, ShelvedArticle]] = {}
    for change in changes:
        for text in change:
            if text is not None and (group := text.locale_group) and group not in touched:
                touched[group] = {one.article_id: one for one in known.get(group, ())}
    if not touched:
        return known
    for old, new in changes:
        if old is not None and old.locale_group:
            touched[old.locale_group].pop(old.article_id)
        if new is not None and new.locale_group:
            touched[new.locale_group][new.article_id] = new
    groups = {**known, **{group: tuple(texts.values()) for group, texts in touched.items()}}
    for group, texts in touched.items():
        if not texts:
            del groups[group]
    return groups
