"""Passwords and the mails about them, over HTTP and a real mail server on loopback."""

import re
from collections.abc import AsyncIterator
from copy import copy
from dataclasses import dataclass, replace
from datetime import timedelta
from email.message import EmailMessage
from functools import partial
from typing import Any

import httpx
import pytest
import svcs
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from backend.core.clock import HeldClock
from backend.core.errors import InvalidInput, RateLimited, Unauthenticated, Unavailable
from backend.core.ids import new_id
from backend.core.mail import Mail, MailRefused, SmtpMailer
from backend.core.settings import Settings
from backend.core.store import Store
from backend.house import House
from backend.identity import sign_in as operations
from backend.identity.credentials import set_password
from backend.identity.documents import Credential, DeviceInfo, Session, User
from backend.identity.letters import word_letter, word_page
from backend.identity.mail_documents import MailDue, OneTimeToken, Purpose
from backend.identity.outbox import Outbox
from backend.identity.password_rules import check_password
from backend.identity.sign_in import TokenPolicy
from backend.identity.tokens import digest
from backend.identity.tries import MOST_BEFORE_LOCK
from tests.crew import Crew
from tests.fakes.mail_server import MailServer, mail_server

PASSWORD = "kettle 苹果 orbit fennel"
ANOTHER = "walrus 月亮 cobalt sandal"
SITE = "https://crm.test.example"

CHANGE = """mutation($input: PasswordChangeInput!) { passwordChange(input: $input) { __typename
    ... on PasswordChanged { sessionsEnded } ... on Error { code message }
    ... on InvalidInput { fields { field } } } }"""
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


async def sign_in(http: httpx.AsyncClient, email: str, password: str) -> httpx.Response:
    return await http.post("/auth/sign-in", json={"email": email, "password": password})


async def me(http: httpx.AsyncClient, signed_in: httpx.Response) -> int:
    headers = {"Authorization": f"Bearer {signed_in.json()['accessToken']}"}
    return (await http.post("/graphql", json={"query": "{ me { id } }"}, headers=headers)).status_code


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


def clocked(store: Store, clock: HeldClock) -> Store:
    """Return the same store, by another clock."""
    other = copy(store)
    other.clock = clock
    return other


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


@pytest.mark.parametrize("url", ["http://mail.example", "smtp://", "mail.example:25", "smtp://h:99999"])
def test_settings_refuse_what_is_no_mail_server(url: str) -> None:
    with pytest.raises(ValidationError, match="no address of a mail server"):
        Settings(smtp_url=SecretStr(url), mail_from="a@b.example", public_url=SITE)


def test_settings_want_a_sender_and_a_place_for_links() -> None:
    with pytest.raises(ValidationError, match="RAPPORT_MAIL_FROM"):
        Settings(smtp_url=SecretStr("smtp://mail.example"))
    good = Settings(smtp_url=SecretStr("smtp://mail.example"), mail_from="a@b.example", public_url=f"{SITE}/")
    assert good.links_begin_with == SITE


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


# ── one's own password ───────────────────────────────────────────────────────────────────────────


async def test_changing_the_password_ends_the_other_sessions(crew: Crew, http: httpx.AsyncClient) -> None:
    user = await crew.user("rep")
    await set_password(user, PASSWORD)
    phone = await sign_in(http, user.email, PASSWORD)
    done = (await crew.rep.ask(CHANGE, input={"current": PASSWORD, "new": ANOTHER}))["passwordChange"]
    assert done == {"__typename": "PasswordChanged", "sessionsEnded": 1}
    assert await me(http, phone) == 401
    assert (await crew.rep.ask("{ me { id } }"))["me"]["id"] == user.id
    assert (await sign_in(http, user.email, PASSWORD)).status_code == 401
    assert (await sign_in(http, user.email, ANOTHER)).status_code == 200


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [
        ("not it at all", ANOTHER, "current"),
        (PASSWORD, "short", "new"),
        (PASSWORD, PASSWORD, "new"),
        (PASSWORD, "iloveyou2026", "new"),
    ],
)
async def test_a_refused_change_changes_nothing(
    crew: Crew, http: httpx.AsyncClient, current: str, new: str, field: str
) -> None:
    user = await crew.user("rep")
    await set_password(user, PASSWORD)
    before = await Credential.get(user.email)
    refused = (await crew.rep.ask(CHANGE, input={"current": current, "new": new}))["passwordChange"]
    assert (refused["__typename"], refused["fields"]) == ("InvalidInput", [{"field": field}])
    assert await Credential.get(user.email) == before


