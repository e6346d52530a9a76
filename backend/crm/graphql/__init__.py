"""The crm room's GraphQL face, a file for each kind."""

from backend.crm.graphql.accounts import AccountMutation, AccountQuery
from backend.crm.graphql.activities import ActivityMutation, ActivityQuery
from backend.crm.graphql.attachments import AttachmentMutation, AttachmentQuery
from backend.crm.graphql.consents import ConsentMutation, ConsentQuery
from backend.crm.graphql.contacts import ContactMutation, ContactQuery
from backend.crm.graphql.privacy import PrivacyMutation, PrivacyQuery
from backend.crm.graphql.retention import RetentionMutation, RetentionQuery
from backend.crm.graphql.tasks import TaskMutation, TaskQuery

QUERIES = (
    AccountQuery,
    ContactQuery,
    ConsentQuery,
    TaskQuery,
    ActivityQuery,
    AttachmentQuery,
    PrivacyQuery,
    RetentionQuery,
)
MUTATIONS = (
    AccountMutation,
    ContactMutation,
    ConsentMutation,
    TaskMutation,
    ActivityMutation,
    AttachmentMutation,
    PrivacyMutation,
    RetentionMutation,
)
