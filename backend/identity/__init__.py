"""Who people are: workspaces, users, teams, roles, sign-in and sessions."""
