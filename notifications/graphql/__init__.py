"""The notifications room's GraphQL face."""

from notifications.graphql.channels import ChannelMutation, ChannelQuery
from notifications.graphql.inbox import NotificationMutation, NotificationQuery, NotificationSubscription
from notifications.graphql.log import LogQuery
from notifications.graphql.settings import SettingsMutation, SettingsQuery
from notifications.graphql.templates import TemplateMutation, TemplateQuery

QUERIES = (NotificationQuery, SettingsQuery, TemplateQuery, LogQuery, ChannelQuery)
MUTATIONS = (NotificationMutation, SettingsMutation, TemplateMutation, ChannelMutation)
SUBSCRIPTIONS = (NotificationSubscription,)
