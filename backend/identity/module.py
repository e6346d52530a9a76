"""The identity room's page."""

from backend.core.access import Level, grant
from backend.core.module import Module
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
from backend.identity.graphql import MUTATIONS, QUERIES
from backend.identity.http import router
from backend.identity.second_factor_documents import SecondFactor, SignInTicket
from backend.identity.second_factor_http import router as second_factor_router
from backend.identity.seed import seed_people
from backend.identity.sharing_documents import (
    ShareExpiry,
    ShareTarget,
    SharingDefaults,
    SharingRule,
    Territory,
)
from backend.identity.token_documents import ApiToken

ALL = Level.ALL
EVERYTHING = grant(read=ALL, create=ALL, update=ALL, delete=ALL, assign=ALL)
READ = grant(read=ALL)
STAFF = {"workspace": READ, "user": READ, "team": READ}

module = Module(
    name="identity",
    documents=(
        Workspace,
        User,
        Team,
        Role,
        SharingRule,
        Territory,
        SharingDefaults,
        ShareTarget,
        ShareExpiry,
        SessionEnd,
    ),
    other_documents=(Credential, Session, SignInTries, SecondFactor, SignInTicket, ApiToken),
    queries=QUERIES,
    mutations=MUTATIONS,
    routes=(router, second_factor_router),
    roles={
        "admin": {"*": EVERYTHING},
        "manager": STAFF,
        "rep": STAFF,
        "agent": STAFF,
        "customer": {"workspace": READ, "user": grant(read=Level.OWN)},
    },
    token_scopes={"admin": frozenset({"workspace", "user", "team", "role", "identity_provider"})},
    seed=seed_people,
)
