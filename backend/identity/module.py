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
from backend.identity.seed import seed_people
from backend.identity.sharing_documents import (
    ShareExpiry,
    ShareTarget,
    SharingDefaults,
    SharingRule,
    Territory,
)

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
    other_documents=(Credential, Session, SignInTries),
    queries=QUERIES,
    mutations=MUTATIONS,
    routes=(router,),
    roles={
        "admin": {"*": EVERYTHING},
        "manager": STAFF,
        "rep": STAFF,
        "agent": STAFF,
        "customer": {"workspace": READ, "user": grant(read=Level.OWN)},
    },
    seed=seed_people,
)
