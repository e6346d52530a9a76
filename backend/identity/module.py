"""The identity room's page."""

from datetime import timedelta

import svcs

from backend.core.access import Level, grant
from backend.core.jobs import Job
from backend.core.module import Module
from backend.identity.chat_keys import ChatOrigins
from backend.identity.documents import (
    Credential,
    Role,
    Session,
    SessionEnd,
    SignInTries,
    Team,
    User,
    Workspace,
)
from backend.identity.events import StampsMoved, UserInvited, UserSuspended
from backend.identity.graphql import MUTATIONS, QUERIES
from backend.identity.http import router
from backend.identity.mail_documents import MailDue, OneTimeToken
from backend.identity.oidc_directory import provide_directory
from backend.identity.oidc_http import router as oidc_router
from backend.identity.outbox import on_user_invited, provide_outbox, send_due_mail
from backend.identity.password_http import router as password_router
from backend.identity.policies import BASICS
from backend.identity.provider_documents import ExternalIdentity, IdentityProvider, ProviderSignIn
from backend.identity.restamping import on_stamps_moved
from backend.identity.second_factor_documents import SecondFactor, SignInTicket
from backend.identity.second_factor_http import router as second_factor_router
from backend.identity.seed import seed_people
from backend.identity.session_keeping import on_user_suspended
from backend.identity.share_endings import end_due_shares
from backend.identity.sharing_documents import (
    RevealCount,
    ShareExpiry,
    ShareTarget,
    SharingDefaults,
    SharingRule,
    Territory,
)
from backend.identity.token_documents import ApiToken
from backend.identity.visitor_documents import ChatKey, Visitor

ALL = Level.ALL
EVERYTHING = grant(read=ALL, create=ALL, update=ALL, delete=ALL, export=ALL, assign=ALL, approve=ALL)
READ = grant(read=ALL)
# What only keys with the scope `admin` touch.
ADMINISTERED = frozenset(
    {"workspace", "user", "team", "role", "identity_provider"}
    | {"sharing_rule", "territory", "sharing_defaults", "chat_key"}
)


def _provide(registry: svcs.Registry) -> None:
    """Give the house its outbox, what it knows of sign-in providers, and of pages with a chat."""
    provide_outbox(registry)
    provide_directory(registry)
    registry.register_value(ChatOrigins, ChatOrigins())


module = Module(
    name="identity",
    documents=(
        Workspace,
        User,
        Team,
        Role,
        IdentityProvider,
        SharingRule,
        Territory,
        SharingDefaults,
        ShareTarget,
        ShareExpiry,
        RevealCount,
        SessionEnd,
        ChatKey,
    ),
    other_documents=(
        Credential,
        Session,
        SignInTries,
        SecondFactor,
        SignInTicket,
        ApiToken,
        ExternalIdentity,
        ProviderSignIn,
        OneTimeToken,
        MailDue,
        Visitor,
    ),
    queries=QUERIES,
    mutations=MUTATIONS,
    listens={
        "identity.restamp": (on_stamps_moved, (StampsMoved,)),
        "identity.invitations": (on_user_invited, (UserInvited,)),
        "identity.suspensions": (on_user_suspended, (UserSuspended,)),
    },
    jobs=(
        Job(name="identity.end_shares", every=timedelta(seconds=30), run=end_due_shares),
        Job(name="identity.mail", every=timedelta(seconds=2), run=send_due_mail),
    ),
    routes=(router, second_factor_router, oidc_router, password_router),
    roles={
        "admin": {"*": EVERYTHING},
        "manager": BASICS,
        "rep": BASICS,
        "agent": BASICS,
        "customer": {"workspace": READ, "user": grant(read=Level.OWN)},
    },
    token_scopes={"admin": ADMINISTERED},
    provide=_provide,
    seed=seed_people,
)
