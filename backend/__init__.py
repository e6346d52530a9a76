"""The CRM itself: core, identity, crm, sales, service, and the app that joins the rooms."""
