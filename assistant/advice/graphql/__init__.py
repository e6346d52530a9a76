"""The GraphQL face of advice, a file for each sort."""

from assistant.advice.graphql.actions import ActionMutation, ActionQuery
from assistant.advice.graphql.faq import FaqMutation, FaqQuery
from assistant.advice.graphql.macros import MacroMutation, MacroQuery
from assistant.advice.graphql.predictions import PredictionQuery
from assistant.advice.graphql.replies import ReplyMutation, ReplyQuery

QUERIES = (ActionQuery, FaqQuery, MacroQuery, PredictionQuery, ReplyQuery)
MUTATIONS = (ActionMutation, FaqMutation, MacroMutation, ReplyMutation)