async def test_guessing_the_present_password_must_wait(crew: Crew) -> None:
    await set_password(await crew.user("rep"), PASSWORD)
    for _ in range(8):
        await crew.rep.ask(CHANGE, input={"current": "a guess, no more", "new": ANOTHER})
    refused = (await crew.rep.ask(CHANGE, input={"current": PASSWORD, "new": ANOTHER}))["passwordChange"]
    assert refused["code"] == "RATE_LIMITED"


async def test_an_address_that_became_anothers_is_not_taken_over(crew: Crew) -> None:
    user, other = await crew.user("rep"), await crew.user("agent")
    await set_password(other, PASSWORD)
    before = await Credential.get(other.email)
    user.email = other.email
    with pytest.raises(InvalidInput, match="in use"):
        await set_password(user, ANOTHER)
    assert await Credential.get(other.email) == before


# ── what a password must be ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "poor",
    ["ninechars", "1234567890", "password1234", "qwertyuiop12", "aaaaaaaaaaaa", "Fang.Wang1990", "x" * 1_001],
)
async def test_common_and_personal_passwords_are_refused(poor: str) -> None:
    with pytest.raises(InvalidInput, match="password is too"):
        await check_password(poor, ["fang.wang1990@test.example", "Wang Fang", "Test"])


@pytest.mark.parametrize(
    "good", [PASSWORD, ANOTHER, "kx7$mQ92!pLzW4vB", "人山人海密码安全一二", "9" * 3 + PASSWORD * 40]
)
async def test_others_are_taken(good: str) -> None:
    await check_password(good, ["fang@test.example", "Wang Fang", "Test"])


@given(st.text(max_size=9))
async def test_every_short_one_is_refused(short: str) -> None:
    with pytest.raises(InvalidInput, match="too short"):
        await check_password(short, [])


# ── lock-out ─────────────────────────────────────────────────────────────────────────────────────


async def attempts(house: House, email: str, clock: HeldClock) -> Any:
    async with svcs.Container(house.registry) as services:
        policy = await services.aget(TokenPolicy)
    store = clocked(house.store, clock)
    return partial(
        operations.sign_in,
        policy,
        store,
        email=email,
        network=new_id(),
        device=DeviceInfo(),
    )


async def lock(house: House, email: str, clock: HeldClock) -> list[str]:
    """Guess until the address is locked; return how each guess was answered."""
    attempt, said = await attempts(house, email, clock), []
    for guess in range(MOST_BEFORE_LOCK + 1):
        if guess % 5 == 0:
            clock.advance(timedelta(minutes=16))  # past the short wait that a few wrong ones earn
        try:
            await attempt(password=f"guess number {guess}")
        except (Unauthenticated, RateLimited) as refusal:
            said.append(f"{refusal.code}: {refusal}")
    return said


async def test_an_address_locks_after_twenty_failures_known_or_not(
    crew: Crew, house: House, http: httpx.AsyncClient
) -> None:
    user, clock = await crew.user("rep"), HeldClock(house.store.clock.now())
    await set_password(user, PASSWORD)
    known = await lock(house, user.email, clock)
    unknown = await lock(house, f"{new_id()}@nowhere.example", HeldClock(house.store.clock.now()))
    assert known == unknown
    assert [one.split(":")[0] for one in known] == ["UNAUTHENTICATED"] * 20 + ["RATE_LIMITED"]
    assert "locked" in known[-1]
    clock.advance(timedelta(minutes=16))
    attempt = await attempts(house, user.email, clock)
    with pytest.raises(RateLimited, match="locked"):
        await attempt(password=PASSWORD)
    unlock = f'mutation {{ userUnlock(id: "{user.id}") {{ __typename ... on Error {{ code }} }} }}'
    assert (await crew.rep.ask(unlock))["userUnlock"]["code"] == "FORBIDDEN"
    with pytest.raises(RateLimited, match="locked"):
        await attempt(password=PASSWORD)
    assert (await crew.admin.ask(unlock))["userUnlock"]["__typename"] == "User"
    assert (await sign_in(http, user.email, PASSWORD)).status_code == 200


async def test_a_day_later_the_failures_are_forgotten(crew: Crew, house: House) -> None:
    email, clock = f"{new_id()}@nowhere.example", HeldClock(house.store.clock.now())
    await lock(house, email, clock)
    clock.advance(timedelta(hours=24))
    attempt = await attempts(house, email, clock)
    with pytest.raises(Unauthenticated):
        await attempt(password="a guess of the next day")


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
