"""The identity room's GraphQL face, a file for each kind."""

from backend.identity.graphql.people import IdentityQuery, Team, User, Workspace

QUERIES = (IdentityQuery,)

__all__ = ["QUERIES", "IdentityQuery", "Team", "User", "Workspace"]
