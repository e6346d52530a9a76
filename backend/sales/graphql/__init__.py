"""The sales room's GraphQL face, a file for each kind."""

from backend.sales.graphql.leads import LeadMutation, LeadQuery
from backend.sales.graphql.opportunities import OpportunityMutation, OpportunityQuery
from backend.sales.graphql.pipelines import PipelineMutation, PipelineQuery

QUERIES = (LeadQuery, OpportunityQuery, PipelineQuery)
MUTATIONS = (LeadMutation, OpportunityMutation, PipelineMutation)
