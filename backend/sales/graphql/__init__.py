"""The sales room's GraphQL face, a file for each kind."""

from backend.sales.graphql.approvals import ApprovalMutation, ApprovalQuery
from backend.sales.graphql.contracts import ContractMutation, ContractQuery
from backend.sales.graphql.leads import LeadMutation, LeadQuery
from backend.sales.graphql.opportunities import OpportunityMutation, OpportunityQuery
from backend.sales.graphql.payments import PaymentMutation, PaymentQuery
from backend.sales.graphql.pipelines import PipelineMutation, PipelineQuery
from backend.sales.graphql.quotes import QuoteMutation, QuoteQuery

QUERIES = (LeadQuery, OpportunityQuery, PipelineQuery, QuoteQuery, ApprovalQuery, ContractQuery, PaymentQuery)
MUTATIONS = (
    *(LeadMutation, OpportunityMutation, PipelineMutation, QuoteMutation, ApprovalMutation),
    *(ContractMutation, PaymentMutation),
)
