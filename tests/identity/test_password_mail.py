"""Passwords and the mails about them, over HTTP and a real mail server on loopback."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from email.message import EmailMessage
from functools import partial
from typing import Any

import httpx
import pytest
import svcs

from backend.core.clock import HeldClock
from backend.core.errors import Unavailable
from backend.core.ids import new_id
from backend.core.mail import Mail, MailRefused, SmtpMailer
from backend.house import House
from backend.identity.credentials import set_password
from backend.identity.documents import Credential, Session, User
from backend.identity.letters import word_letter, word_page
from backend.identity.mail_documents import MailDue, OneTimeToken, Purpose
from backend.identity.outbox import Outbox
from backend.identity.tokens import digest
from tests.crew import Crew
from tests.fakes.mail_server import MailServer, mail_server
from tests.identity.signing_in import ANOTHER, PASSWORD, clocked, me, sign_in

SITE = "https://crm.test.example"

INVITE = """mutation($input: UserInviteInput!) { userInvite(input: $input) { __typename
    ... on Invitation { user { id email } isMailed link } ... on Error { message } } }"""
AGAIN = """mutation($id: ID!) { userInviteAgain(input: {id: $id}) { __typename
    ... on Invitation { isMailed link } ... on Error { code message } } }"""


@dataclass
class Post:
    """The mail server, and the outbox that sends to it."""

    server: MailServer
    outbox: Outbox

    async def mail(self) -> tuple[str, EmailMessage]:
        """Send what is due, and return what arrived next."""
        await self.outbox.store.bell.look()
        await self.outbox.send_due()
        return await self.server.next()

    async def token(self, to: str) -> str:
        """Return the secret in the next mail, which must be to ``to``."""
        address, message = await self.mail()
        assert address == to
        return token_in(text_of(message))


def text_of(message: EmailMessage, kind: str = "plain") -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def token_in(text: str) -> str:
    found = re.search(r"#token=([\w-]+)", text)
    assert found is not None, text
    return found[1]


@pytest.fixture
async def post(house: House) -> AsyncIterator[Post]:
    """The house with a mail server, for one test."""
    async with mail_server() as server:
        async with svcs.Container(house.registry) as services:
            usual = await services.aget(Outbox)
        mailer = SmtpMailer(server.url, "Rapport <no-reply@test.example>", house.store.clock)
        outbox = replace(usual, mailer=mailer, public_url=SITE)
        house.registry.register_value(Outbox, outbox)
        yield Post(server, outbox)
        house.registry.register_value(Outbox, usual)
        await MailDue.find_all().delete()


async def invited(crew: Crew, **more: Any) -> dict[str, Any]:
    about = {"email": f"{new_id()}@test.example", "name": "Wang Fang", "roleKeys": ["rep"], "locale": "en"}
    made: dict[str, Any] = (await crew.admin.ask(INVITE, input=about | more))["userInvite"]
    assert made["__typename"] == "Invitation", made
    return made


# ── invitations ──────────────────────────────────────────────────────────────────────────────────


async def test_an_invitation_comes_by_mail_and_lets_somebody_in_once(
    crew: Crew, post: Post, http: httpx.AsyncClient, house: House
) -> None:
    made = await invited(crew)
    assert (made["isMailed"], made["link"]) == (True, None)
    await house.relay.settle()
    address, message = await post.mail()
    email = made["user"]["email"]
    assert address == email
    assert message["Subject"] == "Admin invites you to Test"
    assert (message["From"], message["To"]) == ("Rapport <no-reply@test.example>", email)
    assert message["Auto-Submitted"] == "auto-generated"
    assert "Hello Wang Fang," in text_of(message)
    token = token_in(text_of(message))
    assert f'href="{SITE}/auth/invitation?lang=en#token={token}"' in text_of(message, "html")
    assert await MailDue.find({"user_id": made["user"]["id"]}).count() == 0

    accept = partial(http.post, "/auth/accept-invitation")
    assert (await accept(json={"token": token, "password": PASSWORD})).status_code == 204
    assert await me(http, await sign_in(http, email, PASSWORD)) == 200
    again = await accept(json={"token": token, "password": ANOTHER})
    assert (again.status_code, again.json()["fields"][0]["field"]) == (422, "token")
    assert (await sign_in(http, email, ANOTHER)).status_code == 401


async def test_mails_speak_the_recipients_language(crew: Crew, post: Post, house: House) -> None:
    await invited(crew, locale="zh", name="王芳")
    await house.relay.settle()
    _, message = await post.mail()
    assert message["Subject"] == "Admin邀请您加入Test"
    assert text_of(message).startswith("王芳，您好：\n")
    assert '<html lang="zh">' in text_of(message, "html")


async def test_the_secret_is_nowhere_in_the_store(crew: Crew, post: Post, house: House) -> None:
    made = await invited(crew)
    await house.relay.settle()
    token = await post.token(made["user"]["email"])
    rows = await OneTimeToken.find({"user_id": made["user"]["id"]}).to_list()
    assert [row.id for row in rows] == [digest(token)]
    for name in await house.store.database.list_collection_names():
        async for row in house.store.database[name].find({}):
            assert token not in str(row), name


async def test_an_invitation_counts_for_72_hours(crew: Crew, house: House) -> None:
    clock = HeldClock(house.store.clock.now())
    user = await crew.user("rep")
    secret = token_in(await (await at(house, clock)).link(Purpose.INVITATION, user))
    row = await OneTimeToken.get(digest(secret))
    assert row is not None
    assert row.expires_at == clock.now() + timedelta(hours=72)
    reset = token_in(await (await at(house, clock)).link(Purpose.RESET, user))
    row = await OneTimeToken.get(digest(reset))
    assert row is not None
    assert row.expires_at == clock.now() + timedelta(hours=1)


async def at(house: House, clock: HeldClock) -> Outbox:
    """Return the outbox with a clock of its own."""
    async with svcs.Container(house.registry) as services:
        usual = await services.aget(Outbox)
    return replace(usual, store=clocked(house.store, clock))


async def test_a_spent_link_says_so_and_changes_nothing(
    crew: Crew, http: httpx.AsyncClient, house: House
) -> None:
    user = await crew.user("rep")
    past = HeldClock(house.store.clock.now() - timedelta(hours=72, seconds=1))
    old = token_in(await (await at(house, past)).link(Purpose.INVITATION, user))
    wrong_purpose = token_in(
        await (await at(house, HeldClock(house.store.clock.now()))).link(Purpose.RESET, user)
    )
    for token in (old, wrong_purpose, "guessed", ""):
        refused = await http.post("/auth/accept-invitation", json={"token": token, "password": PASSWORD})
        assert (refused.status_code, refused.json()["fields"][0]["field"]) == (422, "token")
    assert await Credential.get(user.email) is None


async def test_another_link_comes_until_there_is_a_password(crew: Crew, http: httpx.AsyncClient) -> None:
    made = await invited(crew)
    again = (await crew.admin.ask(AGAIN, id=made["user"]["id"]))["userInviteAgain"]
    assert again["isMailed"] is False
    body = {"token": token_in(again["link"]), "password": PASSWORD}
    assert (await http.post("/auth/accept-invitation", json=body)).status_code == 204
    first = {"token": token_in(made["link"]), "password": ANOTHER}
    assert (await http.post("/auth/accept-invitation", json=first)).status_code == 422
    refused = (await crew.admin.ask(AGAIN, id=made["user"]["id"]))["userInviteAgain"]
    assert refused["__typename"] == "InvalidInput"
    assert (await crew.rep.ask(AGAIN, id=made["user"]["id"]))["userInviteAgain"]["code"] == "FORBIDDEN"


async def test_a_poor_password_leaves_the_link_to_try_again(crew: Crew, http: httpx.AsyncClient) -> None:
    made = await invited(crew)
    token = token_in(made["link"])
    for poor in ("short", "password1234", "Wang Fang 2026", "x" * 1_001):
        refused = await http.post("/auth/accept-invitation", json={"token": token, "password": poor})
        assert (refused.status_code, refused.json()["fields"][0]["field"]) == (422, "password")
    assert await Credential.get(made["user"]["email"]) is None
    done = await http.post("/auth/accept-invitation", json={"token": token, "password": PASSWORD})
    assert done.status_code == 204


# ── the outbox ───────────────────────────────────────────────────────────────────────────────────


async def test_a_mail_waits_for_a_server_that_is_away_and_is_sent_once(
    crew: Crew, post: Post, house: House
) -> None:
    made = await invited(crew)
    user = await User.get(made["user"]["id"])
    assert user is not None
    await house.relay.settle()
    await MailDue.find_all().delete()
    clock = HeldClock(house.store.clock.now() + timedelta(days=1))  # the house's own job finds nothing due
    mine = replace(post.outbox, store=clocked(house.store, clock))
    for _ in range(2):
        await mine.put_invitation("only once", user, inviter_id=crew.admin.user_id)
    post.server.replies += ["451 try later", "451 try later"]
    assert await mine.send_due() == 0
    assert await mine.send_due() == 0  # not before a minute has passed
    assert post.server.replies == ["451 try later"]
    clock.advance(timedelta(minutes=1))
    assert await mine.send_due() == 0
    clock.advance(timedelta(minutes=1))
    assert await mine.send_due() == 0  # the pause has doubled
    clock.advance(timedelta(minutes=1))
    assert await mine.send_due() == 1
    assert (await post.server.next())[0] == user.email
    assert await MailDue.get("only once") is None
    assert post.server.arrived.empty()


async def test_a_mail_whose_sender_died_goes_out_after_its_time(crew: Crew, post: Post, house: House) -> None:
    user = await crew.user("rep")
    clock = HeldClock(house.store.clock.now() + timedelta(days=1))
    mine = replace(post.outbox, store=clocked(house.store, clock))
    await mine.put_invitation("held", user, inviter_id="")
    assert (await mine._take()) is not None  # taken by a process that dies now
    assert await mine.send_due() == 0
    clock.advance(timedelta(minutes=2))
    assert await mine.send_due() == 1
    address, message = await post.server.next()
    assert (address, message["Subject"]) == (user.email, "You are invited to Test")


async def test_what_a_server_refuses_for_good_is_given_up(crew: Crew, post: Post) -> None:
    user = await crew.user("rep")
    await set_password(user, PASSWORD)
    await post.outbox.ask_for_reset(user.email)
    post.server.replies.append("554 no such mailbox")
    await post.outbox.send_due()
    while post.server.replies:  # the house's own job had it in hand
        await post.outbox.send_due()
    assert post.server.arrived.empty()


async def test_a_mailer_tells_what_another_try_would_change(house: House) -> None:
    mail = Mail(to="a@test.example", subject="s", text="t", html="<p>t</p>")
    async with mail_server() as server:
        mailer = SmtpMailer(server.url, "no-reply@test.example", house.store.clock)
        server.replies += ["554 never", "451 later"]
        with pytest.raises(MailRefused, match="554"):
            await mailer.send(mail)
        with pytest.raises(Unavailable, match="451"):
            await mailer.send(mail)
        await mailer.send(mail)
        assert (await server.next())[0] == "a@test.example"
    with pytest.raises(Unavailable):
        await mailer.send(mail)


async def test_a_password_never_leaves_in_clear_for_another_machine(house: House) -> None:
    def insists(url: str) -> bool | None:
        return SmtpMailer(url, "a@b.example", house.store.clock)._starts_tls()

    assert insists("smtp://user:secret@mail.example") is True
    assert insists("smtps://user:secret@mail.example") is False  # it is TLS from the start
    assert insists("smtp://user:secret@127.0.0.1:25") is None


# ── forgotten passwords ──────────────────────────────────────────────────────────────────────────


async def forgot(http: httpx.AsyncClient, email: str) -> httpx.Response:
    return await http.post("/auth/forgot-password", json={"email": email})


async def test_a_reset_ends_every_session_and_lifts_the_lock(
    crew: Crew, post: Post, http: httpx.AsyncClient
) -> None:
    user = await crew.user("rep")
    await set_password(user, PASSWORD)
    before = await sign_in(http, user.email, PASSWORD)
    assert (await forgot(http, f" {user.email.upper()} ")).status_code == 202
    _, message = await post.mail()
    assert message["Subject"] == "A new password for Test"
    token = token_in(text_of(message))
    assert f"{SITE}/auth/reset?lang=en#token={token}" in text_of(message)
    for _ in range(9):
        await sign_in(http, user.email, "not it at all")
    assert (await sign_in(http, user.email, PASSWORD)).status_code == 429
    done = await http.post("/auth/reset-password", json={"token": token, "password": ANOTHER})
    assert (done.status_code, done.content) == (204, b"")
    assert await me(http, before) == 401
    assert (await crew.rep.post("{ me { id } }"))["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    live = {"user_id": user.id, "revoked_at": None}
    assert await Session.find(live).count() == 0
    assert (await sign_in(http, user.email, PASSWORD)).status_code == 401
    assert (await sign_in(http, user.email, ANOTHER)).status_code == 200
    again = await http.post("/auth/reset-password", json={"token": token, "password": PASSWORD})
    assert again.status_code == 422


async def test_known_and_unknown_addresses_are_answered_alike(
    crew: Crew, post: Post, http: httpx.AsyncClient
) -> None:
    """The request does the same for both: one row, by which nobody can tell them apart either."""
    user = await crew.user("rep")
    await set_password(user, PASSWORD)
    unknown = f"{new_id()}@nowhere.example"
    answers = [await forgot(http, user.email), await forgot(http, unknown)]
    assert [(one.status_code, one.content) for one in answers] == [(202, b"null")] * 2
    assert await post.token(user.email)
    await post.outbox.send_due()
    assert post.server.arrived.empty()
    assert await MailDue.find({"address": unknown}).count() == 0


async def test_a_suspended_person_gets_no_link(crew: Crew, post: Post, http: httpx.AsyncClient) -> None:
    user = await crew.user("rep")
    await set_password(user, PASSWORD)
    suspend = f'mutation {{ userSuspend(input: {{id: "{user.id}"}}) {{ __typename }} }}'
    assert (await crew.admin.ask(suspend))["userSuspend"]["__typename"] == "User"
    assert (await forgot(http, user.email)).status_code == 202
    await post.outbox.send_due()
    assert await OneTimeToken.find({"user_id": user.id}).count() == 0
    assert (await sign_in(http, user.email, PASSWORD)).status_code == 401


async def test_asking_again_and_again_must_wait(crew: Crew, post: Post, http: httpx.AsyncClient) -> None:
    email = f"{new_id()}@nowhere.example"
    codes = [(await forgot(http, email)).status_code for _ in range(6)]
    assert codes == [202] * 5 + [429]


async def test_without_a_mail_server_nothing_is_pretended(crew: Crew, http: httpx.AsyncClient) -> None:
    refused = await forgot(http, (await crew.user("rep")).email)
    assert (refused.status_code, refused.json()["code"]) == (503, "UNAVAILABLE")
    assert "RAPPORT_SMTP_URL" in refused.json()["message"]
    assert await MailDue.find_all().count() == 0


# ── words and pages ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/auth/invitation", "/auth/reset"])
async def test_the_pages_of_the_links_hold_nothing_foreign(http: httpx.AsyncClient, path: str) -> None:
    page = await http.get(path, params={"lang": "zh"})
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert (page.headers["referrer-policy"], page.headers["cache-control"]) == ("no-referrer", "no-store")
    assert '<html lang="zh">' in page.text
    assert 'lang="en"' in (await http.get(path, headers={"Accept-Language": "fr, en;q=0.5"})).text
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert sorted(named) == ["/auth/page.css", "/auth/page.js"]
    for name in named:
        assert (await http.get(name)).status_code == 200
    assert re.findall(r"<script>|style=|\son\w+=", page.text) == []
    labelled = set(re.findall(r'<label for="(\w+)"', page.text))
    assert labelled == {"password", "again"} == set(re.findall(r'<input id="(\w+)"', page.text))


def test_what_people_choose_is_text_in_letters_and_stays_short() -> None:
    words = {"name": "<b>Eve</b>", "workspace": "Free money! " * 30, "inviter": "Eve\r\nBcc: all@x.example"}
    letter = word_letter("invitation", "en", "https://x.example/#token=t", words)
    assert "<b>" not in letter.html
    assert "&lt;b&gt;Eve" in letter.html
    assert "\n" not in letter.subject
    assert len(letter.subject) < 160
    assert letter.text.count("Free money!") == 5


@pytest.mark.parametrize("locale", ["zh", "en", "zh-Hant-TW", "fr", "", "../x"])
@pytest.mark.parametrize("purpose", list(Purpose))
def test_every_language_has_every_word(purpose: Purpose, locale: str) -> None:
    letter = word_letter(
        purpose, locale, "https://x.example", {"name": "n", "workspace": "w", "inviter": "i"}
    )
    assert "https://x.example" in letter.text
    assert "{{" not in letter.subject + letter.text + letter.html
    assert 'data-post="/here"' in word_page(purpose, locale, post="/here")
